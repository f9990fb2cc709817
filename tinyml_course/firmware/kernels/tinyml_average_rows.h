/* AVERAGE_POOL_2D over all rows of a map that is never whole: row by row into sums. */
#ifndef TINYML_AVERAGE_ROWS_H
#define TINYML_AVERAGE_ROWS_H

#include "tinyml_pool.h"

/* Add a row; the first one begins. `sums` has out_width times channels numbers. */
void tinyml_sum_row(
    const tinyml_pool_layer *layer, const int8_t *row, int32_t *sums, bool is_first
);

/* The averages of so many rows. */
void tinyml_average_sums(
    const tinyml_pool_layer *layer, const int32_t *sums, int32_t rows, int8_t *out
);

#endif
