/* uint8 networks run as their int8 twins: every byte and every zero point less 128. That is the top bit
   of a byte flipped, when it is read and when it is written; differences from the zero point are the
   same, and so is all that is computed from them. */
#ifndef TINYML_BYTES_H
#define TINYML_BYTES_H

#include "tinyml_dsp.h"

#define TINYML_INT8 0
#define TINYML_UINT8 0x80 /* what is flipped */

TINYML_DSP int32_t byte_from(const int8_t *from, uint8_t flip) { return (int8_t)(*from ^ flip); }
TINYML_DSP int8_t byte_to(int32_t value, uint8_t flip) { return (int8_t)(value ^ flip); }

/* Of as many words as four bytes. */
TINYML_DSP uint32_t flip_of_four(uint8_t flip) { return flip * 0x01010101u; }

#endif
