/* Bytes times weights, in their order; sums wrap around. */
#ifndef TINYML_DOT_H
#define TINYML_DOT_H

#include "tinyml_bytes.h"

#define KEEP_ROLLED _Pragma("clang loop unroll(disable)")

TINYML_DSP int32_t dot(
    const int8_t *x, const int8_t *weights, int32_t count, int32_t sum, uint8_t flip
) {
    uint32_t flips = flip_of_four(flip);
    KEEP_ROLLED for (; count >= 4; count -= 4, x += 4, weights += 4) {
        uint32_t four = dsp_load(x) ^ flips, w = dsp_load(weights);
        sum = dsp_smlad(dsp_sxtb16(four), dsp_sxtb16(w), sum);
        sum = dsp_smlad(dsp_sxtb16_ror8(four), dsp_sxtb16_ror8(w), sum);
    }
    KEEP_ROLLED for (; count > 0; count--) sum = dsp_add(sum, byte_from(x++, flip) * *weights++);
    return sum;
}

TINYML_DSP int32_t sum_of(const int8_t *x, int32_t count, uint8_t flip) {
    int32_t sum = 0;
    KEEP_ROLLED for (; count > 0; count--) sum += byte_from(x++, flip);
    return sum;
}

#endif
