/* Depthwise rows of the usual sizes: kernel rows two by two, the last by itself.

   Of two rows, a column of both is one operand of SMLAD, put together by PKHBT and PKHTB before the
   signs are extended. Of the last row, columns 0 and 2, and 1 and 3 of each word are operands; a pair
   that begins in the upper half of one and ends in the lower half of the next is put together in
   reverse, for SMLADX. */
#include "tinyml_depthwise.h"

#define UNROLL _Pragma("clang loop unroll(full)")

#define LARGEST 7

/* Weights and sum are doubled. */
typedef struct {
    uint32_t pairs[LARGEST / 2][LARGEST]; /* of two kernel rows, tap by tap */
    uint32_t last[4];                     /* of the last: taps 0 and 2, 1 and 3, 4 and 6, 5 and 7 */
    int32_t sum, multiplier, offset, n;
    tinyml_range range;
    tinyml_cap cap;
    int32_t pixel; /* bytes from one output to the next */
    int32_t columns;
    int32_t numerator;
} state_of_rows;

_Static_assert(sizeof(state_of_rows) <= sizeof(tinyml_depthwise_state), "");

/* `count` bytes, none read behind them. */
TINYML_DSP uint32_t load_bytes(const int8_t *from, int32_t count) {
    if (count >= 4) return dsp_load(from);
    if (count == 1) return (uint8_t)from[0];
    uint16_t two;
    memcpy(&two, from, sizeof two);
    return count == 2 ? two : two | (uint32_t)(uint8_t)from[2] << 16;
}

TINYML_DSP uint32_t doubled(uint32_t pair) { return dsp_sadd16(pair, pair); }

/* Two taps of two rows are four bytes, so that SXTB16 gives a tap of both. */
TINYML_DSP void pair_weights(state_of_rows *state, const int8_t *weights, const int32_t k) {
    for (int32_t pair = 0; pair < k / 2; pair++, weights += 2) {
        for (int32_t tap = 0; tap + 1 < k; tap += 2, weights += 4) {
            uint32_t four = dsp_load(weights);
            state->pairs[pair][tap] = doubled(dsp_sxtb16(four));
            state->pairs[pair][tap + 1] = doubled(dsp_sxtb16_ror8(four));
        }
        state->pairs[pair][k - 1] = dsp_pkhbt(2u * (uint32_t)weights[0], 2u * (uint32_t)weights[1]);
    }
    uint32_t first = load_bytes(weights, k);
    state->last[0] = doubled(dsp_sxtb16(first));
    state->last[1] = doubled(dsp_sxtb16_ror8(first));
    if (k > 4) {
        uint32_t second = load_bytes(weights + 4, k - 4);
        state->last[2] = doubled(dsp_sxtb16(second));
        state->last[3] = doubled(dsp_sxtb16_ror8(second));
    }
}

/* What a column of two kernel rows adds to four outputs. */
TINYML_DSP void add_column(
    int32_t *sums, uint32_t both, const uint32_t *weights, const int32_t column, const int32_t k,
    const int32_t stride
) {
    UNROLL for (int32_t o = 0; o < 4; o++) {
        const int32_t tap = column - o * stride;
        if (tap >= 0 && tap < k) sums[o] = dsp_smlad(both, weights[tap], sums[o]);
    }
}

/* What two kernel rows add to four outputs. */
TINYML_DSP void add_two_rows(
    int32_t *sums, const int8_t *one, const int8_t *other, const uint32_t *weights, const int32_t k,
    const int32_t stride
) {
    const int32_t span = 3 * stride + k;
    UNROLL for (int32_t at = 0; at < span; at += 4) {
        uint32_t a = load_bytes(one + at, span - at), b = load_bytes(other + at, span - at);
        uint32_t lower = dsp_pkhbt(a, b), upper = dsp_pkhtb(b, a);
        add_column(sums, dsp_sxtb16(lower), weights, at, k, stride);
        if (at + 1 < span) add_column(sums, dsp_sxtb16_ror8(lower), weights, at + 1, k, stride);
        if (at + 2 < span) add_column(sums, dsp_sxtb16(upper), weights, at + 2, k, stride);
        if (at + 3 < span) add_column(sums, dsp_sxtb16_ror8(upper), weights, at + 3, k, stride);
    }
}

/* What the last kernel row adds to four outputs. */
TINYML_DSP void add_row(
    int32_t *sums, const int8_t *row, const uint32_t *weights, const int32_t k,
    const int32_t stride
) {
    const int32_t span = 3 * stride + k, words = (span + 3) / 4;
    uint32_t halves[2][6]; /* columns 0 and 2, 1 and 3 of each word */
    UNROLL for (int32_t i = 0; i < words; i++) {
        uint32_t word = load_bytes(row + 4 * i, span - 4 * i);
        halves[0][i] = dsp_sxtb16(word);
        halves[1][i] = dsp_sxtb16_ror8(word);
    }
    halves[0][words] = halves[1][words] = 0;
    UNROLL for (int32_t o = 0; o < 4; o++) {
        UNROLL for (int32_t pair = 0; pair < 4; pair++) {
            const int32_t tap = (pair >> 1) * 4 + (pair & 1), column = o * stride + tap;
            if (tap >= k) continue;
            uint32_t w = weights[pair];
            uint32_t here = halves[column & 1][column >> 2];
            uint32_t next = halves[column & 1][(column >> 2) + 1];
            const bool upper = column & 2, single = tap + 2 >= k;
            if (single && upper)
                sums[o] = dsp_smlatb(here, w, sums[o]);
            else if (single)
                sums[o] = dsp_smlabb(here, w, sums[o]);
            else if (upper)
                sums[o] = dsp_smladx((next & 0xffffu) | (here & 0xffff0000u), w, sums[o]);
            else
                sums[o] = dsp_smlad(here, w, sums[o]);
        }
    }
}

/* Four sums to four bytes, `pixel` bytes apart. */
TINYML_DSP void four_bytes(
    const state_of_rows *state, const int32_t *sums, int8_t *out, tinyml_range range
) {
    int32_t m = state->multiplier, n = state->n, offset = state->offset;
    int32_t pixel = state->pixel;
    int32_t y[4];
    UNROLL for (int32_t o = 0; o < 4; o++) y[o] = requantize(sums[o], m, offset, n, range);
    if (range == TINYML_CLAMPED) {
        uint32_t bytes = four_capped(y[0], y[1], y[2], y[3], state->cap);
        UNROLL for (int32_t o = 0; o < 4; o++) y[o] = (int32_t)(bytes >> 8 * o);
    } else {
        UNROLL for (int32_t o = 0; o < 4; o++) y[o] = dsp_ssat(y[o], 8);
    }
    UNROLL for (int32_t o = 0; o < 4; o++) out[o * pixel] = (int8_t)y[o];
}

TINYML_DSP void finish_four(const state_of_rows *state, const int32_t *sums, int8_t *out) {
    if (state->range == TINYML_SIGNED) return four_bytes(state, sums, out, TINYML_SIGNED);
    if (state->range == TINYML_UNSIGNED) return four_bytes(state, sums, out, TINYML_UNSIGNED);
    four_bytes(state, sums, out, TINYML_CLAMPED);
}

/* The last four outputs may be some of the four before again. */
TINYML_DSP void row_of_outputs(
    const state_of_rows *state, const int8_t *const *rows, int8_t *out, const int32_t k,
    const int32_t stride
) {
    int32_t last = state->columns - 4;
    for (int32_t x = 0;; x = x + 4 < last ? x + 4 : last) {
        int32_t sums[4] = {state->sum, state->sum, state->sum, state->sum};
        _Pragma("clang loop unroll(disable)") for (int32_t pair = 0; pair < k / 2; pair++) {
            const int8_t *one = rows[2 * pair] + x * stride, *other = rows[2 * pair + 1] + x * stride;
            add_two_rows(sums, one, other, state->pairs[pair], k, stride);
        }
        add_row(sums, rows[k - 1] + x * stride, state->last, k, stride);
        finish_four(state, sums, out + x * state->pixel);
        if (x == last) break;
    }
}

static void begin(const tinyml_depthwise_layer *layer, tinyml_depthwise_state *memory) {
    state_of_rows *state = (state_of_rows *)memory;
    state->range = (tinyml_range)layer->output.range;
    state->cap = output_cap(layer->output);
    state->pixel = layer->channels_out;
    state->columns = layer->out_width;
    state->numerator = output_numerator(layer->output);
}

TINYML_DSP void prepare_rows(
    const tinyml_depthwise_layer *layer, int32_t channel, tinyml_depthwise_state *memory,
    const int32_t k
) {
    state_of_rows *state = (state_of_rows *)memory;
    pair_weights(state, layer->weights + channel * k * k, k);
    state->sum = 2 * layer->constants[2 * channel];
    state->multiplier = layer->constants[2 * channel + 1];
    state->n = layer->shifts[channel] + 1;
    state->offset = state->numerator << (state->n - 1);
}

#define KERNEL(name, k, stride)                                                                     \
    static void name##_prepare(                                                                     \
        const tinyml_depthwise_layer *layer, int32_t channel, tinyml_depthwise_state *state         \
    ) {                                                                                             \
        prepare_rows(layer, channel, state, k);                                                     \
    }                                                                                               \
    static void name##_row(                                                                         \
        tinyml_depthwise_state *state, const int8_t *const *rows, int8_t *out                       \
    ) {                                                                                             \
        row_of_outputs((const state_of_rows *)state, rows, out, k, stride);                         \
    }                                                                                               \
    const tinyml_depthwise_kernel name = {begin, name##_prepare, name##_row};
KERNEL(tinyml_depthwise_3x3_padded, 3, 1)
#if !TINYML_DSP_NATIVE
KERNEL(tinyml_depthwise_3x3_stride2, 3, 2)
KERNEL(tinyml_depthwise_3x3_stride2_unsigned, 3, 2)
KERNEL(tinyml_depthwise_3x3_stride2_clamped, 3, 2)
KERNEL(tinyml_depthwise_5x5_stride2, 5, 2)
KERNEL(tinyml_depthwise_5x5_stride2_unsigned, 5, 2)
KERNEL(tinyml_depthwise_5x5_stride2_clamped, 5, 2)
KERNEL(tinyml_depthwise_7x7_stride2, 7, 2)
KERNEL(tinyml_depthwise_7x7_stride2_unsigned, 7, 2)
KERNEL(tinyml_depthwise_7x7_stride2_clamped, 7, 2)
KERNEL(tinyml_depthwise_5x5, 5, 1)
KERNEL(tinyml_depthwise_5x5_unsigned, 5, 1)
KERNEL(tinyml_depthwise_5x5_clamped, 5, 1)
KERNEL(tinyml_depthwise_7x7, 7, 1)
KERNEL(tinyml_depthwise_7x7_unsigned, 7, 1)
KERNEL(tinyml_depthwise_7x7_clamped, 7, 1)
#endif
