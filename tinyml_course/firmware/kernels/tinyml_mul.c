#include "tinyml_bytes.h"
#include "tinyml_elementwise.h"

/* One run of outputs; returns where the next begins. */
TINYML_DSP int8_t *mul_run(
    const tinyml_elementwise_layer *layer, tinyml_scaling scaling, const int8_t *x, const int8_t *y,
    int8_t *out, const bool quick, const uint8_t flip
) {
    int32_t a = layer->step[0][3], b = layer->step[1][3];
    int32_t of_x = layer->zero_point[0], of_y = layer->zero_point[1];
    for (int32_t count = layer->extent[3]; count > 0; count--, x += a, y += b) {
        int32_t product = (byte_from(x, flip) - of_x) * (byte_from(y, flip) - of_y);
        *out++ = byte_to(scaled(scaling, product, quick), flip);
    }
    return out;
}

TINYML_DSP void mul(
    const tinyml_elementwise_layer *layer, const int8_t *const *in, int8_t *out, const uint8_t flip
) {
    tinyml_scaling scaling = scaling_of(layer, 0);
    EACH_RUN(layer, in, x, y)
        out = layer->quick ? mul_run(layer, scaling, x, y, out, true, flip)
                           : mul_run(layer, scaling, x, y, out, false, flip);
}

void tinyml_mul(const tinyml_elementwise_layer *layer, const int8_t *const *in, int8_t *out) {
    mul(layer, in, out, TINYML_INT8);
}

void tinyml_mul_uint8(const tinyml_elementwise_layer *layer, const int8_t *const *in, int8_t *out) {
    mul(layer, in, out, TINYML_UINT8);
}
