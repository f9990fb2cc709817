#include "tinyml_elementwise.h"

#define LEFT_SHIFT 20 /* of both summands, before they are rescaled */

/* A multiplier of at most one, ready for `requantize`: no offset and no sign where nothing is shifted
   after the product. */
typedef struct {
    int32_t zero_point, multiplier, n, half, sign;
} summand;

static summand summand_of(const tinyml_elementwise_layer *layer, int operand) {
    int32_t n = -layer->shift[operand];
    int32_t half = n ? 1 << (n - 1) : 0;
    return (summand){layer->zero_point[operand], layer->multiplier[operand], n, half, n ? -1 : 0};
}

TINYML_DSP int32_t rescaled(summand s, int32_t x) {
    /* Twice the shifted summand has at most thirty bits. */
    int32_t twice = (int32_t)((uint32_t)(x - s.zero_point) << (LEFT_SHIFT + 1));
    return dsp_smmlar(twice, s.multiplier, s.half + (twice >> 31 & s.sign)) >> s.n;
}

void tinyml_add(const tinyml_elementwise_layer *layer, const int8_t *const *in, int8_t *out) {
    summand one = summand_of(layer, 0), other = summand_of(layer, 1);
    int32_t m = layer->multiplier[2], shift = layer->shift[2];
    const int32_t *extent = layer->extent, *a = layer->step[0], *b = layer->step[1];
    for (int32_t i = 0; i < extent[0]; i++)
        for (int32_t j = 0; j < extent[1]; j++)
            for (int32_t k = 0; k < extent[2]; k++) {
                const int8_t *x = in[0] + i * a[0] + j * a[1] + k * a[2];
                const int8_t *y = in[1] + i * b[0] + j * b[1] + k * b[2];
                for (int32_t l = extent[3]; l > 0; l--, x += a[3], y += b[3]) {
                    int32_t sum = rescaled(one, *x) + rescaled(other, *y);
                    *out++ = any_byte(sum, m, shift, layer->output);
                }
            }
}
