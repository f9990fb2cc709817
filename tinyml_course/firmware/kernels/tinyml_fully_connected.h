/* FULLY_CONNECTED: every row of features times every row of weights. */
#ifndef TINYML_FULLY_CONNECTED_H
#define TINYML_FULLY_CONNECTED_H

#include <stdint.h>

#include "tinyml_requantize.h"

typedef struct {
    const int8_t *weights;
    const int32_t *constants;
    const int8_t *shifts;
    int32_t rows, features, outputs;
    tinyml_output output;
    /* For any layer only: the other one has int8 and weights around zero. */
    int8_t weight_zero_point;
    uint8_t flip; /* of every feature and output: see tinyml_bytes.h */
} tinyml_fully_connected_layer;

/* Weights, constants and shifts as those of a pointwise convolution (Python: pack_conv). */
void tinyml_fully_connected(
    const tinyml_fully_connected_layer *layer, const int8_t *const *in, int8_t *out
);

/* Any layer, slowly: weights output by output, of each the sum to begin with and the multiplier, shifts
   as TF-Lite has them. */
void tinyml_fully_connected_any(
    const tinyml_fully_connected_layer *layer, const int8_t *const *in, int8_t *out
);

#endif
