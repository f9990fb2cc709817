/* QUANTIZE of float32 and DEQUANTIZE, in single precision. Nothing need be at a multiple of four. */
#ifndef TINYML_REAL_H
#define TINYML_REAL_H

#include <stdint.h>

typedef struct {
    float scale;
    int32_t zero_point, least, most; /* of the bytes, int8 or uint8 */
    int32_t count;
} tinyml_real_layer;

void tinyml_quantize(const tinyml_real_layer *layer, const int8_t *const *in, int8_t *out);
void tinyml_dequantize(const tinyml_real_layer *layer, const int8_t *const *in, int8_t *out);
void tinyml_dequantize_uint8(const tinyml_real_layer *layer, const int8_t *const *in, int8_t *out);

#endif
