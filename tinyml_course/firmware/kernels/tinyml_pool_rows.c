#include "tinyml_pool_rows.h"

#include "tinyml_bytes.h"

typedef void (*pool_row)(const tinyml_pool_layer *layer, const int8_t *const *rows, int8_t *out);

/* What is padded is left out. */
TINYML_DSP void row_of_outputs(
    const tinyml_pool_layer *layer, const int8_t *const *rows, int8_t *out, const bool average
) {
    int32_t channels = layer->channels, left = -layer->pad_left, covered = 0;
    for (int32_t ky = 0; ky < layer->kernel_height; ky++) covered += rows[ky] != 0;
    for (int32_t x = 0; x < layer->out_width; x++, left += layer->stride_width) {
        int32_t end = left + layer->kernel_width, first = left < 0 ? 0 : left;
        end = end > layer->width ? layer->width : end;
        for (int32_t c = 0; c < channels; c++) {
            int32_t value = average ? 0 : INT8_MIN;
            for (int32_t ky = 0; ky < layer->kernel_height; ky++) {
                if (!rows[ky]) continue;
                const int8_t *from = rows[ky] + first * channels + c;
                for (int32_t i = end - first; i > 0; i--, from += channels) {
                    int32_t byte = byte_from(from, layer->flip);
                    value = average ? value + byte : byte > value ? byte : value;
                }
            }
            if (average) value = average_of(value, covered * (end - first), layer->flip);
            value = dsp_clamp(value, layer->output.least, layer->output.most);
            *out++ = byte_to(value, layer->flip);
        }
    }
}

void tinyml_average_pool_row(
    const tinyml_pool_layer *layer, const int8_t *const *rows, int8_t *out
) {
    row_of_outputs(layer, rows, out, true);
}

void tinyml_max_pool_row(const tinyml_pool_layer *layer, const int8_t *const *rows, int8_t *out) {
    row_of_outputs(layer, rows, out, false);
}

/* The layer as if the patch were its map. */
TINYML_DSP void pool_patch(
    const tinyml_pool_layer *layer, const tinyml_map *in, const tinyml_map *out, tinyml_place place,
    pool_row make_row
) {
    tinyml_window down = {layer->kernel_height, layer->stride_height, layer->pad_top};
    tinyml_window across = {layer->kernel_width, layer->stride_width, layer->pad_left};
    tinyml_patch patch = tinyml_patch_of(in, out, down, across, place);
    tinyml_pool_layer part = *layer;
    part.width = patch.width;
    part.out_width = patch.out_width;
    part.pad_left = patch.pad_left;
    int32_t top = -patch.pad_top;
    for (int32_t y = 0; y < patch.out_height; y++, top += layer->stride_height) {
        const int8_t *rows[layer->kernel_height];
        patch_rows(&patch, rows, layer->kernel_height, top);
        make_row(&part, rows, patch_output(&patch, y, 0));
    }
}

void tinyml_average_pool_patch(
    const tinyml_pool_layer *layer, const tinyml_map *in, const tinyml_map *out, tinyml_place place
) {
    pool_patch(layer, in, out, place, tinyml_average_pool_row);
}

void tinyml_max_pool_patch(
    const tinyml_pool_layer *layer, const tinyml_map *in, const tinyml_map *out, tinyml_place place
) {
    pool_patch(layer, in, out, place, tinyml_max_pool_row);
}
