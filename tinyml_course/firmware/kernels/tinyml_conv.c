#include "tinyml_conv.h"

#include "tinyml_columns.h"
#include "tinyml_row_end.h"

/* Where the outputs of a pair of pixels go. */
typedef struct {
    int8_t *out;
    int32_t pixel;  /* bytes from one to the next */
    int32_t pixels; /* 1 or 2 */
} place;

/* The last channel of an odd number: its weights follow in the order of the columns. */
static __attribute__((noinline)) void last_channel(
    const tinyml_conv_layer *layer, const tinyml_columns_job *job, place to
) {
    const uint32_t *columns = job->columns;
    const int8_t *weights = layer->weights + (layer->channels_out - 1) * job->taps;
    const int32_t *constants = job->constants_end + 2;
    int32_t sum0 = constants[0], sum1 = constants[0], m = constants[1], taps = job->taps;
    for (int32_t t = 0; t + 1 < taps; t += 2) {
        uint32_t pair = dsp_pkhbt((uint32_t)weights[t], (uint32_t)weights[t + 1]);
        sum0 = dsp_smlad(columns[t], pair, sum0);
        sum1 = dsp_smlad(columns[t + 1], pair, sum1);
    }
    if (taps & 1) {
        sum0 += dsp_low(columns[taps - 1]) * weights[taps - 1];
        sum1 += dsp_high(columns[taps - 1]) * weights[taps - 1];
    }
    int32_t n = layer->shifts[layer->channels_out - 1] + 1, offset = job->numerator << (n - 1);
    tinyml_range range = (tinyml_range)layer->output.range;
    int32_t y0 = requantize(2 * sum0, m, offset, n, range);
    int32_t y1 = requantize(2 * sum1, m, offset, n, range);
    to.out += (layer->channels_out - 1) * job->channel;
    to.out[0] = to_byte(y0, range, layer->output);
    if (to.pixels > 1) to.out[to.pixel] = to_byte(y1, range, layer->output);
}

/* What is the same for all pairs of pixels. */
static tinyml_columns_job job_of(
    const tinyml_conv_layer *layer, const uint32_t *columns, int32_t channel
) {
    int32_t taps = layer->kernel_height * layer->kernel_width * layer->channels_in;
    int32_t paired = layer->channels_out & ~1;
    tinyml_columns_job job = {
        .columns = columns,
        .numerator = output_numerator(layer->output),
        .constants = layer->constants - 2,
        .constants_end = layer->constants - 2 + 2 * paired,
        .shifts = layer->shifts,
        .odd_weights = layer->weights + paired * (taps & ~1),
        .cap = output_cap(layer->output),
        .channel = channel,
        .weights = (const uint32_t *)layer->weights,
        .taps = taps,
        .output = layer->output,
    };
    tinyml_prepare_columns(&job);
    return job;
}

static inline void multiply(
    const tinyml_conv_layer *layer, const tinyml_columns_job *job, place to
) {
    if (layer->channels_out > 1) {
        if (to.pixels > 1)
            tinyml_multiply_columns(job, to.out, to.out + to.pixel);
        else
            tinyml_multiply_column(job, to.out);
    }
    if (layer->channels_out & 1) last_channel(layer, job, to);
}

/* Four words at a multiple of four. */
TINYML_DSP void store_four(uint32_t *to, uint32_t a, uint32_t b, uint32_t c, uint32_t d) {
#if TINYML_DSP_NATIVE
    __asm volatile("strd %[a], %[b], [%[to]]\n\tstrd %[c], %[d], [%[to], #8]"
                   :
                   : [to] "r"(to), [a] "r"(a), [b] "r"(b), [c] "r"(c), [d] "r"(d)
                   : "memory");
#else
    to[0] = a, to[1] = b, to[2] = c, to[3] = d;
#endif
}

/* Four bytes of each pixel: taps 0 and 2, then 1 and 3, which is the order of the weights too. */
TINYML_DSP void four_to_columns(uint32_t *columns, const int8_t *one, const int8_t *other) {
    uint32_t x0 = dsp_load(one), x1 = dsp_load(other);
    store_four(
        columns, dsp_sxtb16(x0), dsp_sxtb16(x1), dsp_sxtb16_ror8(x0), dsp_sxtb16_ror8(x1)
    );
}

/* Tap t of the column of pixel 0 or 1. */
TINYML_DSP void put(uint32_t *columns, int32_t pixel, int32_t t, int32_t taps, int32_t value) {
    int16_t *half = (int16_t *)columns;
    /* Of an odd tap at the end there is no neighbour. */
    int32_t odd_end = (taps & 1) & (t == taps - 1);
    half[odd_end ? 2 * t + pixel : ((t >> 1) << 2) + 2 * pixel + (t & 1)] = (int16_t)value;
}

/* Two windows, `distance` bytes apart, all of their `run` bytes in all `height` rows inside of the
   map. First all fours of all rows, then what is left of each row. */
TINYML_DSP void inner_columns(
    uint32_t *columns, const int8_t *const *rows, int32_t at, int32_t distance, int32_t height,
    int32_t run
) {
    uint32_t *to = columns;
    int32_t taps = height * run, t = height * (run & ~3);
    for (int32_t y = 0; y < height; y++) {
        const int8_t *from0 = rows[y] + at, *from1 = from0 + distance;
        for (int32_t i = run >> 2; i > 0; i--, to += 4, from0 += 4, from1 += 4)
            four_to_columns(to, from0, from1);
        for (int32_t i = run & 3; i > 0; i--, t++) {
            put(columns, 0, t, taps, *from0++);
            put(columns, 1, t, taps, *from1++);
        }
    }
}

/* One pixel whose window may reach over the edge of the map, channels in fours: tap by tap. */
static __attribute__((noinline)) void border_column_of_fours(
    const tinyml_conv_layer *layer, uint32_t *columns, const int8_t *const *rows, int32_t left
) {
    int32_t c_in = layer->channels_in;
    uint32_t outside = dsp_pkhbt((uint32_t)layer->zero_point, (uint32_t)layer->zero_point);
    for (int32_t ky = 0; ky < layer->kernel_height; ky++)
        for (int32_t x = left; x < left + layer->kernel_width; x++) {
            bool inside = rows[ky] && x >= 0 && x < layer->width;
            const int8_t *from = inside ? rows[ky] + x * c_in : 0;
            for (int32_t i = c_in >> 2; i > 0; i--, columns += 4) {
                uint32_t bytes = inside ? dsp_load(from) : 0;
                columns[0] = inside ? dsp_sxtb16(bytes) : outside;
                columns[2] = inside ? dsp_sxtb16_ror8(bytes) : outside;
                if (inside) from += 4;
            }
        }
}

/* Four bytes of a run from byte i on, of which those from `first` to `end` lie in the map. */
TINYML_DSP uint32_t four_at_border(
    const int8_t *from, int32_t i, int32_t first, int32_t end, int32_t zero_point
) {
    uint32_t outside = (uint8_t)zero_point * 0x01010101u, bytes = 0;
    if (i >= first && i + 4 <= end) return dsp_load(from + i);
    if (i + 4 <= first || i >= end) return outside;
    for (int32_t byte = 0; byte < 4; byte++) {
        bool inside = i + byte >= first && i + byte < end;
        bytes |= (uint32_t)(uint8_t)(inside ? from[i + byte] : zero_point) << 8 * byte;
    }
    return bytes;
}

/* The same with any number of channels: fours, then what is left of each row byte by byte. */
TINYML_DSP void border_column(
    const tinyml_conv_layer *layer, uint32_t *columns, const int8_t *const *rows, int32_t pixel,
    int32_t left, int32_t height, int32_t run
) {
    int32_t fours = run & ~3, taps = height * run;
    int32_t begin = -left * layer->channels_in; /* bytes of a run that lie left of the map */
    int32_t end = begin + layer->width * layer->channels_in;
    for (int32_t ky = 0; ky < height; ky++) {
        int32_t first = rows[ky] ? begin : run; /* of the row's bytes that lie in the map */
        const int8_t *from = rows[ky] ? rows[ky] - begin : 0;
        uint32_t *to = columns + ky * fours + pixel;
        _Pragma("clang loop unroll(disable)") for (int32_t i = 0; i < fours; i += 4, to += 4) {
            uint32_t four = four_at_border(from, i, first, end, layer->zero_point);
            to[0] = dsp_sxtb16(four);
            to[2] = dsp_sxtb16_ror8(four);
        }
        for (int32_t i = fours; i < run; i++) {
            int32_t value = i >= first && i < end ? from[i] : layer->zero_point;
            put(columns, pixel, height * fours + ky * (run & 3) + (i & 3), taps, value);
        }
    }
}

/* Bytes from one output pixel to the next: a row is written pixel by pixel or channel by channel. */
TINYML_DSP int32_t pixel_step(const tinyml_conv_layer *layer, const tinyml_columns_job *job) {
    return job->channel == 1 ? layer->channels_out : 1;
}

/* Pairs of pixels that see nothing but the map, the first of them from byte `at` of the rows on. */
TINYML_DSP void inner_pairs(
    const tinyml_conv_layer *layer, const tinyml_columns_job *job, const int8_t *const *rows,
    int32_t at, int32_t pairs, int8_t *out, int32_t height, int32_t run
) {
    uint32_t *columns = (uint32_t *)job->columns;
    int32_t distance = layer->stride_width * layer->channels_in;
    place to = {out, pixel_step(layer, job), 2};
    for (; pairs > 0; pairs--, at += 2 * distance, to.out += 2 * to.pixel) {
        inner_columns(columns, rows, at, distance, height, run);
        multiply(layer, job, to);
    }
}

/* One or two pixels, of which some may reach over the edge. */
TINYML_DSP void border_pixels(
    const tinyml_conv_layer *layer, const tinyml_columns_job *job, const int8_t *const *rows,
    int32_t left, place to, int32_t height, int32_t run
) {
    uint32_t *columns = (uint32_t *)job->columns;
    for (int32_t pixel = 0; pixel < to.pixels; pixel++, left += layer->stride_width)
        if ((layer->channels_in & 3) == 0)
            border_column_of_fours(layer, columns + pixel, rows, left);
        else
            border_column(layer, columns, rows, pixel, left, height, run);
    multiply(layer, job, to);
}

TINYML_DSP void conv_row(
    const tinyml_conv_layer *layer, const tinyml_columns_job *job, const int8_t *const *rows,
    int8_t *out, int32_t height, int32_t run
) {
    int32_t step = layer->stride_width, left = -layer->pad_left, rest = layer->out_width;
    /* Where the first of two pixels may begin at the most; nowhere, if a row is outside. */
    int32_t last = layer->width - layer->kernel_width - step;
    for (int32_t ky = 0; ky < height; ky++)
        if (!rows[ky]) last = -1;
    while (rest > 0) {
        place to = {out, pixel_step(layer, job), rest > 1 ? 2 : 1};
        int32_t done = to.pixels;
        if (rest > 1 && left >= 0 && left <= last) {
            int32_t pairs = (last - left) / (2 * step) + 1;
            if (pairs > rest >> 1) pairs = rest >> 1;
            inner_pairs(layer, job, rows, left * layer->channels_in, pairs, out, height, run);
            done = 2 * pairs;
        } else
            border_pixels(layer, job, rows, left, to, height, run);
        rest -= done;
        left += done * step;
        out += done * to.pixel;
    }
}

/* The first layer of most networks: loops of a known length need no counting. */
static __attribute__((noinline)) void conv_row_3x9(
    const tinyml_conv_layer *layer, const tinyml_columns_job *job, const int8_t *const *rows,
    int8_t *out
) {
    conv_row(layer, job, rows, out, 3, 9);
}

static __attribute__((noinline)) void conv_row_any(
    const tinyml_conv_layer *layer, const tinyml_columns_job *job, const int8_t *const *rows,
    int8_t *out
) {
    int32_t run = layer->kernel_width * layer->channels_in;
    conv_row(layer, job, rows, out, layer->kernel_height, run);
}

static void chosen_row(
    const tinyml_conv_layer *layer, const tinyml_columns_job *job, const int8_t *const *rows,
    int8_t *out
) {
    bool known = layer->kernel_height == 3 && layer->kernel_width * layer->channels_in == 9;
    (known ? conv_row_3x9 : conv_row_any)(layer, job, rows, out);
}

void tinyml_conv_row(
    const tinyml_conv_layer *layer, const int8_t *const *rows, int8_t *out, void *scratch
) {
    tinyml_columns_job job = job_of(layer, scratch, 1);
    chosen_row(layer, &job, rows, out);
}

void tinyml_conv_row_planar(
    const tinyml_conv_layer *layer, const int8_t *const *rows, int8_t *out, void *scratch
) {
    tinyml_columns_job job = job_of(layer, scratch, layer->out_width);
    chosen_row(layer, &job, rows, out);
}

void tinyml_conv(const tinyml_conv_layer *layer, const int8_t *in, int8_t *out, void *scratch) {
    tinyml_columns_job job = job_of(layer, scratch, 1);
    int32_t pitch = layer->width * layer->channels_in;
    int32_t row_bytes = layer->out_width * layer->channels_out;
    for (int32_t y = 0, top = -layer->pad_top; y < layer->out_height; y++, out += row_bytes) {
        const int8_t *rows[TINYML_LARGEST_KERNEL];
        for (int32_t ky = 0; ky < layer->kernel_height; ky++) {
            bool inside = top + ky >= 0 && top + ky < layer->height;
            rows[ky] = inside ? in + (top + ky) * pitch : 0;
        }
        chosen_row(layer, &job, rows, out);
        top += layer->stride_height;
    }
}

void tinyml_conv_of_one_channel(
    const tinyml_conv_layer *layer, const int8_t *in, int8_t *out, int8_t *scratch,
    int32_t ring_rows
) {
    (void)ring_rows;
    tinyml_conv(layer, in, out, scratch);
}

TINYML_DSP void pointwise(
    const tinyml_conv_layer *layer, const int8_t *in, void *scratch, place to, int32_t channel,
    int32_t pixels
) {
    tinyml_columns_job job = job_of(layer, scratch, channel);
    int32_t c_in = layer->channels_in;
    for (; pixels > 0; pixels -= 2) {
        to.pixels = pixels > 1 ? 2 : 1;
        inner_columns(scratch, &in, 0, pixels > 1 ? c_in : 0, 1, c_in);
        multiply(layer, &job, to);
        in += 2 * c_in;
        to.out += 2 * to.pixel;
    }
}

void tinyml_pointwise(
    const tinyml_conv_layer *layer, const int8_t *in, int8_t *out, void *scratch, int32_t pixels
) {
    pointwise(layer, in, scratch, (place){out, layer->channels_out, 2}, 1, pixels);
}

void tinyml_pointwise_planar(
    const tinyml_conv_layer *layer, const int8_t *in, int8_t *out, void *scratch, int32_t pixels
) {
    pointwise(layer, in, scratch, (place){out, 1, 2}, pixels, pixels);
}
