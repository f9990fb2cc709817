#include "tinyml_fully_connected.h"

void tinyml_fully_connected(
    const tinyml_fully_connected_layer *layer, const int8_t *const *in, int8_t *out
) {
    const int8_t *features = in[0];
    for (int32_t row = 0; row < layer->rows; row++, features += layer->features) {
        const int8_t *w = layer->weights;
        for (int32_t o = 0; o < layer->outputs; o++) {
            const int8_t *x = features, *end = features + (layer->features & ~3);
            int32_t sum = layer->constants[2 * o];
            for (; x < end; x += 4, w += 4) {
                uint32_t four = dsp_load(x), weights = dsp_load(w);
                sum = dsp_smlad(dsp_sxtb16(four), dsp_sxtb16(weights), sum);
                sum = dsp_smlad(dsp_sxtb16_ror8(four), dsp_sxtb16_ror8(weights), sum);
            }
            for (int32_t rest = layer->features & 3; rest > 0; rest--) sum += *x++ * *w++;
            int32_t m = layer->constants[2 * o + 1];
            *out++ = any_byte(sum, m, layer->shifts[o], layer->output);
        }
    }
}
