#include "tinyml_conv_patch.h"

typedef void (*conv_row)(
    const tinyml_conv_layer *layer, const int8_t *const *rows, int8_t *out, void *scratch
);

static tinyml_patch patch_of(
    const tinyml_conv_layer *layer, const tinyml_map *in, const tinyml_map *out, tinyml_place place
) {
    tinyml_window rows = {layer->kernel_height, layer->stride_height, layer->pad_top};
    tinyml_window columns = {layer->kernel_width, layer->stride_width, layer->pad_left};
    return tinyml_patch_of(in, out, rows, columns, place);
}

/* The layer as if the patch were its map. */
TINYML_DSP void conv_patch(
    const tinyml_conv_layer *layer, const tinyml_map *in, const tinyml_map *out, tinyml_place place,
    void *scratch, conv_row make_row
) {
    tinyml_patch patch = patch_of(layer, in, out, place);
    tinyml_conv_layer part = *layer;
    part.width = patch.width;
    part.out_width = patch.out_width;
    part.pad_left = patch.pad_left;
    int32_t top = -patch.pad_top;
    for (int32_t y = 0; y < patch.out_height; y++, top += layer->stride_height) {
        const int8_t *rows[layer->kernel_height];
        patch_rows(&patch, rows, layer->kernel_height, top);
        make_row(&part, rows, patch_output(&patch, y, 0), scratch);
    }
}

void tinyml_conv_patch(
    const tinyml_conv_layer *layer, const tinyml_map *in, const tinyml_map *out, tinyml_place place,
    void *scratch
) {
    conv_patch(layer, in, out, place, scratch, tinyml_conv_row);
}

void tinyml_conv_any_patch(
    const tinyml_conv_layer *layer, const tinyml_map *in, const tinyml_map *out, tinyml_place place,
    void *scratch
) {
    conv_patch(layer, in, out, place, scratch, tinyml_conv_any_row);
}

void tinyml_pointwise_patch(
    const tinyml_conv_layer *layer, const tinyml_map *in, const tinyml_map *out, tinyml_place place,
    void *scratch
) {
    tinyml_patch patch = patch_of(layer, in, out, place);
    int32_t rows = patch.out_height, pixels = patch.out_width;
    bool packed = patch.in_pitch == pixels * patch.in_pixel;
    if (packed && patch.out_pitch == pixels * patch.out_pixel) pixels *= rows, rows = rows > 0;
    for (int32_t y = 0; y < rows; y++)
        tinyml_pointwise(layer, patch_row(&patch, y), patch_output(&patch, y, 0), scratch, pixels);
}
