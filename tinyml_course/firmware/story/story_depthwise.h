/* A depthwise convolution: directly, or channel by channel from a copy of the channel. */
#ifndef STORY_DEPTHWISE_H
#define STORY_DEPTHWISE_H

#include "story_conv.h"

#define STORY_LARGEST_WINDOW 49

STORY_KERNEL int32_t direct_channel_sum(
    const story_layer *l, const int8_t *in, int32_t channel, int32_t top, int32_t left
) {
    const int8_t *weights = l->weights + channel;
    int32_t sum = 0;
    WINDOW_LOOP for (int32_t ky = 0; ky < l->kernel_height; ky++)
        WINDOW_LOOP for (int32_t kx = 0; kx < l->kernel_width; kx++, weights += l->channels_in) {
            if (!inside(l, top + ky, left + kx)) continue;
            int32_t pixel = (top + ky) * map_width(l) + left + kx;
            sum += (in[pixel * l->channels_in + channel] - l->zero_point) * *weights;
        }
    return sum;
}

STORY_KERNEL void direct_depthwise(const story_layer *l, const int8_t *in, const story_maps *maps) {
    int32_t at = 0;
    for (int32_t y = 0; y < l->out_height; y++)
        for (int32_t x = 0; x < l->out_width; x++)
            for (int32_t c = 0; c < l->channels_out; c++, at++) {
                int32_t sum = direct_channel_sum(l, in, c, window_top(l, y), window_left(l, x));
                put(l, maps, at, c, l->bias[c] + sum);
            }
}

/* im2col of a depthwise convolution: one channel with its edge, as 16-bit numbers less the zero
   point. Once it is copied nobody reads it in the map again: the output may lie there. */
STORY_KERNEL void fill_plane(
    const story_layer *l, const int8_t *in, int16_t *plane, int32_t channel
) {
    int32_t top = window_top(l, 0), left = window_left(l, 0);
    for (int32_t y = top; y < top + l->padded_height; y++)
        TAPS_LOOP for (int32_t x = left; x < left + l->padded_width; x++) {
            int32_t at = (y * map_width(l) + x) * l->channels_in + channel;
            *plane++ = inside(l, y, x) ? (int16_t)(in[at] - l->zero_point) : 0;
        }
}

STORY_KERNEL int32_t plane_sum(const story_layer *l, const int16_t *at, const int16_t *weights) {
    int32_t sum = 0;
    WINDOW_LOOP for (int32_t ky = 0; ky < l->kernel_height; ky++) {
        int32_t kx = 0;
#if STORY_SIMD
        WINDOW_LOOP for (; kx + 2 <= l->kernel_width; kx += 2)
            sum = dsp_smlad(dsp_load(at + kx), dsp_load(weights + kx), sum);
#endif
        WINDOW_LOOP for (; kx < l->kernel_width; kx++) sum += at[kx] * weights[kx];
        at += l->padded_width;
        weights += l->kernel_width;
    }
    return sum;
}

STORY_KERNEL void plane_depthwise(const story_layer *l, const int8_t *in, const story_maps *maps) {
    int32_t window = l->kernel_height * l->kernel_width;
    for (int32_t c = 0; c < l->channels_out; c++) {
        int16_t weights[STORY_LARGEST_WINDOW];
        WINDOW_LOOP for (int32_t k = 0; k < window; k++)
            weights[k] = l->weights[k * l->channels_out + c];
        fill_plane(l, in, maps->scratch, c);
        for (int32_t y = 0; y < l->out_height; y++)
            for (int32_t x = 0; x < l->out_width; x++) {
                int32_t first = y * l->stride_height * l->padded_width + x * l->stride_width;
                int32_t sum = l->bias[c] + plane_sum(l, maps->scratch + first, weights);
                put(l, maps, (y * l->out_width + x) * l->channels_out + c, c, sum);
            }
    }
}

STORY_KERNEL void story_depthwise(const story_layer *l, const story_maps *maps) {
    const int8_t *in = before(l, maps);
    if (STORY_IM2COL)
        plane_depthwise(l, in, maps);
    else
        direct_depthwise(l, in, maps);
    behind(l, maps);
}

#endif
