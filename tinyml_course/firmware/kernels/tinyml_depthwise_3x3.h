/* Depthwise 3x3, stride 1: four columns of three rows go in, four outputs come out.

   Row 0 and row 1 are one operand of SMLAD per column, put together by PKHBT and PKHTB before the
   signs are extended; row 2 goes in as columns 1 and 3, and 2 and 4. Each column is added at once to
   all three outputs that see it, so that only two unfinished sums pass from four columns to the
   next. Of the padding columns the left one is in the sum that the first output begins with, the
   right one is shifted into the last word of each row. */
#ifndef TINYML_DEPTHWISE_3X3_H
#define TINYML_DEPTHWISE_3X3_H

#include "tinyml_depthwise.h"

/* In the order in which LDM takes it. Weights and sums are doubled. */
typedef struct {
    const int8_t *ends[3];  /* behind the rows, less 3 */
    uint32_t edges, middle; /* of the third kernel row: taps 0 and 2, tap 1 */
    int32_t sum;
    uint32_t left, centre, right; /* of the other two: their taps 0, 1, 2 */
    int32_t multiplier, offset, n; /* n - 1 */
    int8_t *out;            /* of the last pixel, less three pixels */
    int32_t pixel;          /* bytes from one to the next */
    int32_t first_sum;      /* with the left padding column in it */
    int32_t column;         /* 3 - width */
    uint32_t outside, keep; /* the zero point, four times; bits of the last word that are none of it */
    tinyml_cap cap;
    tinyml_output output;
    int32_t numerator;
    uint32_t pair_outside; /* the zero point, twice */
} tinyml_3x3;

/* One row of one channel, for each range of outputs. */
void tinyml_3x3_signed(const tinyml_3x3 *state);
void tinyml_3x3_unsigned(const tinyml_3x3 *state);
void tinyml_3x3_capped(const tinyml_3x3 *state);

#endif
