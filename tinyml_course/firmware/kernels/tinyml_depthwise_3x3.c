#include "tinyml_depthwise_3x3.h"

_Static_assert(sizeof(tinyml_3x3) <= sizeof(tinyml_depthwise_state), "");

#if !TINYML_DSP_NATIVE

static void row_of_outputs(const tinyml_3x3 *state, tinyml_range range) {
    for (int32_t x = state->column; x < 3; x++) { /* counted from the row's end, plus 3 */
        bool first = x == state->column;
        int32_t sum = first ? state->first_sum : state->sum;
        for (int32_t kx = first ? 1 : 0; kx < 3; kx++) {
            int32_t at = x + kx - 1, columns[3];
            for (int32_t ky = 0; ky < 3; ky++)
                columns[ky] = at < 3 ? state->ends[ky][at] : (int8_t)state->outside;
            uint32_t pair = dsp_pkhbt((uint32_t)columns[0], (uint32_t)columns[1]);
            uint32_t weights[] = {state->left, state->centre, state->right};
            int32_t third[] = {
                dsp_low(state->edges), dsp_low(state->middle), dsp_high(state->edges)
            };
            sum = dsp_smlad(pair, weights[kx], sum) + columns[2] * third[kx];
        }
        int32_t y = requantize(sum, state->multiplier, state->offset, state->n + 1, range);
        int8_t *out = state->out + (x + 1) * state->pixel;
        *out = to_byte(y, range, state->output);
    }
}

void tinyml_3x3_signed(const tinyml_3x3 *state) { row_of_outputs(state, TINYML_SIGNED); }
void tinyml_3x3_unsigned(const tinyml_3x3 *state) { row_of_outputs(state, TINYML_UNSIGNED); }
void tinyml_3x3_capped(const tinyml_3x3 *state) { row_of_outputs(state, TINYML_CLAMPED); }

#endif

TINYML_DSP uint32_t doubled(uint32_t pair) { return dsp_sadd16(pair, pair); }

static void begin(const tinyml_depthwise_layer *layer, tinyml_depthwise_state *memory) {
    tinyml_3x3 *state = (tinyml_3x3 *)memory;
    int32_t width = layer->width;
    state->pixel = layer->channels_out;
    state->column = 3 - width;
    state->outside = (uint8_t)layer->zero_point * 0x01010101u;
    state->keep = 8u * ((uint32_t)(width - 1) & 3u);
    state->cap = output_cap(layer->output);
    state->output = layer->output;
    state->numerator = output_numerator(layer->output);
    state->pair_outside = dsp_pkhbt((uint32_t)layer->zero_point, (uint32_t)layer->zero_point);
}

static void prepare(
    const tinyml_depthwise_layer *layer, int32_t channel, tinyml_depthwise_state *memory
) {
    tinyml_3x3 *state = (tinyml_3x3 *)memory;
    const int8_t *weights = layer->weights + 9 * channel;
    const int32_t *constants = layer->constants + 2 * channel;
    uint32_t first = dsp_load(weights), second = dsp_load(weights + 4);
    int32_t n = layer->shifts[channel], sum = 2 * constants[0], multiplier = constants[1];
    uint32_t left = doubled(dsp_sxtb16(first)), edges = doubled(dsp_sxtb16_ror8(second));
    uint32_t outside = state->pair_outside;
    state->left = left;
    state->centre = doubled(dsp_sxtb16_ror8(first));
    state->right = doubled(dsp_sxtb16(second));
    state->edges = edges;
    state->middle = (uint32_t)(2 * weights[8]);
    state->sum = sum;
    state->first_sum = dsp_smlad(outside, left, dsp_smlabb(outside, edges, sum));
    state->multiplier = multiplier;
    state->n = n;
    state->offset = state->numerator << n;
}

TINYML_DSP void place(
    tinyml_depthwise_state *memory, const int8_t *const *rows, int8_t *out
) {
    tinyml_3x3 *state = (tinyml_3x3 *)memory;
    int32_t before_end = -state->column; /* the width, less 3 */
    for (int32_t ky = 0; ky < 3; ky++) state->ends[ky] = rows[ky] + before_end;
    state->out = out + (before_end - 1) * state->pixel;
}

#define KERNEL(name, row)                                                                           \
    static void name##_row(                                                                         \
        tinyml_depthwise_state *state, const int8_t *const *rows, int8_t *out                       \
    ) {                                                                                             \
        place(state, rows, out);                                                                    \
        row((const tinyml_3x3 *)state);                                                              \
    }                                                                                               \
    const tinyml_depthwise_kernel name = {begin, prepare, name##_row};
KERNEL(tinyml_depthwise_3x3, tinyml_3x3_signed)
KERNEL(tinyml_depthwise_3x3_unsigned, tinyml_3x3_unsigned)
KERNEL(tinyml_depthwise_3x3_clamped, tinyml_3x3_capped)
