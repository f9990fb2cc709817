/* A depthwise convolution without any demand on its numbers: taps one by one, those outside of the map
   left out. */
#include "tinyml_bytes.h"
#include "tinyml_depthwise.h"

typedef struct {
    const tinyml_depthwise_layer *layer;
    const int8_t *weights;
    int32_t bias, multiplier, shift;
} state_of_any;

_Static_assert(sizeof(state_of_any) <= sizeof(tinyml_depthwise_state), "");

static void begin(const tinyml_depthwise_layer *layer, tinyml_depthwise_state *memory) {
    ((state_of_any *)memory)->layer = layer;
}

static void prepare(
    const tinyml_depthwise_layer *layer, int32_t channel, tinyml_depthwise_state *memory
) {
    state_of_any *state = (state_of_any *)memory;
    state->weights = layer->weights + channel * layer->kernel_height * layer->kernel_width;
    state->bias = layer->constants[2 * channel];
    state->multiplier = layer->constants[2 * channel + 1];
    state->shift = layer->shifts[channel];
}

static void row(tinyml_depthwise_state *memory, const int8_t *const *rows, int8_t *out) {
    const state_of_any *state = (const state_of_any *)memory;
    const tinyml_depthwise_layer *layer = state->layer;
    int32_t zero_point = layer->zero_point, of_weights = layer->weight_zero_point;
    int32_t k_w = layer->kernel_width, left = -layer->pad_left;
    uint8_t flip = layer->flip;
    for (int32_t x = 0; x < layer->out_width; x++, left += layer->stride_width) {
        int32_t first = left < 0 ? -left : 0; /* of the taps that lie in the map */
        int32_t end = left + k_w > layer->width ? layer->width - left : k_w;
        int32_t sum = state->bias;
        for (int32_t ky = 0; ky < layer->kernel_height; ky++) {
            if (rows[ky] == layer->outside) continue;
            const int8_t *weights = state->weights + ky * k_w + first, *from = rows[ky] + left + first;
            for (int32_t i = end - first; i > 0; i--) {
                int32_t w = *weights++ - of_weights;
                sum = dsp_add(sum, (byte_from(from++, flip) - zero_point) * w);
            }
        }
        *out = byte_to(any_byte(sum, state->multiplier, state->shift, layer->output), flip);
        out += layer->channels_out;
    }
}

const tinyml_depthwise_kernel tinyml_depthwise_any = {begin, prepare, row};
