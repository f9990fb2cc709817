/* Narrow maps, of which most taps lie outside: four channels at a time, as they lie side by side.

   A ring of rows holds them as 16-bit numbers less the zero point: channels 0 and 2 in one word, 1 and
   3 in the next. Taps outside of the map are zeros then and are left out. */
#include "tinyml_depthwise.h"

#define UNROLL _Pragma("clang loop unroll(full)")
#define KEEP_ROLLED _Pragma("clang loop unroll(disable)")

/* What is the same for four channels. */
typedef struct {
    const int8_t *weights;
    int32_t bias[4], multiplier[4], offset[4], n[4];
    tinyml_cap cap;
} four_channels;

static __attribute__((noinline)) void prepare(
    const tinyml_depthwise_layer *layer, int32_t channel, four_channels *four
) {
    int32_t numerator = numerator_from_least(layer->output);
    four->cap = cap_from_least(layer->output);
    four->weights = layer->weights + channel * layer->kernel_height * layer->kernel_width;
    for (int32_t i = 0; i < 4; i++, channel++) {
        int32_t n = layer->shifts[channel];
        four->bias[i] = layer->constants[2 * channel];
        four->multiplier[i] = layer->constants[2 * channel + 1];
        four->offset[i] = numerator << n;
        four->n[i] = n + 1;
    }
}

static __attribute__((noinline)) void copy_row(
    uint32_t *to, const int8_t *from, int32_t pixels, int32_t channels, uint32_t zero_points
) {
    KEEP_ROLLED for (; pixels > 0; pixels--, to += 2, from += channels) {
        uint32_t bytes = dsp_load(from);
        to[0] = dsp_ssub16(dsp_sxtb16(bytes), zero_points);
        to[1] = dsp_ssub16(dsp_sxtb16_ror8(bytes), zero_points);
    }
}

TINYML_DSP uint32_t four_bytes(
    const four_channels *four, const int32_t *sums, tinyml_range range
) {
    int32_t y[4];
    UNROLL for (int32_t i = 0; i < 4; i++)
        y[i] = requantize(2 * sums[i], four->multiplier[i], four->offset[i], four->n[i], range);
    return four_capped(y[0], y[1], y[2], y[3], four->cap);
}

/* Where the windows of a row of outputs lie: rows of the ring, the first of them at `start`. */
typedef struct {
    const uint32_t *start, *end;
    int32_t first, rows; /* of the window that lie in the map */
    int32_t words;       /* of the ring */
} window_rows;

TINYML_DSP void row_of_outputs(
    const tinyml_depthwise_layer *layer, const four_channels *four, const window_rows *window,
    int8_t *out, const tinyml_range range
) {
    int32_t k_w = layer->kernel_width, width = layer->width, left = -layer->pad_left;
    for (int32_t x = layer->out_width; x > 0; x--, left += layer->stride_width) {
        int32_t from = left < 0 ? -left : 0, to = left + k_w > width ? width - left : k_w;
        int32_t sums[4] = {four->bias[0], four->bias[1], four->bias[2], four->bias[3]};
        const uint32_t *row = window->start + 2 * (left + from);
        const int8_t *weights = four->weights + 4 * (window->first * k_w + from);
        int32_t rows = to > from ? window->rows : 0;
        KEEP_ROLLED for (; rows > 0; rows--, weights += 4 * (k_w - (to - from))) {
            const uint32_t *pixels = row;
            KEEP_ROLLED for (int32_t i = to - from; i > 0; i--, pixels += 2, weights += 4) {
                uint32_t taps = dsp_load(weights);
                uint32_t even = dsp_sxtb16(taps), odd = dsp_sxtb16_ror8(taps);
                sums[0] = dsp_smlabb(pixels[0], even, sums[0]);
                sums[2] = dsp_smlatt(pixels[0], even, sums[2]);
                sums[1] = dsp_smlabb(pixels[1], odd, sums[1]);
                sums[3] = dsp_smlatt(pixels[1], odd, sums[3]);
            }
            row += 2 * width;
            if (row >= window->end) row -= window->words;
        }
        dsp_store(out, four_bytes(four, sums, range));
        out += layer->channels_out;
    }
}

#define ROW(name, range)                                                                            \
    static __attribute__((noinline)) void name(                                                     \
        const tinyml_depthwise_layer *layer, const four_channels *four, const window_rows *window,  \
        int8_t *out                                                                                 \
    ) {                                                                                             \
        row_of_outputs(layer, four, window, out, range);                                            \
    }
/* Where the least output is the zero point, no sign is asked for. */
ROW(signed_row, TINYML_SIGNED)
ROW(other_row, TINYML_UNSIGNED)

void tinyml_depthwise_narrow(
    const tinyml_depthwise_layer *layer, const int8_t *in, int8_t *out, int8_t *scratch,
    int32_t ring_rows
) {
    (void)scratch;
    int32_t channels = layer->channels_out, width = layer->width, height = layer->height;
    uint32_t zero_points = dsp_pkhbt((uint32_t)layer->zero_point, (uint32_t)layer->zero_point);
    int32_t words = 2 * ring_rows * width;
    uint32_t ring[words];
    four_channels four;
    tinyml_range range = (tinyml_range)layer->output.range;
    /* A ring that holds all of a channel is filled before anything is written. */
    bool whole = ring_rows == height;
    for (int32_t channel = 0; channel < channels; channel += 4, in += 4, out += 4) {
        int8_t *to = out;
        const int8_t *from = in;
        prepare(layer, channel, &four);
        for (int32_t y = 0, made = 0, top = -layer->pad_top; y < layer->out_height; y++) {
            int32_t first = top < 0 ? 0 : top, end = top + layer->kernel_height;
            if (end > height) end = height;
            for (int32_t stop = whole ? height : end; made < stop; made++, from += width * channels)
                copy_row(ring + made % ring_rows * 2 * width, from, width, channels, zero_points);
            const uint32_t *start = ring + first % ring_rows * 2 * width;
            window_rows window = {start, ring + words, first - top, end - first, words};
            (range == TINYML_SIGNED ? signed_row : other_row)(layer, &four, &window, to);
            to += layer->out_width * channels;
            top += layer->stride_height;
        }
    }
}
