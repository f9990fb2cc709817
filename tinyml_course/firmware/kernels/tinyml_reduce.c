#include "tinyml_reduce.h"

#include "tinyml_bytes.h"

#define EACH(i, extent) for (int32_t i = 0; i < (extent); i++)

/* Sum, or maximum, of what one output stands for. */
TINYML_DSP int32_t reduced(
    const tinyml_reduce_layer *layer, const int8_t *from, const bool mean, const uint8_t flip
) {
    const int32_t *extent = layer->reduced, *step = layer->reduced_step;
    int32_t value = mean ? 0 : INT8_MIN;
    EACH(outer, outer_indices(layer->outer_reduced))
    EACH(i, extent[0]) EACH(j, extent[1]) EACH(k, extent[2]) {
        const int8_t *x = from + outer_offset(layer->outer_reduced, outer, 0);
        x += i * step[0] + j * step[1] + k * step[2];
        for (int32_t l = extent[3]; l > 0; l--, x += step[3]) {
            int32_t byte = byte_from(x, flip);
            value = mean ? value + byte : byte > value ? byte : value;
        }
    }
    return value;
}

TINYML_DSP void reduce(
    const tinyml_reduce_layer *layer, const int8_t *in, int8_t *out, const bool mean,
    const uint8_t flip
) {
    const int32_t *extent = layer->kept, *step = layer->kept_step;
    EACH(outer, outer_indices(layer->outer_kept))
    EACH(i, extent[0]) EACH(j, extent[1]) EACH(k, extent[2]) EACH(l, extent[3]) {
        const int8_t *x = in + outer_offset(layer->outer_kept, outer, 0);
        x += i * step[0] + j * step[1] + k * step[2] + l * step[3];
        int32_t value = reduced(layer, x, mean, flip);
        if (mean)
            value = any_byte(value - layer->offset, layer->multiplier, layer->shift, layer->output);
        *out++ = byte_to(value, flip);
    }
}

void tinyml_mean(const tinyml_reduce_layer *layer, const int8_t *const *in, int8_t *out) {
    reduce(layer, in[0], out, true, TINYML_INT8);
}

void tinyml_reduce_max(const tinyml_reduce_layer *layer, const int8_t *const *in, int8_t *out) {
    reduce(layer, in[0], out, false, TINYML_INT8);
}

void tinyml_mean_uint8(const tinyml_reduce_layer *layer, const int8_t *const *in, int8_t *out) {
    reduce(layer, in[0], out, true, TINYML_UINT8);
}

void tinyml_reduce_max_uint8(const tinyml_reduce_layer *layer, const int8_t *const *in, int8_t *out) {
    reduce(layer, in[0], out, false, TINYML_UINT8);
}
