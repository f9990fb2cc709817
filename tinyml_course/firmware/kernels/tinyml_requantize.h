/* From a 32-bit sum to a byte, with TF-Lite's two roundings in one floor.

   TF-Lite Micro rounds r = floor(a m / 2^31 + 1/2) and then r / 2^n, halves away from zero, that is
   floor((r + 2^(n-1) - [r < 0]) / 2^n). Nested floors are one, and the output's zero point z goes in
   as z 2^n:

       floor((floor(2 a m / 2^32 + 1/2) + (2 z + 1) 2^(n-1) - [r < 0]) / 2^n)

   SMMLAR computes the inner floor and adds the rest of the numerator at the same time. The sign of a
   may stand for that of r: they differ only where r is 0, and there both give z. All of it holds for
   n >= 1 and |a| < 2^30; other layers take requantize_any. */
#ifndef TINYML_REQUANTIZE_H
#define TINYML_REQUANTIZE_H

#include <stdbool.h>
#include <stdint.h>

#include "tinyml_dsp.h"

/* SMMLAR: sum 2^32 + x y, rounded to a multiple of 2^32, the upper word. */
TINYML_DSP int32_t dsp_smmlar(int32_t x, int32_t y, int32_t sum) {
#if TINYML_DSP_NATIVE
    int32_t upper;
    __asm("smmlar %0, %1, %2, %3" : "=r"(upper) : "r"(x), "r"(y), "r"(sum));
    return upper;
#else
    return dsp_add(sum, (int32_t)(((int64_t)x * y + 0x80000000ll) >> 32));
#endif
}

/* How sums become bytes in one layer. Where the smallest output is the zero point, as behind RELU and
   RELU6, all negative sums end there, and the sign that the second rounding asks for is left out. */
typedef enum {
    TINYML_SIGNED,   /* all bytes */
    TINYML_UNSIGNED, /* all bytes, and the zero point is the smallest */
    TINYML_CLAMPED,  /* from the zero point to some largest byte */
} tinyml_range;

typedef struct {
    int8_t zero_point, least, most;
    uint8_t range; /* a tinyml_range */
} tinyml_output;

/* 2 z + 1; a clamped output is counted from its zero point. */
TINYML_DSP int32_t output_numerator(tinyml_output output) {
    return output.range == TINYML_CLAMPED ? 1 : 2 * output.zero_point + 1;
}

/* `twice` is 2 a; `offset` is the numerator times 2^(n-1). Not clamped to a byte yet. */
TINYML_DSP int32_t requantize(
    int32_t twice, int32_t multiplier, int32_t offset, int32_t n, tinyml_range range
) {
    if (range == TINYML_SIGNED) offset += twice >> 31;
    return dsp_smmlar(twice, multiplier, offset) >> n;
}

TINYML_DSP int8_t to_byte(int32_t value, tinyml_range range, tinyml_output output) {
    if (range != TINYML_CLAMPED) return (int8_t)dsp_ssat(value, 8);
    return (int8_t)(dsp_clamp(value, 0, output.most - output.zero_point) + output.zero_point);
}

/* UQADD8: byte by byte, saturated at 255. UADD8: byte by byte, wrapping. */
TINYML_DSP uint32_t dsp_uqadd8(uint32_t x, uint32_t y) {
#if TINYML_DSP_NATIVE
    return (uint32_t)__uqadd8(x, y);
#else
    uint32_t sum = 0;
    for (int32_t i = 0; i < 32; i += 8) {
        uint32_t byte = (x >> i & 0xff) + (y >> i & 0xff);
        sum |= (byte > 255 ? 255 : byte) << i;
    }
    return sum;
#endif
}

TINYML_DSP uint32_t dsp_uadd8(uint32_t x, uint32_t y) {
#if TINYML_DSP_NATIVE
    return (uint32_t)__uadd8(x, y);
#else
    return ((x & 0x7f7f7f7fu) + (y & 0x7f7f7f7fu)) ^ ((x ^ y) & 0x80808080u);
#endif
}

/* A clamped output for four bytes at once: UQADD8 with `up` saturates what is over the largest, UADD8
   with `down` takes that off again and adds the zero point. */
typedef struct {
    uint32_t up, down;
} tinyml_cap;

TINYML_DSP tinyml_cap output_cap(tinyml_output output) {
    uint32_t up = (uint8_t)(255 - (output.most - output.zero_point));
    return (tinyml_cap){up * 0x01010101u, (uint8_t)((uint32_t)output.zero_point - up) * 0x01010101u};
}

TINYML_DSP uint32_t four_capped(int32_t a, int32_t b, int32_t c, int32_t d, tinyml_cap cap) {
    uint32_t low = (uint32_t)dsp_usat(a, 8) | (uint32_t)dsp_usat(b, 8) << 8;
    uint32_t high = (uint32_t)dsp_usat(c, 8) << 16 | (uint32_t)dsp_usat(d, 8) << 24;
    return dsp_uadd8(dsp_uqadd8(low | high, cap.up), cap.down);
}

/* The same for any range, all outputs counted from the least: none of them is negative. */
TINYML_DSP int32_t numerator_from_least(tinyml_output output) {
    return 2 * (output.zero_point - output.least) + 1;
}

TINYML_DSP tinyml_cap cap_from_least(tinyml_output output) {
    uint32_t up = (uint8_t)(255 - (output.most - output.least));
    return (tinyml_cap){up * 0x01010101u, (uint8_t)((uint32_t)output.least - up) * 0x01010101u};
}

/* a m 2^(shift - 31) for any shift, as TF-Lite Micro writes it: MultiplyByQuantizedMultiplier in
   kernels/internal/common.h. Multipliers are not negative, so nothing saturates. */
TINYML_DSP int32_t requantize_any(int32_t a, int32_t multiplier, int32_t shift) {
    int32_t left = shift > 0 ? shift : 0, right = shift > 0 ? 0 : -shift;
    int64_t product = (int64_t)(int32_t)((uint32_t)a << left) * multiplier;
    int32_t high = (int32_t)((product + (1ll << 30)) >> 31);
    int32_t mask = (int32_t)((1u << right) - 1), rest = high & mask;
    return (high >> right) + (rest > (mask >> 1) + (high < 0));
}

/* The byte of a sum by that, with whatever limits. */
TINYML_DSP int8_t any_byte(int32_t a, int32_t multiplier, int32_t shift, tinyml_output output) {
    int32_t value = requantize_any(a, multiplier, shift) + output.zero_point;
    return (int8_t)dsp_clamp(value, output.least, output.most);
}

#endif
