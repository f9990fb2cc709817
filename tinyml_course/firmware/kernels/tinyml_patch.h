/* Patches: which part of its maps an operator reads and writes for one of them (MCUNetV2, 3.1). */
#ifndef TINYML_PATCH_H
#define TINYML_PATCH_H

#include <stdbool.h>
#include <stdint.h>

#include "tinyml_dsp.h"

/* Rows or columns: the first, and the first behind. */
typedef struct {
    int16_t start, stop;
} tinyml_span;

/* Where a patch is: so many from the top and from the left. */
typedef struct {
    int32_t row, column;
} tinyml_place;

/* A map of a stage. In the arena lies all of it, or the region that the patch at hand needs, packed. */
typedef struct {
    int8_t *at;
    const tinyml_span *rows, *columns; /* of each patch's region, by its place; 0 for what enters whole */
    int32_t height, width, pixel_bytes;
    bool is_whole;
} tinyml_map;

/* Output i reads inputs i * stride - before and the kernel - 1 behind, along rows or columns. */
typedef struct {
    int32_t kernel, stride, before;
} tinyml_window;

/* One operator on one patch. Nothing to write has out_height 0, nothing to read height 0. */
typedef struct {
    const int8_t *in; /* the first pixel that is read */
    int8_t *out;
    int32_t in_pitch, out_pitch; /* bytes from one row to the next */
    int32_t in_pixel, out_pixel;
    int32_t height, width; /* of what is read */
    int32_t pad_top, pad_left;
    int32_t out_height, out_width;
} tinyml_patch;

tinyml_patch tinyml_patch_of(
    const tinyml_map *in, const tinyml_map *out, tinyml_window rows, tinyml_window columns,
    tinyml_place place
);

TINYML_DSP const int8_t *patch_row(const tinyml_patch *patch, int32_t y) {
    return (uint32_t)y < (uint32_t)patch->height ? patch->in + y * patch->in_pitch : 0;
}

/* The rows under the window of a row of outputs; one that lies outside of the map is NULL. */
TINYML_DSP void patch_rows(
    const tinyml_patch *patch, const int8_t **rows, int32_t kernel, int32_t top
) {
    for (int32_t ky = 0; ky < kernel; ky++) rows[ky] = patch_row(patch, top + ky);
}

/* Of an operator that works pixel by pixel; NULL where it reads a border. */
TINYML_DSP const int8_t *patch_pixel(const tinyml_patch *patch, int32_t y, int32_t x) {
    const int8_t *row = patch_row(patch, y - patch->pad_top);
    x -= patch->pad_left;
    return row && (uint32_t)x < (uint32_t)patch->width ? row + x * patch->in_pixel : 0;
}

TINYML_DSP int8_t *patch_output(const tinyml_patch *patch, int32_t y, int32_t x) {
    return patch->out + y * patch->out_pitch + x * patch->out_pixel;
}

#endif
