/* A convolution: directly, by columns, by tiles of columns, with SIMD. */
#ifndef STORY_CONV_H
#define STORY_CONV_H

#include "story_passes.h"

/* One sum, every tap fetched from where it lies in the map. */
STORY_KERNEL int32_t direct_sum(
    const story_layer *l, const int8_t *in, const int8_t *weights, int32_t top, int32_t left
) {
    int32_t sum = 0;
    WINDOW_LOOP for (int32_t ky = 0; ky < l->kernel_height; ky++)
        WINDOW_LOOP for (int32_t kx = 0; kx < l->kernel_width; kx++, weights += l->channels_in) {
            if (!inside(l, top + ky, left + kx)) continue;
            const int8_t *from = in + ((top + ky) * map_width(l) + left + kx) * l->channels_in;
            TAPS_LOOP for (int32_t c = 0; c < l->channels_in; c++)
                sum += (from[c] - l->zero_point) * weights[c];
        }
    return sum;
}

STORY_KERNEL void direct_conv(const story_layer *l, const int8_t *in, const story_maps *maps) {
    int32_t taps = l->kernel_height * l->kernel_width * l->channels_in, at = 0;
    for (int32_t y = 0; y < l->out_height; y++)
        for (int32_t x = 0; x < l->out_width; x++)
            for (int32_t c = 0; c < l->channels_out; c++, at++) {
                int32_t top = window_top(l, y), left = window_left(l, x);
                int32_t sum = direct_sum(l, in, l->weights + c * taps, top, left);
                put(l, maps, at, c, l->bias[c] + sum);
            }
}

/* Bytes less the zero point, as 16-bit numbers: 128 too much for 8 bits, and what SMLAD takes. */
STORY_KERNEL void widen(const int8_t *from, int16_t *to, int32_t count, int32_t zero_point) {
    int32_t i = 0;
#if STORY_SIMD
    uint32_t zeros = dsp_pkhbt((uint32_t)zero_point, (uint32_t)zero_point);
    FOURS_LOOP for (; i + 4 <= count; i += 4) {
        uint32_t four = dsp_load(from + i);
        uint32_t even = dsp_ssub16(dsp_sxtb16(four), zeros);      /* 0 and 2 */
        uint32_t odd = dsp_ssub16(dsp_sxtb16_ror8(four), zeros); /* 1 and 3 */
        dsp_store(to + i, dsp_pkhbt(even, odd));
        dsp_store(to + i + 2, dsp_pkhtb(odd, even));
    }
#endif
    TAPS_LOOP for (; i < count; i++) to[i] = (int16_t)(from[i] - zero_point);
}

/* im2col: the window of one pixel in one piece, so that the loops over its taps see no edge, no
   zero point and no addresses but the next. It is read once for each output channel. */
STORY_KERNEL void fill_column(
    const story_layer *l, const int8_t *in, int16_t *column, int32_t y, int32_t x
) {
    int32_t top = window_top(l, y), left = window_left(l, x), c_in = l->channels_in;
    for (int32_t ky = 0; ky < l->kernel_height; ky++)
        for (int32_t kx = 0; kx < l->kernel_width; kx++, column += c_in)
            if (inside(l, top + ky, left + kx)) {
                int32_t pixel = (top + ky) * map_width(l) + left + kx;
                widen(in + pixel * c_in, column, c_in, l->zero_point);
            } else
                memset(column, 0, (uint32_t)c_in * sizeof *column);
}

#define REGISTERS_LOOP _Pragma("clang loop unroll(full)") /* over sums that live in registers */

/* `pixels` columns times the weights of `channels`, one or two of each: with two, every number that
   is loaded is multiplied twice. */
STORY_KERNEL void multiply(
    const int16_t *columns, const int8_t *weights, int32_t taps, const int32_t pixels,
    const int32_t channels, int32_t sums[2][2]
) {
    int32_t t = 0;
#if STORY_SIMD
    /* Four weights lie as 0 2 1 3, so that SXTB16 takes neighbours out: 0 and 1, then 2 and 3. */
    FOURS_LOOP for (; t + 4 <= taps; t += 4)
        REGISTERS_LOOP for (int32_t c = 0; c < channels; c++) {
            uint32_t four = dsp_load(weights + c * taps + t);
            uint32_t first = dsp_sxtb16(four), second = dsp_sxtb16_ror8(four);
            REGISTERS_LOOP for (int32_t p = 0; p < pixels; p++) {
                const int16_t *column = columns + p * taps + t;
                int32_t sum = dsp_smlad(dsp_load(column), first, sums[p][c]);
                sums[p][c] = dsp_smlad(dsp_load(column + 2), second, sum);
            }
        }
#endif
    TAPS_LOOP for (; t < taps; t++)
        REGISTERS_LOOP for (int32_t c = 0; c < channels; c++)
            REGISTERS_LOOP for (int32_t p = 0; p < pixels; p++)
                sums[p][c] += columns[p * taps + t] * weights[c * taps + t];
}

/* Those sums, from bias to output; `at` is the first pixel. */
STORY_KERNEL void tile(
    const story_layer *l, const story_maps *maps, const int16_t *columns, int32_t at,
    int32_t channel, const int32_t pixels, const int32_t channels
) {
    int32_t taps = l->kernel_height * l->kernel_width * l->channels_in;
    int32_t sums[2][2];
    REGISTERS_LOOP for (int32_t p = 0; p < pixels; p++)
        REGISTERS_LOOP for (int32_t c = 0; c < channels; c++) sums[p][c] = l->bias[channel + c];
    multiply(columns, l->weights + channel * taps, taps, pixels, channels, sums);
    REGISTERS_LOOP for (int32_t p = 0; p < pixels; p++)
        REGISTERS_LOOP for (int32_t c = 0; c < channels; c++)
            put(l, maps, (at + p) * l->channels_out + channel + c, channel + c, sums[p][c]);
}

/* All channels of `pixels` columns: by tiles of 2 x 2, or one sum after the other. */
STORY_KERNEL void multiply_columns(
    const story_layer *l, const story_maps *maps, int32_t at, int32_t pixels
) {
    int32_t taps = l->kernel_height * l->kernel_width * l->channels_in, c = 0;
    const int16_t *columns = maps->scratch;
    for (; STORY_TILING && c + 2 <= l->channels_out; c += 2) {
        int32_t p = 0;
        for (; p + 2 <= pixels; p += 2) tile(l, maps, columns + p * taps, at + p, c, 2, 2);
        for (; p < pixels; p++) tile(l, maps, columns + p * taps, at + p, c, 1, 2);
    }
    for (; c < l->channels_out; c++)
        for (int32_t p = 0; p < pixels; p++) tile(l, maps, columns + p * taps, at + p, c, 1, 1);
}

STORY_KERNEL void column_conv(const story_layer *l, const int8_t *in, const story_maps *maps) {
    int32_t taps = l->kernel_height * l->kernel_width * l->channels_in, held = 0;
    int32_t pixels = l->out_height * l->out_width, pixel = 0;
    for (int32_t y = 0; y < l->out_height; y++)
        for (int32_t x = 0; x < l->out_width; x++) {
            fill_column(l, in, maps->scratch + held++ * taps, y, x);
            pixel++;
            if (held < l->columns && pixel < pixels) continue;
            multiply_columns(l, maps, pixel - held, held);
            held = 0;
        }
}

STORY_KERNEL void story_conv(const story_layer *l, const story_maps *maps) {
    const int8_t *in = before(l, maps);
    if (STORY_IM2COL)
        column_conv(l, in, maps);
    else
        direct_conv(l, in, maps);
    behind(l, maps);
}

#endif
