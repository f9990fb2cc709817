/* Depthwise 3x3 of small maps: four channels at a time, as they lie side by side.

   A word holds a pixel of four channels, a ring of rows those of a map, with its padding around them. A
   column of two kernel rows is put together by PKHBT and PKHTB before the signs are extended, as in
   tinyml_depthwise_rows.c, and so are two columns of the third row; the corner that is left goes in by
   single products. */
#include "tinyml_depthwise.h"

#define UNROLL _Pragma("clang loop unroll(full)")
#define KEEP_ROLLED _Pragma("clang loop unroll(disable)")

/* Weights and sums are doubled. */
typedef struct {
    uint32_t pairs[4][4]; /* of each channel, columns 0 to 2 of rows 0 and 1; of row 2, its columns 0, 1 */
    uint32_t corner[2];   /* channels 0 and 2, 1 and 3 */
    int32_t sum[4];
    struct {
        int32_t multiplier, offset;
    } scale[4];
    int32_t n[4];
    tinyml_cap cap;
} four_channels;

TINYML_DSP uint32_t doubled(uint32_t pair) { return dsp_sadd16(pair, pair); }

static __attribute__((noinline)) void prepare(
    const tinyml_depthwise_layer *layer, int32_t channel, four_channels *four
) {
    const int8_t *weights = layer->weights + 9 * channel;
    int32_t numerator = numerator_from_least(layer->output);
    UNROLL for (int32_t i = 0; i < 4; i++, weights += 8) {
        uint32_t two = dsp_load(weights), others = dsp_load(weights + 4);
        four->pairs[i][0] = doubled(dsp_sxtb16(two));
        four->pairs[i][1] = doubled(dsp_sxtb16_ror8(two));
        four->pairs[i][2] = doubled(dsp_sxtb16(others));
        four->pairs[i][3] = doubled(dsp_sxtb16_ror8(others));
    }
    uint32_t corner = dsp_load(weights);
    four->corner[0] = doubled(dsp_sxtb16(corner));
    four->corner[1] = doubled(dsp_sxtb16_ror8(corner));
    KEEP_ROLLED for (int32_t i = 0; i < 4; i++, channel++) {
        int32_t n = layer->shifts[channel];
        four->sum[i] = 2 * layer->constants[2 * channel];
        four->scale[i].multiplier = layer->constants[2 * channel + 1];
        four->scale[i].offset = numerator << n;
        four->n[i] = n + 1;
    }
    four->cap = cap_from_least(layer->output);
}

/* Two pixels of four channels times their weights. */
TINYML_DSP void add_two(int32_t *sums, uint32_t one, uint32_t other, const uint32_t *weights) {
    uint32_t lower = dsp_pkhbt(one, other), upper = dsp_pkhtb(other, one);
    sums[0] = dsp_smlad(dsp_sxtb16(lower), weights[0], sums[0]);
    sums[1] = dsp_smlad(dsp_sxtb16_ror8(lower), weights[1], sums[1]);
    sums[2] = dsp_smlad(dsp_sxtb16(upper), weights[2], sums[2]);
    sums[3] = dsp_smlad(dsp_sxtb16_ror8(upper), weights[3], sums[3]);
}

TINYML_DSP uint32_t four_bytes(const four_channels *four, const int32_t *sums, tinyml_range range) {
    int32_t y[4];
    UNROLL for (int32_t i = 0; i < 4; i++)
        y[i] = requantize(
            sums[i], four->scale[i].multiplier, four->scale[i].offset, four->n[i], range
        );
    return four_capped(y[0], y[1], y[2], y[3], four->cap);
}

typedef const uint32_t *three_rows[3];

TINYML_DSP void row_of_outputs(
    const tinyml_depthwise_layer *layer, const four_channels *four, const three_rows rows,
    int8_t *out, const tinyml_range range
) {
    const uint32_t *a = rows[0], *b = rows[1], *c = rows[2];
    int32_t stride = layer->stride_width, pixel = layer->channels_out;
    KEEP_ROLLED for (int32_t x = layer->out_width; x > 0; x--, out += pixel) {
        int32_t sums[4] = {four->sum[0], four->sum[1], four->sum[2], four->sum[3]};
        add_two(sums, a[0], b[0], four->pairs[0]);
        add_two(sums, a[1], b[1], four->pairs[1]);
        add_two(sums, a[2], b[2], four->pairs[2]);
        add_two(sums, c[0], c[1], four->pairs[3]);
        uint32_t even = dsp_sxtb16(c[2]), odd = dsp_sxtb16_ror8(c[2]);
        sums[0] = dsp_smlabb(even, four->corner[0], sums[0]);
        sums[2] = dsp_smlatt(even, four->corner[0], sums[2]);
        sums[1] = dsp_smlabb(odd, four->corner[1], sums[1]);
        sums[3] = dsp_smlatt(odd, four->corner[1], sums[3]);
        dsp_store(out, four_bytes(four, sums, range));
        a += stride, b += stride, c += stride;
    }
}

#define ROW(name, range)                                                                            \
    static __attribute__((noinline)) void name(                                                     \
        const tinyml_depthwise_layer *layer, const four_channels *four, const three_rows rows,      \
        int8_t *out                                                                                 \
    ) {                                                                                             \
        row_of_outputs(layer, four, rows, out, range);                                              \
    }
/* Where the least output is the zero point, no sign is asked for. */
ROW(signed_row, TINYML_SIGNED)
ROW(other_row, TINYML_UNSIGNED)

void tinyml_depthwise_four(
    const tinyml_depthwise_layer *layer, const int8_t *in, int8_t *out, int8_t *scratch,
    int32_t ring_rows
) {
    (void)scratch;
    int32_t channels = layer->channels_out, width = layer->width, height = layer->height;
    int32_t pitch = width + layer->padding_columns, words = ring_rows * pitch;
    tinyml_range range = (tinyml_range)layer->output.range;
    /* Behind the rows one that is outside of the map; the padding of all others stays. */
    uint32_t ring[words + pitch];
    for (int32_t i = 0; i < words + pitch; i++) ring[i] = (uint8_t)layer->zero_point * 0x01010101u;
    for (int32_t channel = 0; channel < channels; channel += 4, in += 4, out += 4) {
        four_channels four;
        prepare(layer, channel, &four);
        const int8_t *from = in;
        int8_t *to = out;
        uint32_t *newest = ring;
        three_rows rows;
        int32_t made = 0;
        for (int32_t y = 0, top = -layer->pad_top; y < layer->out_height; y++) {
            /* A ring that holds all of a channel is filled before anything is written. */
            int32_t stop = ring_rows == height || top + 3 > height ? height : top + 3;
            for (; made < stop; made++) {
                uint32_t *place = newest + layer->pad_left;
                _Pragma("clang loop unroll_count(4)") for (int32_t x = 0; x < width; x++) {
                    place[x] = dsp_load(from);
                    from += channels;
                }
                newest += pitch;
                if (newest == ring + words) newest = ring;
            }
            for (int32_t ky = 0; ky < 3; ky++) {
                int32_t row = top + ky;
                bool inside = (uint32_t)row < (uint32_t)height;
                rows[ky] = ring + (inside ? row % ring_rows * pitch : words);
            }
            (range == TINYML_SIGNED ? signed_row : other_row)(layer, &four, rows, to);
            to += layer->out_width * channels;
            top += layer->stride_height;
        }
    }
}

/* Begin and end of a row of the window stay padding. */
void tinyml_depthwise_four_row(
    const tinyml_depthwise_layer *layer, const int8_t *const *rows, int8_t *out
) {
    int32_t channels = layer->channels_out, width = layer->width;
    int32_t pitch = width + layer->padding_columns;
    tinyml_range range = (tinyml_range)layer->output.range;
    const four_channels *four = (const four_channels *)layer->constants;
    uint32_t window[3 * pitch];
    for (int32_t i = 0; i < 3 * pitch; i++) window[i] = (uint8_t)layer->zero_point * 0x01010101u;
    const three_rows places = {window, window + pitch, window + 2 * pitch};
    for (int32_t channel = 0; channel < channels; channel += 4, four++) {
        uint32_t *place = window + layer->pad_left;
        for (int32_t ky = 0; ky < 3; ky++, place += pitch) {
            if (!rows[ky]) continue;
            const int8_t *from = rows[ky] + channel;
            _Pragma("clang loop unroll_count(4)") for (int32_t x = 0; x < width; x++) {
                place[x] = dsp_load(from);
                from += channels;
            }
        }
        (range == TINYML_SIGNED ? signed_row : other_row)(layer, four, places, out + channel);
    }
}
