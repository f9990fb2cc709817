/* CONV_2D on one patch, row by row; weights are those of the whole map. */
#ifndef TINYML_CONV_PATCH_H
#define TINYML_CONV_PATCH_H

#include "tinyml_conv.h"
#include "tinyml_patch.h"

/* As tinyml_conv, tinyml_pointwise and tinyml_conv_any. */
void tinyml_conv_patch(
    const tinyml_conv_layer *layer, const tinyml_map *in, const tinyml_map *out, tinyml_place place,
    void *scratch
);
void tinyml_pointwise_patch(
    const tinyml_conv_layer *layer, const tinyml_map *in, const tinyml_map *out, tinyml_place place,
    void *scratch
);
void tinyml_conv_any_patch(
    const tinyml_conv_layer *layer, const tinyml_map *in, const tinyml_map *out, tinyml_place place,
    void *scratch
);

#endif
