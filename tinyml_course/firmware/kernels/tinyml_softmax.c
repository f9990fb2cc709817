#include "tinyml_softmax.h"

#include "tinyml_requantize.h"

#define SUM_BITS 12 /* integer bits of the sum of exponentials */

/* Source: gemmlowp, fixedpoint/fixedpoint.h; TF-Lite Micro, kernels/internal/common.h. */
static int32_t product(int64_t a, int64_t b) { return dsp_saturated((a * b + (1 << 30)) >> 31); }

static int32_t divided(int32_t x, int32_t bits) {
    int32_t mask = (int32_t)((1u << bits) - 1);
    return (x >> bits) + ((x & mask) > (mask >> 1) + (x < 0));
}

/* 1 / (1 + a) for 0 <= a <= 1: three steps of Newton's division, from 48/17 - 32/17 d. */
static int32_t one_over_one_plus(int32_t a) {
    int32_t half_denominator = (int32_t)(((int64_t)a + INT32_MAX + 1) >> 1);
    int64_t x = 1515870810 + product(half_denominator, -1010580540);
    for (int i = 0; i < 3; i++) {
        int64_t error = (1 << 29) - product(half_denominator, x);
        x += dsp_saturated((int64_t)product(x, error) << 2);
    }
    return dsp_saturated(x << 1);
}

static int32_t exponential(const tinyml_softmax_layer *layer, int32_t distance) {
    return distance < layer->length ? layer->exponentials[distance] : 0;
}

void tinyml_softmax(const tinyml_softmax_layer *layer, const int8_t *const *in, int8_t *out) {
    const int8_t *x = in[0];
    for (int32_t row = 0; row < layer->rows; row++, x += layer->classes, out += layer->classes) {
        int32_t largest = INT8_MIN, sum = 0;
        for (int32_t i = 0; i < layer->classes; i++) largest = x[i] > largest ? x[i] : largest;
        for (int32_t i = 0; i < layer->classes; i++)
            sum += divided(exponential(layer, largest - x[i]), SUM_BITS);
        int32_t headroom = __builtin_clz((uint32_t)sum);
        int32_t scale = one_over_one_plus((int32_t)(((uint32_t)sum << headroom) - 0x80000000u));
        int32_t bits = SUM_BITS - headroom + 23; /* 31 - 8 fraction bits too many */
        for (int32_t i = 0; i < layer->classes; i++) {
            int32_t unit = divided(product(scale, exponential(layer, largest - x[i])), bits);
            out[i] = (int8_t)((unit > 255 ? 255 : unit) - 128);
        }
    }
}
