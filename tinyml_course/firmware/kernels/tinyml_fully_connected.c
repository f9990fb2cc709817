/* Weights of two outputs lie in one word, as in tinyml_columns.h: SMLAD with the word as it is sums 256
   times the high one plus the low one, SMLAD with the low bytes sums the latter. */
#include "tinyml_fully_connected.h"

#define UNROLL _Pragma("clang loop unroll(full)")
#define KEEP_ROLLED _Pragma("clang loop unroll(disable)")
#define PAIRS 2 /* of outputs at a time: four sums, eight words of weights in flight */

/* What is the same for a row of features. */
typedef struct {
    const tinyml_fully_connected_layer *layer;
    const int8_t *features;
    int32_t numerator;
} feature_row;

TINYML_DSP int8_t finished(
    const feature_row *row, int32_t twice, int32_t multiplier, int32_t n
) {
    tinyml_output output = row->layer->output;
    tinyml_range range = (tinyml_range)output.range;
    int32_t y = requantize(twice, multiplier, row->numerator << n, n + 1, range);
    return to_byte(y, range, output);
}

/* `pairs` pairs of outputs, the first of them number `first`. */
TINYML_DSP void outputs_of(
    const feature_row *row, int32_t first, int8_t *out, const int32_t pairs
) {
    const tinyml_fully_connected_layer *layer = row->layer;
    int32_t features = layer->features, words = features >> 1;
    const uint32_t *w = (const uint32_t *)layer->weights + first * words;
    const int32_t *constants = layer->constants + 4 * first;
    const int8_t *x = row->features;
    int32_t low[PAIRS], raw[PAIRS];
    UNROLL for (int32_t p = 0; p < pairs; p++) low[p] = constants[4 * p], raw[p] = constants[4 * p + 1];
    KEEP_ROLLED for (const int8_t *end = x + (features & ~3); x != end; x += 4, w += 2) {
        uint32_t four = dsp_load(x), even = dsp_sxtb16(four), odd = dsp_sxtb16_ror8(four);
        UNROLL for (int32_t p = 0; p < pairs; p++) {
            uint32_t one = w[p * words], other = w[p * words + 1];
            raw[p] = dsp_smlad(even, one, raw[p]);
            low[p] = dsp_smlad(even, dsp_sxtb16(one), low[p]);
            raw[p] = dsp_smlad(odd, other, raw[p]);
            low[p] = dsp_smlad(odd, dsp_sxtb16(other), low[p]);
        }
    }
    if (features & 2) {
        uint32_t two = dsp_pkhbt((uint32_t)x[0], (uint32_t)x[1]);
        x += 2;
        UNROLL for (int32_t p = 0; p < pairs; p++) {
            raw[p] = dsp_smlad(two, w[p * words], raw[p]);
            low[p] = dsp_smlad(two, dsp_sxtb16(w[p * words]), low[p]);
        }
    }
    if (features & 1) {
        /* Behind the words of all pairs. */
        const int8_t *odd = layer->weights + (layer->outputs >> 1) * words * 4 + 2 * first;
        UNROLL for (int32_t p = 0; p < pairs; p++) {
            int16_t both;
            memcpy(&both, odd + 2 * p, sizeof both);
            raw[p] = dsp_add(raw[p], *x * both);
            low[p] = dsp_add(low[p], *x * (int8_t)both);
        }
    }
    const int8_t *n = layer->shifts + 2 * first;
    UNROLL for (int32_t p = 0; p < pairs; p++) {
        int32_t high = dsp_add(raw[p], -low[p]) >> 7;
        out[2 * p] = finished(row, 2 * low[p], constants[4 * p + 2], n[2 * p]);
        out[2 * p + 1] = finished(row, high, constants[4 * p + 3], n[2 * p + 1]);
    }
}

/* The last of an odd number: its weights follow in the order of the words. */
static void last_output(const feature_row *row, int8_t *out) {
    const tinyml_fully_connected_layer *layer = row->layer;
    int32_t last = layer->outputs - 1, count = layer->features;
    const int8_t *x = row->features, *w = layer->weights + last * count;
    const int32_t *constants = layer->constants + 2 * last;
    int32_t sum = constants[0];
    KEEP_ROLLED for (; count >= 4; count -= 4, x += 4, w += 4) {
        sum = dsp_add(sum, x[0] * w[0] + x[2] * w[1]);
        sum = dsp_add(sum, x[1] * w[2] + x[3] * w[3]);
    }
    KEEP_ROLLED for (; count > 0; count--) sum = dsp_add(sum, *x++ * *w++);
    *out = finished(row, 2 * sum, constants[1], layer->shifts[last]);
}

void tinyml_fully_connected(
    const tinyml_fully_connected_layer *layer, const int8_t *const *in, int8_t *out
) {
    feature_row row = {layer, in[0], output_numerator(layer->output)};
    int32_t pairs = layer->outputs >> 1;
    for (int32_t i = 0; i < layer->rows; i++, row.features += layer->features) {
        int32_t pair = 0;
        for (; pair + PAIRS <= pairs; pair += PAIRS, out += 2 * PAIRS)
            outputs_of(&row, pair, out, PAIRS);
        for (; pair < pairs; pair++, out += 2) outputs_of(&row, pair, out, 1);
        if (layer->outputs & 1) last_output(&row, out++);
    }
}
