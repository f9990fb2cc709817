#include "tinyml_dot.h"
#include "tinyml_fully_connected.h"

void tinyml_fully_connected_any(
    const tinyml_fully_connected_layer *layer, const int8_t *const *in, int8_t *out
) {
    const int8_t *x = in[0];
    int32_t features = layer->features;
    for (int32_t row = 0; row < layer->rows; row++, x += features) {
        const int8_t *weights = layer->weights;
        /* Sums begin with what the input's zero point takes off; here is what that of the weights does. */
        int32_t off = 0;
        if (layer->weight_zero_point)
            off = sum_of(x, features, layer->flip) * layer->weight_zero_point;
        for (int32_t o = 0; o < layer->outputs; o++, weights += features) {
            int32_t sum = dot(x, weights, features, layer->constants[2 * o], layer->flip);
            int32_t m = layer->constants[2 * o + 1];
            int8_t y = any_byte(dsp_add(sum, -off), m, layer->shifts[o], layer->output);
            *out++ = byte_to(y, layer->flip);
        }
    }
}
