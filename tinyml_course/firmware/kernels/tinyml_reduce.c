#include "tinyml_reduce.h"

#define EACH(i, extent) for (int32_t i = 0; i < (extent); i++)

/* Sum, or maximum, of what one output stands for. */
TINYML_DSP int32_t reduced(const tinyml_reduce_layer *layer, const int8_t *from, const bool mean) {
    const int32_t *extent = layer->reduced, *step = layer->reduced_step;
    int32_t value = mean ? 0 : INT8_MIN;
    EACH(i, extent[0]) EACH(j, extent[1]) EACH(k, extent[2]) {
        const int8_t *x = from + i * step[0] + j * step[1] + k * step[2];
        for (int32_t l = extent[3]; l > 0; l--, x += step[3])
            value = mean ? value + *x - layer->zero_point : *x > value ? *x : value;
    }
    return value;
}

TINYML_DSP void reduce(
    const tinyml_reduce_layer *layer, const int8_t *in, int8_t *out, const bool mean
) {
    const int32_t *extent = layer->kept, *step = layer->kept_step;
    EACH(i, extent[0]) EACH(j, extent[1]) EACH(k, extent[2]) EACH(l, extent[3]) {
        const int8_t *x = in + i * step[0] + j * step[1] + k * step[2] + l * step[3];
        int32_t value = reduced(layer, x, mean);
        *out++ = mean ? any_byte(value, layer->multiplier, layer->shift, layer->output)
                      : (int8_t)value;
    }
}

void tinyml_mean(const tinyml_reduce_layer *layer, const int8_t *const *in, int8_t *out) {
    reduce(layer, in[0], out, true);
}

void tinyml_reduce_max(const tinyml_reduce_layer *layer, const int8_t *const *in, int8_t *out) {
    reduce(layer, in[0], out, false);
}
