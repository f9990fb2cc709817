/* MEAN and REDUCE_MAX over any axes. */
#ifndef TINYML_REDUCE_H
#define TINYML_REDUCE_H

#include <stdint.h>

#include "tinyml_requantize.h"

typedef struct {
    int32_t kept[4], kept_step[4];       /* axes of the output, and their steps in the input */
    int32_t reduced[4], reduced_step[4]; /* the others */
    int32_t multiplier, shift;           /* of the sum */
    int8_t zero_point;
    tinyml_output output;
} tinyml_reduce_layer;

void tinyml_mean(const tinyml_reduce_layer *layer, const int8_t *const *in, int8_t *out);
void tinyml_reduce_max(const tinyml_reduce_layer *layer, const int8_t *const *in, int8_t *out);

#endif
