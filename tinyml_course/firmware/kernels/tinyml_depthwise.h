/* DEPTHWISE_CONV_2D: planar rows of one channel, four outputs of a row at a time. */
#ifndef TINYML_DEPTHWISE_H
#define TINYML_DEPTHWISE_H

#include <stdint.h>

#include "tinyml_requantize.h"

typedef struct tinyml_depthwise_layer tinyml_depthwise_layer;

/* What a kernel knows of the channel that it works on. */
typedef struct {
    uint32_t words[48];
    void *aligned[2]; /* as pointers are */
} tinyml_depthwise_state;

/* `begin` writes into the state what is the same for all channels, `prepare` the rest; `row` makes one
   channel of a row of outputs from planar rows, none of them NULL. */
typedef struct {
    void (*begin)(const tinyml_depthwise_layer *layer, tinyml_depthwise_state *state);
    void (*prepare)(
        const tinyml_depthwise_layer *layer, int32_t channel, tinyml_depthwise_state *state
    );
    void (*row)(tinyml_depthwise_state *state, const int8_t *const *rows, int8_t *out);
} tinyml_depthwise_kernel;

struct tinyml_depthwise_layer {
    const int8_t *weights;    /* channel by channel, as the kernel wants them */
    const int32_t *constants; /* per channel: sum to begin with, multiplier */
    const int8_t *shifts;     /* per channel: n - 1; for the kernel of any layer TF-Lite's shift */
    /* A row of the input's zero point, with the padding columns; for the kernel of any layer, which
       does not read it, an address that no row has. */
    const int8_t *outside;
    const tinyml_depthwise_kernel *kernel;
    int32_t height, width, channels_in;
    int32_t out_height, out_width, channels_out;
    int32_t kernel_height, kernel_width, stride_height, stride_width;
    int32_t pad_top, pad_left;
    int32_t padding_columns; /* on both sides, that the kernel wants in its rows */
    int8_t zero_point;
    /* For the kernel of any layer only; all others have int8 and weights around zero. */
    int8_t weight_zero_point;
    uint8_t flip; /* of every byte of a map: see tinyml_bytes.h */
    tinyml_output output;
};

/* Window 3x3, stride 1, a column of padding on each side, maps at least four wide: rows without
   padding columns, weights w00 w01 w10 w11 w02 w20 w12 w22 w21. For each range of outputs. */
extern const tinyml_depthwise_kernel tinyml_depthwise_3x3, tinyml_depthwise_3x3_unsigned;
extern const tinyml_depthwise_kernel tinyml_depthwise_3x3_clamped;

/* Rows with their padding columns, at least four outputs wide, weights two rows by two (Python:
   tap_order), the last row by itself. */
extern const tinyml_depthwise_kernel tinyml_depthwise_3x3_padded; /* where not each side has a column */

/* The same for each range of outputs. */
extern const tinyml_depthwise_kernel tinyml_depthwise_3x3_stride2;
extern const tinyml_depthwise_kernel tinyml_depthwise_3x3_stride2_unsigned;
extern const tinyml_depthwise_kernel tinyml_depthwise_3x3_stride2_clamped;
extern const tinyml_depthwise_kernel tinyml_depthwise_5x5_stride2;
extern const tinyml_depthwise_kernel tinyml_depthwise_5x5_stride2_unsigned;
extern const tinyml_depthwise_kernel tinyml_depthwise_5x5_stride2_clamped;
extern const tinyml_depthwise_kernel tinyml_depthwise_7x7_stride2;
extern const tinyml_depthwise_kernel tinyml_depthwise_7x7_stride2_unsigned;
extern const tinyml_depthwise_kernel tinyml_depthwise_7x7_stride2_clamped;
extern const tinyml_depthwise_kernel tinyml_depthwise_5x5, tinyml_depthwise_5x5_unsigned;
extern const tinyml_depthwise_kernel tinyml_depthwise_5x5_clamped;
extern const tinyml_depthwise_kernel tinyml_depthwise_7x7, tinyml_depthwise_7x7_unsigned;
extern const tinyml_depthwise_kernel tinyml_depthwise_7x7_clamped;

/* Any layer, slowly: rows without padding columns, weights row by row, the bias in place of the sum to
   begin with. */
extern const tinyml_depthwise_kernel tinyml_depthwise_any;

/* A whole map, channel by channel; `out` may be `in` where both have as many channels. The scratch
   holds `ring_rows` rows of one channel with their padding columns. */
void tinyml_depthwise(
    const tinyml_depthwise_layer *layer, const int8_t *in, int8_t *out, int8_t *scratch,
    int32_t ring_rows
);

/* A whole narrow map, four channels at a time, of which there is a multiple: weights tap by tap of
   every four, the bias in place of the sum to begin with. The ring is on the stack, eight bytes for
   each of its pixels. */
void tinyml_depthwise_narrow(
    const tinyml_depthwise_layer *layer, const int8_t *in, int8_t *out, int8_t *scratch,
    int32_t ring_rows
);

/* The same for a region of larger maps, whose rows are so many bytes apart. */
typedef struct {
    int32_t in, out;
} tinyml_pitches;

void tinyml_depthwise_region(
    const tinyml_depthwise_layer *layer, const int8_t *in, int8_t *out, tinyml_pitches map,
    int8_t *scratch, int32_t ring_rows
);

/* One channel of a row of pixels, side by side. */
void tinyml_gather_row(int8_t *to, const int8_t *from, int32_t pixels, int32_t channels);

/* The same for windows 3x3, padding columns and a row outside of the map in the ring: four bytes for
   each pixel. The weights of four channels are nine words: column by column of rows 0 and 1, then
   columns 0 and 1 of row 2, of channels 0 and 1 and of 2 and 3; the last corner of all. */
void tinyml_depthwise_four(
    const tinyml_depthwise_layer *layer, const int8_t *in, int8_t *out, int8_t *scratch,
    int32_t ring_rows
);

/* One row of its outputs from rows of pixels; one that lies outside of the map is NULL. So that no row
   begins with work on weights, `constants` is what tinyml_depthwise_four.c prepares for each four
   channels (Python: prepared_fours). */
void tinyml_depthwise_four_row(
    const tinyml_depthwise_layer *layer, const int8_t *const *rows, int8_t *out
);

/* One row of outputs, pixel by pixel, from the rows that it covers, each planar without padding
   columns: channel c begins at c times the width. A row outside of the map is NULL. Kernels that
   want padding columns get them on the stack: kernel_height times the padded width, in bytes. */
void tinyml_depthwise_row(
    const tinyml_depthwise_layer *layer, const int8_t *const *rows, int8_t *out
);

/* A row of pixels, channel by channel, elsewhere: what tinyml_depthwise_row reads. */
void tinyml_planar_row(const int8_t *in, int8_t *out, int32_t pixels, int32_t channels);

#endif
