/* SOFTMAX and LOG_SOFTMAX along the last axis, in the fixed point of gemmlowp. */
#ifndef TINYML_SOFTMAX_H
#define TINYML_SOFTMAX_H

#include <stdint.h>

typedef struct {
    const int32_t *exponentials; /* by the distance to the largest; 0 beyond the end */
    int32_t length;
    int32_t rows, classes;
} tinyml_softmax_layer;

void tinyml_softmax(const tinyml_softmax_layer *layer, const int8_t *const *in, int8_t *out);
void tinyml_softmax_uint8(const tinyml_softmax_layer *layer, const int8_t *const *in, int8_t *out);

typedef struct {
    const int32_t *exponentials, *differences; /* by the distance to the largest */
    int32_t length;
    int32_t rows, classes;
    int32_t multiplier, shift; /* from a difference back to steps of the input */
} tinyml_log_softmax_layer;

void tinyml_log_softmax(
    const tinyml_log_softmax_layer *layer, const int8_t *const *in, int8_t *out
);

#endif
