#include "tinyml_depthwise.h"

/* Four pixels of one channel in a word; moves on by `four`. */
TINYML_DSP uint32_t gather_four(const int8_t **from, int32_t channels, int32_t thrice) {
    uint32_t word;
#if TINYML_DSP_NATIVE
    /* In C the compiler spends four additions on the addresses. */
    uint32_t x1, x2, x3;
    __asm volatile("ldrb %[x0], [%[from]]\n\t"
                   "ldrb %[x1], [%[from], %[channels]]\n\t"
                   "ldrb %[x2], [%[from], %[channels], lsl #1]\n\t"
                   "ldrb %[x3], [%[from], %[thrice]]\n\t"
                   "add %[from], %[from], %[channels], lsl #2\n\t"
                   "orr %[x0], %[x0], %[x1], lsl #8\n\t"
                   "orr %[x0], %[x0], %[x2], lsl #16\n\t"
                   "orr %[x0], %[x0], %[x3], lsl #24\n\t"
                   : [x0] "=&r"(word), [x1] "=&r"(x1), [x2] "=&r"(x2), [x3] "=&r"(x3),
                     [from] "+r"(*from)
                   : [channels] "r"(channels), [thrice] "r"(thrice)
                   : "memory");
#else
    const int8_t *x = *from;
    word = (uint8_t)x[0] | (uint32_t)(uint8_t)x[channels] << 8 |
           (uint32_t)(uint8_t)x[2 * channels] << 16 | (uint32_t)(uint8_t)x[thrice] << 24;
    *from += 4 * channels;
#endif
    return word;
}

/* One channel of a row of pixels, side by side. */
__attribute__((noinline)) void tinyml_gather_row(
    int8_t *to, const int8_t *from, int32_t pixels, int32_t channels
) {
    int32_t thrice = 3 * channels;
    int8_t *end = to + (pixels & ~3);
    if (pixels & 4) dsp_store(to, gather_four(&from, channels, thrice)), to += 4;
    while (to != end) {
        dsp_store(to, gather_four(&from, channels, thrice));
        dsp_store(to + 4, gather_four(&from, channels, thrice));
        to += 8;
    }
    for (pixels &= 3; pixels > 0; pixels--, from += channels) *to++ = *from;
}

/* What is the same for all channels of a map. */
typedef struct {
    int8_t *ring, *ring_end;
    int32_t pitch, left; /* bytes of a row in the ring, of the padding before it */
    tinyml_pitches map;
    bool whole; /* the ring holds all rows of the channel */
} ring;

/* One channel of a map. A ring that holds all of it is filled before anything is written. */
TINYML_DSP void map_of_channel(
    const tinyml_depthwise_layer *layer, tinyml_depthwise_state *state, const ring *r,
    const int8_t *from, int8_t *to, const int32_t size
) {
    int32_t height = layer->height, width = layer->width, c_in = layer->channels_in;
    for (int32_t y = 0; r->whole && y < height; y++, from += r->map.in)
        tinyml_gather_row(r->ring + y * r->pitch + r->left, from, width, c_in);
    const int8_t *rows[size];
    for (int32_t ky = 0; ky < size; ky++) rows[ky] = layer->outside;
    int8_t *newest = r->ring;
    int32_t row = -layer->pad_top, next = size;
    for (int32_t y = layer->out_height; y > 0; y--, next = layer->stride_height) {
        /* The window moves down by so many rows. */
        for (; next > 0; next--, row++) {
            const int8_t *entering = layer->outside;
            if ((uint32_t)row < (uint32_t)height) {
                entering = newest;
                if (!r->whole) {
                    tinyml_gather_row(newest + r->left, from, width, c_in);
                    from += r->map.in;
                }
                newest += r->pitch;
                if (newest == r->ring_end) newest = r->ring;
            }
            for (int32_t ky = size - 1; ky >= 0; ky--) {
                const int8_t *above = rows[ky];
                rows[ky] = entering;
                entering = above;
            }
        }
        layer->kernel->row(state, rows, to);
        to += r->map.out;
    }
}

static __attribute__((noinline)) void map_of_3_rows(
    const tinyml_depthwise_layer *layer, tinyml_depthwise_state *state, const ring *r,
    const int8_t *from, int8_t *to
) {
    map_of_channel(layer, state, r, from, to, 3);
}

static __attribute__((noinline)) void map_of_any_rows(
    const tinyml_depthwise_layer *layer, tinyml_depthwise_state *state, const ring *r,
    const int8_t *from, int8_t *to
) {
    map_of_channel(layer, state, r, from, to, layer->kernel_height);
}

void tinyml_depthwise_region(
    const tinyml_depthwise_layer *layer, const int8_t *in, int8_t *out, tinyml_pitches map,
    int8_t *scratch, int32_t ring_rows
) {
    int32_t padding = layer->padding_columns, pitch = layer->width + padding;
    int32_t multiplier = layer->channels_out / layer->channels_in;
    ring r = {
        scratch, scratch + ring_rows * pitch, pitch, padding ? layer->pad_left : 0,
        map, ring_rows == layer->height,
    };
    if (padding) memset(scratch, layer->zero_point, (size_t)(ring_rows * pitch));
    tinyml_depthwise_state state;
    layer->kernel->begin(layer, &state);
    for (int32_t channel = 0; channel < layer->channels_out; channel++, out++) {
        layer->kernel->prepare(layer, channel, &state);
        const int8_t *from = in + channel / multiplier;
        (layer->kernel_height == 3 ? map_of_3_rows : map_of_any_rows)(layer, &state, &r, from, out);
    }
}

void tinyml_depthwise(
    const tinyml_depthwise_layer *layer, const int8_t *in, int8_t *out, int8_t *scratch,
    int32_t ring_rows
) {
    int32_t in_pitch = layer->width * layer->channels_in;
    tinyml_pitches map = {in_pitch, layer->out_width * layer->channels_out};
    tinyml_depthwise_region(layer, in, out, map, scratch, ring_rows);
}

/* At least four bytes. */
TINYML_DSP void copy_row(int8_t *to, const int8_t *from, int32_t bytes) {
    int8_t *last = to + bytes - 4;
    uint32_t end = dsp_load(from + bytes - 4);
    for (; last - to >= 16; to += 16, from += 16)
        for (int32_t i = 0; i < 16; i += 4) dsp_store(to + i, dsp_load(from + i));
    _Pragma("clang loop unroll(disable)") for (; to < last; to += 4, from += 4)
        dsp_store(to, dsp_load(from));
    dsp_store(last, end);
}

/* For a kernel that wants padding columns: each channel of each row is copied between some. */
TINYML_DSP void row_of_padded_channels(
    const tinyml_depthwise_layer *layer, const int8_t *const *rows, int8_t *out, const int32_t size
) {
    int32_t width = layer->width, pitch = width + layer->padding_columns;
    int32_t multiplier = layer->channels_out / layer->channels_in, repeat = 1;
    int8_t padded[size * pitch];
    const int8_t *starts[size];
    for (int32_t ky = 0; ky < size; ky++) starts[ky] = rows[ky] ? padded + ky * pitch : layer->outside;
    memset(padded, layer->zero_point, sizeof padded);
    tinyml_depthwise_state state;
    layer->kernel->begin(layer, &state);
    for (int32_t channel = 0, at = 0; channel < layer->channels_out; channel++, out++) {
        if (--repeat == 0) {
            int8_t *to = padded + layer->pad_left;
            for (int32_t ky = 0; ky < size; ky++, to += pitch)
                if (rows[ky]) copy_row(to, rows[ky] + at, width);
            at += width;
            repeat = multiplier;
        }
        layer->kernel->prepare(layer, channel, &state);
        layer->kernel->row(&state, starts, out);
    }
}

/* Rows outside of the map stay where they are. */
TINYML_DSP void row_of_channels(
    const tinyml_depthwise_layer *layer, const int8_t *const *rows, int8_t *out, const int32_t size
) {
    int32_t width = layer->width;
    int32_t multiplier = layer->channels_out / layer->channels_in, repeat = multiplier;
    const int8_t *now[size];
    for (int32_t ky = 0; ky < size; ky++) now[ky] = rows[ky] ? rows[ky] : layer->outside;
    tinyml_depthwise_state state;
    layer->kernel->begin(layer, &state);
    for (int32_t channel = 0; channel < layer->channels_out; channel++, out++) {
        layer->kernel->prepare(layer, channel, &state);
        layer->kernel->row(&state, now, out);
        if (--repeat > 0) continue;
        repeat = multiplier;
        for (int32_t ky = 0; ky < size; ky++)
            if (rows[ky]) now[ky] += width;
    }
}

static __attribute__((noinline)) void padded_row_of_3(
    const tinyml_depthwise_layer *layer, const int8_t *const *rows, int8_t *out
) {
    row_of_padded_channels(layer, rows, out, 3);
}

static __attribute__((noinline)) void padded_row_of_any(
    const tinyml_depthwise_layer *layer, const int8_t *const *rows, int8_t *out
) {
    row_of_padded_channels(layer, rows, out, layer->kernel_height);
}

void tinyml_depthwise_row(
    const tinyml_depthwise_layer *layer, const int8_t *const *rows, int8_t *out
) {
    bool is_3 = layer->kernel_height == 3;
    if (layer->padding_columns) return (is_3 ? padded_row_of_3 : padded_row_of_any)(layer, rows, out);
    if (is_3) return row_of_channels(layer, rows, out, 3);
    row_of_channels(layer, rows, out, layer->kernel_height);
}

void tinyml_planar_row(const int8_t *in, int8_t *out, int32_t pixels, int32_t channels) {
    for (int32_t channel = 0; channel < channels; channel++, out += pixels)
        tinyml_gather_row(out, in + channel, pixels, channels);
}
