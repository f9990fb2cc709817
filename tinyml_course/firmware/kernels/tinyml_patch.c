#include "tinyml_patch.h"

/* What is read along one axis: positions of the map, and of the padding before them. */
typedef struct {
    int32_t start, stop, before;
} reach;

static reach reach_of(tinyml_window window, tinyml_span written, int32_t size) {
    int32_t first = written.start * window.stride - window.before;
    int32_t last = (written.stop - 1) * window.stride - window.before + window.kernel;
    int32_t start = dsp_clamp(first, 0, size);
    return (reach){start, dsp_clamp(last, start, size), start - first};
}

static int32_t pitch_of(const tinyml_map *map, tinyml_place place) {
    if (map->is_whole) return map->width * map->pixel_bytes;
    tinyml_span columns = map->columns[place.column];
    return (columns.stop - columns.start) * map->pixel_bytes;
}

static int8_t *pixel_of(const tinyml_map *map, tinyml_place place, int32_t row, int32_t column) {
    if (!map->is_whole) {
        row -= map->rows[place.row].start;
        column -= map->columns[place.column].start;
    }
    return map->at + row * pitch_of(map, place) + column * map->pixel_bytes;
}

tinyml_patch tinyml_patch_of(
    const tinyml_map *in, const tinyml_map *out, tinyml_window rows, tinyml_window columns,
    tinyml_place place
) {
    tinyml_span down = out->rows[place.row], across = out->columns[place.column];
    tinyml_patch patch = {.in_pixel = in->pixel_bytes, .out_pixel = out->pixel_bytes};
    if (down.start == down.stop || across.start == across.stop) return patch;
    patch.out = pixel_of(out, place, down.start, across.start);
    patch.out_pitch = pitch_of(out, place);
    patch.out_height = down.stop - down.start;
    patch.out_width = across.stop - across.start;
    reach y = reach_of(rows, down, in->height), x = reach_of(columns, across, in->width);
    if (y.start == y.stop || x.start == x.stop) return patch;
    patch.in = pixel_of(in, place, y.start, x.start);
    patch.in_pitch = pitch_of(in, place);
    patch.height = y.stop - y.start;
    patch.width = x.stop - x.start;
    patch.pad_top = y.before;
    patch.pad_left = x.before;
    return patch;
}
