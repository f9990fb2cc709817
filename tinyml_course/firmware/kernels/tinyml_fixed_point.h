/* 32-bit fixed point as gemmlowp computes it: a number with b integer bits stands for raw / 2^(31 - b).

   Source: gemmlowp, fixedpoint/fixedpoint.h; TF-Lite Micro, kernels/internal/common.h. */
#ifndef TINYML_FIXED_POINT_H
#define TINYML_FIXED_POINT_H

#include "tinyml_requantize.h"

/* The rounded high half of 2 a b. */
TINYML_DSP int32_t fixed_product(int64_t a, int64_t b) {
    return dsp_saturated((a * b + (1 << 30)) >> 31);
}

/* Halves go away from zero. */
TINYML_DSP int32_t fixed_divided(int32_t x, int32_t bits) {
    int32_t mask = (int32_t)((1u << bits) - 1);
    return (x >> bits) + ((x & mask) > (mask >> 1) + (x < 0));
}

TINYML_DSP int32_t fixed_divided_wide(int64_t x, int32_t bits) {
    int64_t mask = (1ll << bits) - 1;
    return (int32_t)((x >> bits) + ((x & mask) > (mask >> 1) + (x < 0)));
}

/* 1 / (1 + a) for 0 <= a <= 1: three steps of Newton's division, from 48/17 - 32/17 d. */
static inline int32_t fixed_one_over_one_plus(int32_t a) {
    int32_t half_denominator = (int32_t)(((int64_t)a + INT32_MAX + 1) >> 1);
    int64_t x = 1515870810 + fixed_product(half_denominator, -1010580540);
    for (int i = 0; i < 3; i++) {
        int64_t error = (1 << 29) - fixed_product(half_denominator, x);
        x += dsp_saturated((int64_t)fixed_product(x, error) << 2);
    }
    return dsp_saturated(x << 1);
}

#endif
