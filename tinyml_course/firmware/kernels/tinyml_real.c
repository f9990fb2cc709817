#include "tinyml_real.h"

#include "tinyml_dsp.h"

#define FAR 1024.0f /* beyond all bytes, whatever the zero point */

/* To the nearest integer, halves away from zero; the remainder is exact. */
static int32_t rounded(float x) {
    if (x > FAR) x = FAR;
    if (x < -FAR) x = -FAR;
    int32_t towards_zero = (int32_t)x;
    float rest = x - (float)towards_zero;
    return towards_zero + (rest >= 0.5f) - (rest <= -0.5f);
}

void tinyml_quantize(const tinyml_real_layer *layer, const int8_t *const *in, int8_t *out) {
    const int8_t *from = in[0];
    for (int32_t i = 0; i < layer->count; i++, from += sizeof(float)) {
        float x;
        memcpy(&x, from, sizeof x);
        int32_t value = rounded(x / layer->scale) + layer->zero_point;
        out[i] = (int8_t)dsp_clamp(value, layer->least, layer->most);
    }
}

/* scale (x - zero point), rounded once: the difference has nine bits. */
static void put_real(const tinyml_real_layer *layer, int32_t x, int8_t *out) {
    float value = layer->scale * (float)(x - layer->zero_point);
    memcpy(out, &value, sizeof value);
}

void tinyml_dequantize(const tinyml_real_layer *layer, const int8_t *const *in, int8_t *out) {
    for (int32_t i = 0; i < layer->count; i++, out += sizeof(float)) put_real(layer, in[0][i], out);
}

void tinyml_dequantize_uint8(const tinyml_real_layer *layer, const int8_t *const *in, int8_t *out) {
    for (int32_t i = 0; i < layer->count; i++, out += sizeof(float))
        put_real(layer, (uint8_t)in[0][i], out);
}
