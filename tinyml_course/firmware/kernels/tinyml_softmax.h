/* SOFTMAX along the last axis, in the fixed point of gemmlowp. */
#ifndef TINYML_SOFTMAX_H
#define TINYML_SOFTMAX_H

#include <stdint.h>

typedef struct {
    const int32_t *exponentials; /* by the distance to the largest; 0 beyond the end */
    int32_t length;
    int32_t rows, classes;
} tinyml_softmax_layer;

void tinyml_softmax(const tinyml_softmax_layer *layer, const int8_t *const *in, int8_t *out);

#endif
