/* A depthwise convolution without any demand on its numbers: taps one by one. */
#include "tinyml_depthwise.h"

typedef struct {
    const tinyml_depthwise_layer *layer;
    const int8_t *weights;
    int32_t sum, multiplier, shift;
} state_of_any;

static_assert(sizeof(state_of_any) <= sizeof(tinyml_depthwise_state), "");

static void begin(const tinyml_depthwise_layer *layer, tinyml_depthwise_state *memory) {
    ((state_of_any *)memory)->layer = layer;
}

static void prepare(
    const tinyml_depthwise_layer *layer, int32_t channel, tinyml_depthwise_state *memory
) {
    state_of_any *state = (state_of_any *)memory;
    state->weights = layer->weights + channel * layer->kernel_height * layer->kernel_width;
    state->sum = layer->constants[2 * channel];
    state->multiplier = layer->constants[2 * channel + 1];
    state->shift = layer->shifts[channel];
}

static void row(tinyml_depthwise_state *memory, const int8_t *const *rows, int8_t *out) {
    const state_of_any *state = (const state_of_any *)memory;
    const tinyml_depthwise_layer *layer = state->layer;
    int32_t left = -layer->pad_left;
    for (int32_t x = 0; x < layer->out_width; x++, left += layer->stride_width) {
        int32_t sum = state->sum;
        const int8_t *weights = state->weights;
        for (int32_t ky = 0; ky < layer->kernel_height; ky++)
            for (int32_t kx = left; kx < left + layer->kernel_width; kx++) {
                bool inside = kx >= 0 && kx < layer->width;
                sum += (inside ? rows[ky][kx] : layer->zero_point) * *weights++;
            }
        *out = any_byte(sum, state->multiplier, state->shift, layer->output);
        out += layer->channels_out;
    }
}

const tinyml_depthwise_kernel tinyml_depthwise_any = {begin, prepare, row};
