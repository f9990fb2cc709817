/* AVERAGE_POOL_2D and MAX_POOL_2D on one row, or on one patch, of
   int8 or uint8 as the layer says. */
#ifndef TINYML_POOL_ROWS_H
#define TINYML_POOL_ROWS_H

#include "tinyml_patch.h"
#include "tinyml_pool.h"

/* One row of outputs from the rows that it covers; one that lies outside of the map is NULL. */
void tinyml_average_pool_row(
    const tinyml_pool_layer *layer, const int8_t *const *rows, int8_t *out
);
void tinyml_max_pool_row(const tinyml_pool_layer *layer, const int8_t *const *rows, int8_t *out);

void tinyml_average_pool_patch(
    const tinyml_pool_layer *layer, const tinyml_map *in, const tinyml_map *out, tinyml_place place
);
void tinyml_max_pool_patch(
    const tinyml_pool_layer *layer, const tinyml_map *in, const tinyml_map *out, tinyml_place place
);

#endif
