/* What an operator is without fusion: a pass over a whole map for each idea.

   Padding, the sums, requantization (batch norm is folded into it) and the activation's clamp are
   operators of their own, each with a map of its own: the sums are 32 bits wide. */
#ifndef STORY_PASSES_H
#define STORY_PASSES_H

#include "story.h"

STORY_KERNEL void pad_pass(const story_layer *l, const int8_t *in, int8_t *padded) {
    for (int32_t y = -l->pad_top; y < l->padded_height - l->pad_top; y++)
        for (int32_t x = -l->pad_left; x < l->padded_width - l->pad_left; x++) {
            bool map = y >= 0 && y < l->height && x >= 0 && x < l->width;
            int32_t from = (y * l->width + x) * l->channels_in;
            TAPS_LOOP for (int32_t c = 0; c < l->channels_in; c++)
                *padded++ = map ? in[from + c] : (int8_t)l->zero_point;
        }
}

STORY_KERNEL void requantize_pass(const story_layer *l, const int32_t *sums, int8_t *out) {
    for (int32_t pixel = 0; pixel < l->out_height * l->out_width; pixel++)
        TAPS_LOOP for (int32_t c = 0; c < l->channels_out; c++) {
            int32_t value = requantize_any(*sums++, l->multiplier[c], l->shift[c]);
            *out++ = (int8_t)dsp_ssat(value + l->output.zero_point, 8);
        }
}

STORY_KERNEL void clamp_pass(const story_layer *l, int8_t *out) {
    int32_t elements = l->out_height * l->out_width * l->channels_out;
    if (l->output.least == -128 && l->output.most == 127) return;
    TAPS_LOOP for (int32_t i = 0; i < elements; i++)
        out[i] = (int8_t)dsp_clamp(out[i], l->output.least, l->output.most);
}

/* The passes before a kernel; gives what it reads. */
STORY_KERNEL const int8_t *before(const story_layer *l, const story_maps *maps) {
    if (STORY_FUSION || !maps->padded) return maps->in;
    pad_pass(l, maps->in, maps->padded);
    return maps->padded;
}

/* The passes behind it. */
STORY_KERNEL void behind(const story_layer *l, const story_maps *maps) {
    if (STORY_FUSION) return;
    requantize_pass(l, maps->sums, maps->out);
    clamp_pass(l, maps->out);
}

#endif
