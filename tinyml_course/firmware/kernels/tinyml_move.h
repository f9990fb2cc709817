/* Bytes that change place: PAD, TRANSPOSE, CONCATENATION, STRIDED_SLICE, RESIZE_NEAREST_NEIGHBOR. */
#ifndef TINYML_MOVE_H
#define TINYML_MOVE_H

#include <stdint.h>

#include "tinyml_axes.h"

/* A box of bytes: where it begins in the input and in the output, and the steps along its axes. */
typedef struct {
    tinyml_outer outer;
    int32_t extent[4], from[4], to[4];
    int32_t from_start, to_start;
} tinyml_box;

typedef struct {
    const tinyml_box *boxes; /* one for each input */
    int32_t count;
    int32_t filled_bytes; /* of the output, to begin with */
    int8_t fill;
} tinyml_move_layer;

void tinyml_move(const tinyml_move_layer *layer, const int8_t *const *in, int8_t *out);

typedef struct {
    const int32_t *rows, *columns; /* of the input, for each of the output */
    int32_t width, channels, out_height, out_width;
} tinyml_resize_layer;

void tinyml_resize(const tinyml_resize_layer *layer, const int8_t *const *in, int8_t *out);

#endif
