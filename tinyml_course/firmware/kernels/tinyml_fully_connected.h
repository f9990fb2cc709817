/* FULLY_CONNECTED: every row of features times every row of weights. */
#ifndef TINYML_FULLY_CONNECTED_H
#define TINYML_FULLY_CONNECTED_H

#include <stdint.h>

#include "tinyml_requantize.h"

typedef struct {
    const int8_t *weights;    /* output by output */
    const int32_t *constants; /* per output: sum to begin with, multiplier */
    const int8_t *shifts;     /* per output, as TF-Lite has them */
    int32_t rows, features, outputs;
    tinyml_output output;
} tinyml_fully_connected_layer;

void tinyml_fully_connected(
    const tinyml_fully_connected_layer *layer, const int8_t *const *in, int8_t *out
);

#endif
