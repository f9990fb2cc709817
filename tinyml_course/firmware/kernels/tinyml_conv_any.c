/* A convolution without any demand on its numbers. */
#include "tinyml_conv.h"

static void copy_window(
    const tinyml_conv_layer *layer, const int8_t *in, int8_t *window, int32_t top, int32_t left
) {
    int32_t c_in = layer->channels_in;
    for (int32_t y = top; y < top + layer->kernel_height; y++)
        for (int32_t x = left; x < left + layer->kernel_width; x++, window += c_in) {
            bool inside = y >= 0 && y < layer->height && x >= 0 && x < layer->width;
            const int8_t *from = in + (y * layer->width + x) * c_in;
            for (int32_t c = 0; c < c_in; c++) window[c] = inside ? from[c] : layer->zero_point;
        }
}

void tinyml_conv_any(const tinyml_conv_layer *layer, const int8_t *in, int8_t *out, void *scratch) {
    int8_t *window = scratch;
    int32_t taps = layer->kernel_height * layer->kernel_width * layer->channels_in;
    for (int32_t y = 0; y < layer->out_height; y++)
        for (int32_t x = 0; x < layer->out_width; x++) {
            int32_t top = y * layer->stride_height - layer->pad_top;
            copy_window(layer, in, window, top, x * layer->stride_width - layer->pad_left);
            const int8_t *weights = layer->weights;
            for (int32_t c = 0; c < layer->channels_out; c++) {
                int32_t sum = layer->constants[2 * c], m = layer->constants[2 * c + 1];
                for (int32_t t = 0; t < taps; t++) sum += window[t] * *weights++;
                *out++ = any_byte(sum, m, layer->shifts[c], layer->output);
            }
        }
}
