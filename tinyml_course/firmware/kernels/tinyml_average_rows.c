#include "tinyml_average_rows.h"

/* Columns of a window that lie in the map. */
typedef struct {
    int32_t left, right;
} span;

static span span_of(const tinyml_pool_layer *layer, int32_t x) {
    int32_t left = x * layer->stride_width - layer->pad_left, right = left + layer->kernel_width;
    return (span){left < 0 ? 0 : left, right > layer->width ? layer->width : right};
}

void tinyml_sum_row(
    const tinyml_pool_layer *layer, const int8_t *row, int32_t *sums, bool is_first
) {
    int32_t channels = layer->channels;
    for (int32_t x = 0; x < layer->out_width; x++) {
        span columns = span_of(layer, x);
        for (int32_t c = 0; c < channels; c++) {
            int32_t sum = is_first ? 0 : *sums;
            const int8_t *from = row + columns.left * channels + c;
            for (int32_t i = columns.right - columns.left; i > 0; i--, from += channels) sum += *from;
            *sums++ = sum;
        }
    }
}

void tinyml_average_sums(
    const tinyml_pool_layer *layer, const int32_t *sums, int32_t rows, int8_t *out
) {
    for (int32_t x = 0; x < layer->out_width; x++) {
        span columns = span_of(layer, x);
        int32_t count = rows * (columns.right - columns.left);
        for (int32_t c = 0; c < layer->channels; c++) {
            int32_t sum = *sums++;
            /* Halves go away from zero. */
            int32_t mean = (sum < 0 ? sum - count / 2 : sum + count / 2) / count;
            *out++ = (int8_t)dsp_clamp(mean, layer->output.least, layer->output.most);
        }
    }
}
