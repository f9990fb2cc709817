/* DEPTHWISE_CONV_2D on one patch, and on rows that lie pixel by pixel. */
#ifndef TINYML_DEPTHWISE_PATCH_H
#define TINYML_DEPTHWISE_PATCH_H

#include "tinyml_depthwise.h"
#include "tinyml_patch.h"

/* Channel by channel; `out` may be `in` where both have as many channels. The scratch is that of
   tinyml_depthwise on a map as large as the region that is read. A layer whose kernel wants padding
   columns has some; how many there are depends on the patch. */
void tinyml_depthwise_patch(
    const tinyml_depthwise_layer *layer, const tinyml_map *in, const tinyml_map *out,
    tinyml_place place, int8_t *scratch
);

/* One row of outputs from the rows that it covers; one that lies outside of the map is NULL. The
   scratch holds the others of one channel, with their padding columns. */
void tinyml_depthwise_row_of_pixels(
    const tinyml_depthwise_layer *layer, const int8_t *const *rows, int8_t *out, int8_t *scratch
);

#endif
