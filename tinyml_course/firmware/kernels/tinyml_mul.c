#include "tinyml_elementwise.h"

void tinyml_mul(const tinyml_elementwise_layer *layer, const int8_t *const *in, int8_t *out) {
    int32_t m = layer->multiplier[0], shift = layer->shift[0];
    const int32_t *extent = layer->extent, *a = layer->step[0], *b = layer->step[1];
    for (int32_t i = 0; i < extent[0]; i++)
        for (int32_t j = 0; j < extent[1]; j++)
            for (int32_t k = 0; k < extent[2]; k++) {
                const int8_t *x = in[0] + i * a[0] + j * a[1] + k * a[2];
                const int8_t *y = in[1] + i * b[0] + j * b[1] + k * b[2];
                for (int32_t l = extent[3]; l > 0; l--, x += a[3], y += b[3]) {
                    int32_t product = (*x - layer->zero_point[0]) * (*y - layer->zero_point[1]);
                    *out++ = any_byte(product, m, shift, layer->output);
                }
            }
}
