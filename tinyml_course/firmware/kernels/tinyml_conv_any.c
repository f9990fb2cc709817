/* A convolution without any demand on its numbers. */
#include "tinyml_conv.h"
#include "tinyml_dot.h"

/* One window of the rows, int8, what lies outside of the map as its zero point. */
static void copy_window(
    const tinyml_conv_layer *layer, const int8_t *const *rows, int8_t *window, int32_t left
) {
    int32_t c_in = layer->channels_in;
    for (int32_t ky = 0; ky < layer->kernel_height; ky++)
        for (int32_t x = left; x < left + layer->kernel_width; x++, window += c_in) {
            bool inside = rows[ky] && x >= 0 && x < layer->width;
            const int8_t *from = inside ? rows[ky] + x * c_in : 0;
            for (int32_t c = 0; c < c_in; c++)
                window[c] = inside ? (int8_t)byte_from(from + c, layer->flip) : layer->zero_point;
        }
}

/* Bytes from one pixel, and from one channel, to the next. */
static void any_row(
    const tinyml_conv_layer *layer, const int8_t *const *rows, int8_t *out, int8_t *window,
    int32_t pixel, int32_t channel
) {
    int32_t taps = layer->kernel_height * layer->kernel_width * layer->channels_in;
    int32_t left = -layer->pad_left;
    for (int32_t x = 0; x < layer->out_width; x++, left += layer->stride_width, out += pixel) {
        copy_window(layer, rows, window, left);
        /* Sums begin with what the input's zero point takes off; here is what that of the weights does. */
        int32_t off = 0;
        if (layer->weight_zero_point) off = sum_of(window, taps, TINYML_INT8) * layer->weight_zero_point;
        const int8_t *weights = layer->weights;
        for (int32_t c = 0; c < layer->channels_out; c++, weights += taps) {
            int32_t sum = dot(window, weights, taps, layer->constants[2 * c], TINYML_INT8);
            int32_t m = layer->constants[2 * c + 1];
            int8_t y = any_byte(dsp_add(sum, -off), m, layer->shifts[c], layer->output);
            out[c * channel] = byte_to(y, layer->flip);
        }
    }
}

void tinyml_conv_any_row(
    const tinyml_conv_layer *layer, const int8_t *const *rows, int8_t *out, void *scratch
) {
    any_row(layer, rows, out, scratch, layer->channels_out, 1);
}

void tinyml_conv_any_row_planar(
    const tinyml_conv_layer *layer, const int8_t *const *rows, int8_t *out, void *scratch
) {
    any_row(layer, rows, out, scratch, 1, layer->out_width);
}

void tinyml_conv_any(const tinyml_conv_layer *layer, const int8_t *in, int8_t *out, void *scratch) {
    int32_t pitch = layer->width * layer->channels_in;
    int32_t row_bytes = layer->out_width * layer->channels_out;
    for (int32_t y = 0, top = -layer->pad_top; y < layer->out_height; y++, out += row_bytes) {
        const int8_t *rows[layer->kernel_height];
        for (int32_t ky = 0; ky < layer->kernel_height; ky++) {
            bool inside = top + ky >= 0 && top + ky < layer->height;
            rows[ky] = inside ? in + (top + ky) * pitch : 0;
        }
        tinyml_conv_any_row(layer, rows, out, scratch);
        top += layer->stride_height;
    }
}

void tinyml_conv_any_of_one_channel(
    const tinyml_conv_layer *layer, const int8_t *in, int8_t *out, int8_t *scratch,
    int32_t ring_rows
) {
    (void)ring_rows;
    tinyml_conv_any(layer, in, out, scratch);
}
