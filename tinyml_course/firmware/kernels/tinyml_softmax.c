#include "tinyml_softmax.h"

#include "tinyml_bytes.h"
#include "tinyml_fixed_point.h"

#define SUM_BITS 12 /* integer bits of the sum of exponentials */

static int32_t exponential(const tinyml_softmax_layer *layer, int32_t distance) {
    return distance < layer->length ? layer->exponentials[distance] : 0;
}

TINYML_DSP void softmax(
    const tinyml_softmax_layer *layer, const int8_t *x, int8_t *out, const uint8_t flip
) {
    for (int32_t row = 0; row < layer->rows; row++, x += layer->classes, out += layer->classes) {
        int32_t largest = INT8_MIN, sum = 0;
        for (int32_t i = 0; i < layer->classes; i++) {
            int32_t value = byte_from(x + i, flip);
            largest = value > largest ? value : largest;
        }
        for (int32_t i = 0; i < layer->classes; i++)
            sum += fixed_divided(exponential(layer, largest - byte_from(x + i, flip)), SUM_BITS);
        int32_t headroom = __builtin_clz((uint32_t)sum);
        uint32_t rest = ((uint32_t)sum << headroom) - 0x80000000u;
        int32_t scale = fixed_one_over_one_plus((int32_t)rest);
        int32_t bits = SUM_BITS - headroom + 23; /* 31 - 8 fraction bits too many */
        for (int32_t i = 0; i < layer->classes; i++) {
            int32_t term = exponential(layer, largest - byte_from(x + i, flip));
            int32_t unit = fixed_divided(fixed_product(scale, term), bits);
            out[i] = byte_to((unit > 255 ? 255 : unit) - 128, flip);
        }
    }
}

void tinyml_softmax(const tinyml_softmax_layer *layer, const int8_t *const *in, int8_t *out) {
    softmax(layer, in[0], out, TINYML_INT8);
}

void tinyml_softmax_uint8(const tinyml_softmax_layer *layer, const int8_t *const *in, int8_t *out) {
    softmax(layer, in[0], out, TINYML_UINT8);
}
