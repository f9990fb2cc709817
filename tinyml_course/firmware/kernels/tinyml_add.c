#include "tinyml_bytes.h"
#include "tinyml_elementwise.h"

#define LEFT_SHIFT 20 /* of both summands, before they are rescaled to twice the larger scale */

/* The summand of the larger scale is halved, which is exact. The other one has a multiplier of at most
   a half, ready for `requantize`: no offset and no sign where nothing is shifted after the product. */
typedef struct {
    int32_t larger_step, step;
    int32_t less;                                  /* zero point of the larger, as it is added */
    int32_t zero_point, multiplier, n, half, sign; /* of the other */
} summands;

/* Which of the operands has the larger scale. */
static int32_t larger_of(const tinyml_elementwise_layer *layer) {
    return layer->shift[0] == 0 && layer->multiplier[0] == 1 << 30 ? 0 : 1;
}

static summands summands_of(const tinyml_elementwise_layer *layer, int32_t larger) {
    int32_t other = 1 - larger, n = -layer->shift[other];
    return (summands){
        layer->step[larger][3], layer->step[other][3],
        layer->zero_point[larger] * (1 << (LEFT_SHIFT - 1)),
        /* Twice the shifted summand has at most thirty bits. */
        layer->zero_point[other] * (1 << (LEFT_SHIFT + 1)), layer->multiplier[other], n,
        n ? 1 << (n - 1) : 0, n ? -1 : 0,
    };
}

/* One run of outputs, x of the larger scale; returns where the next begins. */
TINYML_DSP int8_t *add_run(
    summands s, tinyml_scaling scaling, int32_t count, const int8_t *x, const int8_t *y, int8_t *out,
    const bool quick, const uint8_t flip
) {
    _Pragma("clang loop unroll(disable)") for (; count > 0; count--) {
        int32_t twice = byte_from(y, flip) * (1 << (LEFT_SHIFT + 1)) - s.zero_point;
        int32_t sum = dsp_smmlar(twice, s.multiplier, s.half + (twice >> 31 & s.sign)) >> s.n;
        sum += byte_from(x, flip) * (1 << (LEFT_SHIFT - 1)) - s.less;
        *out++ = byte_to(scaled(scaling, sum, quick), flip);
        x += s.larger_step, y += s.step;
    }
    return out;
}

TINYML_DSP void add(
    const tinyml_elementwise_layer *layer, const int8_t *const *in, int8_t *out, const uint8_t flip
) {
    int32_t larger = larger_of(layer), count = layer->extent[3];
    summands both = summands_of(layer, larger);
    tinyml_scaling scaling = scaling_of(layer, 2);
    EACH_RUN(layer, in, first, second) {
        const int8_t *x = larger ? second : first, *y = larger ? first : second;
        out = layer->quick ? add_run(both, scaling, count, x, y, out, true, flip)
                           : add_run(both, scaling, count, x, y, out, false, flip);
    }
}

void tinyml_add(const tinyml_elementwise_layer *layer, const int8_t *const *in, int8_t *out) {
    add(layer, in, out, TINYML_INT8);
}

void tinyml_add_uint8(const tinyml_elementwise_layer *layer, const int8_t *const *in, int8_t *out) {
    add(layer, in, out, TINYML_UINT8);
}
