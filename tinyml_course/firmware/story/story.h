/* What all steps of the story share: a layer, how its loops are unrolled, where its sums go.

   Every kernel is inlined where it is called. Called with the layer of one operator (codegen), all
   of its sizes are numbers that the compiler knows; called by the interpreter, they are loads from
   SRAM. It is the same C. */
#ifndef STORY_H
#define STORY_H

#include "story_steps.h" /* STORY_FUSION and the like, each 0 or 1 */
#include "tinyml_memory.h"
#include "tinyml_requantize.h"

#define STORY_KERNEL static inline __attribute__((always_inline, unused))

/* Compilers unroll by themselves. Before the step `unrolling` they are asked not to, behind it to
   write out the window of a kernel (9 pieces of code for 3x3), and of longer loops eight rounds, or
   four where a round takes four taps. */
#if STORY_UNROLLING
#define WINDOW_LOOP _Pragma("clang loop unroll(full)")
#define TAPS_LOOP _Pragma("clang loop unroll_count(8)")
#define FOURS_LOOP _Pragma("clang loop unroll_count(4)")
#else
#define WINDOW_LOOP _Pragma("clang loop unroll(disable)")
#define TAPS_LOOP _Pragma("clang loop unroll(disable)")
#define FOURS_LOOP _Pragma("clang loop unroll(disable)")
#endif

typedef struct {
    const int8_t *weights;     /* (C_out, K_h, K_w, C_in); of a depthwise layer (K_h, K_w, C) */
    const int32_t *bias;       /* (C_out,) */
    const int32_t *multiplier; /* (C_out,) */
    const int32_t *shift;      /* (C_out,), positive is left */
    int32_t height, width, channels_in;
    int32_t out_height, out_width, channels_out;
    int32_t kernel_height, kernel_width, stride_height, stride_width;
    int32_t pad_top, pad_left, padded_height, padded_width;
    int32_t zero_point; /* of the input */
    int32_t columns;    /* windows that the scratch holds at a time */
    tinyml_output output;
} story_layer;

/* Where an operator's maps lie. Scratch, padded and sums are there only if the steps want them. */
typedef struct {
    const int8_t *in;
    int8_t *out;
    int16_t *scratch;
    int8_t *padded;
    int32_t *sums;
} story_maps;

/* Without fusion the edge was added by a pass before, so that no window reaches over it. */
STORY_KERNEL int32_t map_height(const story_layer *l) {
    return STORY_FUSION ? l->height : l->padded_height;
}
STORY_KERNEL int32_t map_width(const story_layer *l) {
    return STORY_FUSION ? l->width : l->padded_width;
}
STORY_KERNEL int32_t window_top(const story_layer *l, int32_t y) {
    return y * l->stride_height - (STORY_FUSION ? l->pad_top : 0);
}
STORY_KERNEL int32_t window_left(const story_layer *l, int32_t x) {
    return x * l->stride_width - (STORY_FUSION ? l->pad_left : 0);
}
STORY_KERNEL bool inside(const story_layer *l, int32_t y, int32_t x) {
    return !STORY_FUSION || (y >= 0 && y < l->height && x >= 0 && x < l->width);
}

/* Without fusion a pass behind makes bytes of the sums. */
STORY_KERNEL void put(
    const story_layer *l, const story_maps *maps, int32_t at, int32_t channel, int32_t sum
) {
    if (STORY_FUSION)
        maps->out[at] = any_byte(sum, l->multiplier[channel], l->shift[channel], l->output);
    else
        maps->sums[at] = sum;
}

#endif
