/* MEAN and REDUCE_MAX over any axes. */
#ifndef TINYML_REDUCE_H
#define TINYML_REDUCE_H

#include <stdint.h>

#include "tinyml_axes.h"
#include "tinyml_requantize.h"

typedef struct {
    tinyml_outer outer_kept, outer_reduced;
    int32_t kept[4], kept_step[4];       /* axes of the output, and their steps in the input */
    int32_t reduced[4], reduced_step[4]; /* the others */
    int32_t multiplier, shift;           /* of the sum */
    int32_t offset;                      /* zero points in the sum */
    tinyml_output output;
} tinyml_reduce_layer;

void tinyml_mean(const tinyml_reduce_layer *layer, const int8_t *const *in, int8_t *out);
void tinyml_reduce_max(const tinyml_reduce_layer *layer, const int8_t *const *in, int8_t *out);
void tinyml_mean_uint8(const tinyml_reduce_layer *layer, const int8_t *const *in, int8_t *out);
void tinyml_reduce_max_uint8(const tinyml_reduce_layer *layer, const int8_t *const *in, int8_t *out);

#endif
