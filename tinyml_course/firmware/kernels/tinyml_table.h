/* Whatever depends on one byte alone: LOGISTIC, HARD_SWISH, RELU, RELU6, QUANTIZE. */
#ifndef TINYML_TABLE_H
#define TINYML_TABLE_H

#include <stdint.h>

typedef struct {
    const int8_t *table; /* 256 outputs, by the input's bits */
    int32_t bytes;
} tinyml_table_layer;

/* `out` may be the input. */
void tinyml_table(const tinyml_table_layer *layer, const int8_t *const *in, int8_t *out);

#endif
