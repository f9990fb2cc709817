/* ADD and MUL, byte by byte in the order of the output, which may lie over an input of its size. */
#ifndef TINYML_ELEMENTWISE_H
#define TINYML_ELEMENTWISE_H

#include <stdint.h>

#include "tinyml_requantize.h"

typedef struct {
    int32_t extent[4];         /* of the output */
    int32_t step[2][4];        /* of each operand along it; 0 where it is repeated */
    int8_t zero_point[2];
    int32_t multiplier[3], shift[3]; /* ADD: of both operands and of the sum; MUL: the first only */
    tinyml_output output;
} tinyml_elementwise_layer;

void tinyml_add(const tinyml_elementwise_layer *layer, const int8_t *const *in, int8_t *out);
void tinyml_mul(const tinyml_elementwise_layer *layer, const int8_t *const *in, int8_t *out);

#endif
