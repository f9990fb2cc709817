#include "tinyml_depthwise_patch.h"

void tinyml_depthwise_patch(
    const tinyml_depthwise_layer *layer, const tinyml_map *in, const tinyml_map *out,
    tinyml_place place, int8_t *scratch
) {
    int32_t kernel = layer->kernel_height;
    tinyml_window down = {kernel, layer->stride_height, layer->pad_top};
    tinyml_window across = {layer->kernel_width, layer->stride_width, layer->pad_left};
    tinyml_patch patch = tinyml_patch_of(in, out, down, across, place);
    if (!patch.out_height) return;
    tinyml_depthwise_layer part = *layer;
    part.height = patch.height;
    part.width = patch.width;
    part.out_height = patch.out_height;
    part.out_width = patch.out_width;
    part.pad_top = patch.pad_top;
    part.pad_left = patch.pad_left;
    int32_t covered = (part.out_width - 1) * part.stride_width + part.kernel_width;
    if (layer->padding_columns) part.padding_columns = covered - part.width;
    /* In place, an output row lies over input rows that the ring has; else the ring must hold all. */
    bool keeps_up = part.out_width <= part.width && part.pad_top < kernel;
    bool in_place = part.channels_in == part.channels_out;
    int32_t ring_rows = kernel < part.height && (keeps_up || !in_place) ? kernel : part.height;
    tinyml_pitches pitches = {patch.in_pitch, patch.out_pitch};
    tinyml_depthwise_region(&part, patch.in, patch.out, pitches, scratch, ring_rows);
}

void tinyml_depthwise_row_of_pixels(
    const tinyml_depthwise_layer *layer, const int8_t *const *rows, int8_t *out, int8_t *scratch
) {
    int32_t size = layer->kernel_height, width = layer->width, channels = layer->channels_in;
    int32_t padding = layer->padding_columns, pitch = width + padding;
    int32_t left = padding ? layer->pad_left : 0, multiplier = layer->channels_out / channels;
    const int8_t *planar[size];
    int8_t *behind = scratch;
    for (int32_t ky = 0; ky < size; ky++) {
        planar[ky] = rows[ky] ? behind : layer->outside;
        if (rows[ky]) behind += pitch;
    }
    if (padding) memset(scratch, layer->zero_point, (size_t)(behind - scratch));
    tinyml_depthwise_state state;
    layer->kernel->begin(layer, &state);
    for (int32_t channel = 0; channel < layer->channels_out; channel++) {
        if (channel % multiplier == 0) {
            int8_t *to = scratch + left;
            for (int32_t ky = 0; ky < size; ky++) {
                if (!rows[ky]) continue;
                tinyml_gather_row(to, rows[ky] + channel / multiplier, width, channels);
                to += pitch;
            }
        }
        layer->kernel->prepare(layer, channel, &state);
        layer->kernel->row(&state, planar, out + channel);
    }
}
