/* AVERAGE_POOL_2D and MAX_POOL_2D: pixel by pixel and channel by channel, what is padded left out. */
#ifndef TINYML_POOL_H
#define TINYML_POOL_H

#include <stdint.h>

#include "tinyml_requantize.h"

typedef struct {
    int32_t height, width, channels, out_height, out_width;
    int32_t kernel_height, kernel_width, stride_height, stride_width;
    int32_t pad_top, pad_left;
    tinyml_output output;
    uint8_t flip; /* of every byte: see tinyml_bytes.h */
} tinyml_pool_layer;

void tinyml_average_pool(const tinyml_pool_layer *layer, const int8_t *const *in, int8_t *out);
void tinyml_max_pool(const tinyml_pool_layer *layer, const int8_t *const *in, int8_t *out);

/* The average of uint8 has halves that go up, of int8 away from zero. */
void tinyml_average_pool_uint8(const tinyml_pool_layer *layer, const int8_t *const *in, int8_t *out);
void tinyml_max_pool_uint8(const tinyml_pool_layer *layer, const int8_t *const *in, int8_t *out);

/* Of the bytes' sum. */
TINYML_DSP int32_t average_of(int32_t sum, int32_t count, uint8_t flip) {
    if (flip) return (sum + flip * count + count / 2) / count - flip;
    return (sum < 0 ? sum - count / 2 : sum + count / 2) / count;
}

#endif
