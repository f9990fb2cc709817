#include "tinyml_average_rows.h"

#include "tinyml_bytes.h"

/* Columns of a window that lie in the map. */
typedef struct {
    int32_t left, right;
} span;

static span span_of(const tinyml_pool_layer *layer, int32_t x) {
    int32_t left = x * layer->stride_width - layer->pad_left, right = left + layer->kernel_width;
    return (span){left < 0 ? 0 : left, right > layer->width ? layer->width : right};
}

TINYML_DSP void sum_row(
    const tinyml_pool_layer *layer, const int8_t *row, int32_t *sums, bool is_first,
    const uint8_t flip
) {
    int32_t channels = layer->channels;
    for (int32_t x = 0; x < layer->out_width; x++) {
        span columns = span_of(layer, x);
        for (int32_t c = 0; c < channels; c++) {
            int32_t sum = is_first ? 0 : *sums;
            const int8_t *from = row + columns.left * channels + c;
            for (int32_t i = columns.right - columns.left; i > 0; i--, from += channels)
                sum += byte_from(from, flip);
            *sums++ = sum;
        }
    }
}

void tinyml_sum_row(
    const tinyml_pool_layer *layer, const int8_t *row, int32_t *sums, bool is_first
) {
    if (layer->flip) return sum_row(layer, row, sums, is_first, TINYML_UINT8);
    sum_row(layer, row, sums, is_first, TINYML_INT8);
}

void tinyml_average_sums(
    const tinyml_pool_layer *layer, const int32_t *sums, int32_t rows, int8_t *out
) {
    for (int32_t x = 0; x < layer->out_width; x++) {
        span columns = span_of(layer, x);
        int32_t count = rows * (columns.right - columns.left);
        for (int32_t c = 0; c < layer->channels; c++) {
            int32_t mean = average_of(*sums++, count, layer->flip);
            mean = dsp_clamp(mean, layer->output.least, layer->output.most);
            *out++ = byte_to(mean, layer->flip);
        }
    }
}
