/* Weights of fewer than eight bits, packed as mcu/packed_weights.py says, to bytes that have them in
   their top bits. */
#ifndef TINYML_UNPACK_H
#define TINYML_UNPACK_H

#include <stdint.h>

/* `count` weights, rounded up to a multiple of four, to `to`, at a multiple of four. Of the first
   `carried` bytes those at odd places become one less where the byte before is negative: so
   tinyml_conv and tinyml_fully_connected want the weights of two channels (Python: pack_conv). */
void tinyml_unpack_2(const int32_t *packed, int8_t *to, int32_t count, int32_t carried);
void tinyml_unpack_3(const int32_t *packed, int8_t *to, int32_t count, int32_t carried);
void tinyml_unpack_4(const int32_t *packed, int8_t *to, int32_t count, int32_t carried);
void tinyml_unpack_5(const int32_t *packed, int8_t *to, int32_t count, int32_t carried);
void tinyml_unpack_6(const int32_t *packed, int8_t *to, int32_t count, int32_t carried);
void tinyml_unpack_7(const int32_t *packed, int8_t *to, int32_t count, int32_t carried);

#endif
