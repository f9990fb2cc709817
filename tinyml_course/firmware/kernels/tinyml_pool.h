/* AVERAGE_POOL_2D and MAX_POOL_2D: pixel by pixel and channel by channel, what is padded left out. */
#ifndef TINYML_POOL_H
#define TINYML_POOL_H

#include <stdint.h>

#include "tinyml_requantize.h"

typedef struct {
    int16_t height, width, channels, out_height, out_width;
    uint8_t kernel_height, kernel_width, stride_height, stride_width;
    uint8_t pad_top, pad_left;
    tinyml_output output;
} tinyml_pool_layer;

void tinyml_average_pool(const tinyml_pool_layer *layer, const int8_t *const *in, int8_t *out);
void tinyml_max_pool(const tinyml_pool_layer *layer, const int8_t *const *in, int8_t *out);

#endif
