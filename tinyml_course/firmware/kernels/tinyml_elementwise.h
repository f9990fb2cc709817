/* ADD and MUL, byte by byte in the order of the output, which may lie over an input of its size. */
#ifndef TINYML_ELEMENTWISE_H
#define TINYML_ELEMENTWISE_H

#include <stdint.h>

#include "tinyml_axes.h"
#include "tinyml_requantize.h"

typedef struct {
    tinyml_outer outer;
    int32_t extent[4];         /* of the output */
    int32_t step[2][4];        /* of each operand along it; 0 where it is repeated */
    int8_t zero_point[2];
    bool quick; /* whether `requantize` holds for the result */
    int32_t multiplier[3], shift[3]; /* ADD: of both operands and of the sum; MUL: the first only */
    tinyml_output output;
} tinyml_elementwise_layer;

void tinyml_add(const tinyml_elementwise_layer *layer, const int8_t *const *in, int8_t *out);
void tinyml_mul(const tinyml_elementwise_layer *layer, const int8_t *const *in, int8_t *out);
void tinyml_add_uint8(const tinyml_elementwise_layer *layer, const int8_t *const *in, int8_t *out);
void tinyml_mul_uint8(const tinyml_elementwise_layer *layer, const int8_t *const *in, int8_t *out);

/* The last multiplier, ready for `requantize`. */
typedef struct {
    int32_t multiplier, shift, offset, n;
    tinyml_output output;
} tinyml_scaling;

TINYML_DSP tinyml_scaling scaling_of(const tinyml_elementwise_layer *layer, int32_t which) {
    int32_t shift = layer->shift[which], n = -shift;
    int32_t offset = layer->quick ? (2 * layer->output.zero_point + 1) * (1 << (n - 1)) : 0;
    return (tinyml_scaling){layer->multiplier[which], shift, offset, n, layer->output};
}

TINYML_DSP int32_t scaled(tinyml_scaling s, int32_t value, const bool quick) {
    if (!quick) return any_byte(value, s.multiplier, s.shift, s.output);
    int32_t y = requantize(2 * value, s.multiplier, s.offset, s.n, TINYML_SIGNED);
    return dsp_clamp(y, s.output.least, s.output.most);
}

/* `EACH_RUN(layer, in, x, y) run` runs for each row of the output, x and y being where the operands'
   begin. */
#define EACH_RUN(layer, in, x, y)                                                                   \
    for (int32_t outer_ = 0; outer_ < outer_indices((layer)->outer); outer_++)                      \
        for (int32_t i_ = 0; i_ < (layer)->extent[0]; i_++)                                         \
            for (int32_t j_ = 0; j_ < (layer)->extent[1]; j_++)                                     \
                for (int32_t k_ = 0; k_ < (layer)->extent[2]; k_++)                                 \
                    for (const int8_t *x = run_of(layer, in, 0, outer_, i_, j_, k_),                \
                                      *y = run_of(layer, in, 1, outer_, i_, j_, k_);                \
                         x; x = 0)

TINYML_DSP const int8_t *run_of(
    const tinyml_elementwise_layer *layer, const int8_t *const *in, int32_t operand, int32_t outer,
    int32_t i, int32_t j, int32_t k
) {
    const int32_t *step = layer->step[operand];
    int32_t offset = outer_offset(layer->outer, outer, operand);
    return in[operand] + offset + i * step[0] + j * step[1] + k * step[2];
}

#endif
