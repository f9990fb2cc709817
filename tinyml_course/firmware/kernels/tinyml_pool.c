#include "tinyml_pool.h"

#include "tinyml_bytes.h"

/* The part of a window that lies in the map. */
typedef struct {
    const int8_t *first;
    int32_t rows, columns;
} part;

static part part_of(const tinyml_pool_layer *layer, const int8_t *in, int32_t y, int32_t x) {
    int32_t top = y * layer->stride_height - layer->pad_top, bottom = top + layer->kernel_height;
    int32_t left = x * layer->stride_width - layer->pad_left, right = left + layer->kernel_width;
    top = top < 0 ? 0 : top;
    left = left < 0 ? 0 : left;
    bottom = bottom > layer->height ? layer->height : bottom;
    right = right > layer->width ? layer->width : right;
    return (part){in + (top * layer->width + left) * layer->channels, bottom - top, right - left};
}

TINYML_DSP void pool(
    const tinyml_pool_layer *layer, const int8_t *in, int8_t *out, const bool average,
    const uint8_t flip
) {
    int32_t channels = layer->channels, pitch = layer->width * channels;
    for (int32_t y = 0; y < layer->out_height; y++)
        for (int32_t x = 0; x < layer->out_width; x++) {
            part window = part_of(layer, in, y, x);
            for (int32_t c = 0; c < channels; c++) {
                int32_t value = average ? 0 : INT8_MIN;
                for (int32_t i = 0; i < window.rows; i++) {
                    const int8_t *from = window.first + i * pitch + c;
                    for (int32_t j = window.columns; j > 0; j--, from += channels) {
                        int32_t byte = byte_from(from, flip);
                        value = average ? value + byte : byte > value ? byte : value;
                    }
                }
                if (average) value = average_of(value, window.rows * window.columns, flip);
                value = dsp_clamp(value, layer->output.least, layer->output.most);
                *out++ = byte_to(value, flip);
            }
        }
}

void tinyml_average_pool(const tinyml_pool_layer *layer, const int8_t *const *in, int8_t *out) {
    pool(layer, in[0], out, true, TINYML_INT8);
}

void tinyml_average_pool_uint8(
    const tinyml_pool_layer *layer, const int8_t *const *in, int8_t *out
) {
    pool(layer, in[0], out, true, TINYML_UINT8);
}

void tinyml_max_pool(const tinyml_pool_layer *layer, const int8_t *const *in, int8_t *out) {
    pool(layer, in[0], out, false, TINYML_INT8);
}

void tinyml_max_pool_uint8(const tinyml_pool_layer *layer, const int8_t *const *in, int8_t *out) {
    pool(layer, in[0], out, false, TINYML_UINT8);
}
