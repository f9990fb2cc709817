/* Two pixels by all output channels: the inner loops of every convolution.

   A column is the window of one pixel as 16-bit numbers. Two of them lie interleaved, a pair of taps
   of the one beside the same pair of the other; of an odd tap at the end, one word holds both.

   A weight word holds a pair of taps of two channels: bytes low(t) high(t) low(t+1) high(t+1). As it
   is, its half-words are 256 high + low, if a borrow for negative lows is taken from the highs
   beforehand (Python: pack_conv). So SMLAD with the raw word sums 256 high + low, SMLAD with the sign
   extended low bytes sums low, and the difference is 256 times the other channel, exact while that
   stays below 2^23 (pack_conv sees to it). One SXTB16 in place of two for four weights. */
#ifndef TINYML_COLUMNS_H
#define TINYML_COLUMNS_H

#include <stdint.h>

#include "tinyml_requantize.h"

/* What the loops need to know, the same for all pairs of pixels. The order is that of the offsets in
   tinyml_columns_dsp.c; what is named `to_...` is the address of code there. */
typedef struct {
    const uint32_t *columns;
    const void *columns_end;                        /* behind the last eight taps */
    const void *to_first, *to_groups, *to_next, *to_finish, *to_bytes;
    int32_t numerator;                              /* 2 z + 1 */
    const int32_t *constants_end;                   /* behind the pairs of channels, less 8 bytes */
    const int32_t *constants;                       /* less 8 bytes */
    const int8_t *shifts;                           /* n - 1 */
    const int8_t *odd_weights;                      /* odd taps, behind the words of all channels */
    int8_t *out0, *out1;                            /* filled in for each pair of pixels */
    tinyml_cap cap;
    int32_t channel;                                /* bytes from one to the next */
    const uint32_t *weights;
    int32_t taps;
    tinyml_output output;
} tinyml_columns_job;

/* Fills in the addresses of code, from everything else. */
void tinyml_prepare_columns(tinyml_columns_job *job);

/* All channels but the last of an odd number. Out1 is out0 where there is one pixel only. */
void tinyml_multiply_columns(const tinyml_columns_job *job, int8_t *out0, int8_t *out1);

#endif
