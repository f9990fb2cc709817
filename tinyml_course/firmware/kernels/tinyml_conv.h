/* CONV_2D: windows of two pixels into columns, the columns times all channels.

   Pixels go in raster order, and both windows of a pair are copied to the scratch before the outputs
   of either are written: an output may lie over what no later pixel reads. The scratch has
   4 K_h K_w C_in bytes at a multiple of four. */
#ifndef TINYML_CONV_H
#define TINYML_CONV_H

#include <stdint.h>

#include "tinyml_requantize.h"

#define TINYML_LARGEST_KERNEL 16 /* rows of a window that is handed over row by row */

typedef struct {
    const int8_t *weights;    /* packed by pack_conv, at a multiple of four */
    const int32_t *constants; /* per two channels: sums to begin with, multipliers */
    const int8_t *shifts;     /* per channel: n - 1 */
    int32_t height, width, channels_in;
    int32_t out_height, out_width, channels_out;
    int32_t kernel_height, kernel_width, stride_height, stride_width;
    int32_t pad_top, pad_left;
    int8_t zero_point; /* of the input, what lies outside of it */
    /* For the plain kernels only; all others have int8 and weights around zero. */
    int8_t weight_zero_point;
    uint8_t flip; /* of every byte of a map: see tinyml_bytes.h */
    tinyml_output output;
} tinyml_conv_layer;

/* A whole map. */
void tinyml_conv(const tinyml_conv_layer *layer, const int8_t *in, int8_t *out, void *scratch);

/* One row of outputs from the rows that it covers; one that is outside of the map is NULL. */
void tinyml_conv_row(
    const tinyml_conv_layer *layer, const int8_t *const *rows, int8_t *out, void *scratch
);

/* The same, written channel by channel: channel c begins at out + c out_width. */
void tinyml_conv_row_planar(
    const tinyml_conv_layer *layer, const int8_t *const *rows, int8_t *out, void *scratch
);

/* 1x1, stride 1: `pixels` of them, of a map or of a row. */
void tinyml_pointwise(
    const tinyml_conv_layer *layer, const int8_t *in, int8_t *out, void *scratch, int32_t pixels
);

/* The same for a row, written channel by channel: channel c begins at out + c pixels. */
void tinyml_pointwise_planar(
    const tinyml_conv_layer *layer, const int8_t *in, int8_t *out, void *scratch, int32_t pixels
);

/* The same for any layer, slowly: weights in the order of the window, of every channel the sum to begin
   with and the multiplier, shifts as TF-Lite has them. */
void tinyml_conv_any(const tinyml_conv_layer *layer, const int8_t *in, int8_t *out, void *scratch);
void tinyml_conv_any_row(
    const tinyml_conv_layer *layer, const int8_t *const *rows, int8_t *out, void *scratch
);
void tinyml_conv_any_row_planar(
    const tinyml_conv_layer *layer, const int8_t *const *rows, int8_t *out, void *scratch
);

/* tinyml_conv and tinyml_conv_any for a depthwise convolution of one channel, called as
   tinyml_depthwise is. */
void tinyml_conv_of_one_channel(
    const tinyml_conv_layer *layer, const int8_t *in, int8_t *out, int8_t *scratch,
    int32_t ring_rows
);
void tinyml_conv_any_of_one_channel(
    const tinyml_conv_layer *layer, const int8_t *in, int8_t *out, int8_t *scratch,
    int32_t ring_rows
);

#endif
