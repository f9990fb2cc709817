#include "tinyml_pool.h"

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

/* Halves go away from zero. */
static int32_t rounded_mean(int32_t sum, int32_t count) {
    return (sum < 0 ? sum - count / 2 : sum + count / 2) / count;
}

TINYML_DSP void pool(
    const tinyml_pool_layer *layer, const int8_t *in, int8_t *out, const bool average
) {
    int32_t channels = layer->channels, pitch = layer->width * channels;
    for (int32_t y = 0; y < layer->out_height; y++)
        for (int32_t x = 0; x < layer->out_width; x++) {
            part window = part_of(layer, in, y, x);
            for (int32_t c = 0; c < channels; c++) {
                int32_t value = average ? 0 : INT8_MIN;
                for (int32_t i = 0; i < window.rows; i++) {
                    const int8_t *from = window.first + i * pitch + c;
                    for (int32_t j = window.columns; j > 0; j--, from += channels)
                        value = average ? value + *from : *from > value ? *from : value;
                }
                if (average) value = rounded_mean(value, window.rows * window.columns);
                *out++ = (int8_t)dsp_clamp(value, layer->output.least, layer->output.most);
            }
        }
}

void tinyml_average_pool(const tinyml_pool_layer *layer, const int8_t *const *in, int8_t *out) {
    pool(layer, in[0], out, true);
}

void tinyml_max_pool(const tinyml_pool_layer *layer, const int8_t *const *in, int8_t *out) {
    pool(layer, in[0], out, false);
}
