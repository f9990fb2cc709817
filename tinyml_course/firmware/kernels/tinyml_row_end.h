/* The last pixel of a row with an odd number of them: one column by four output channels at a time.

   tinyml_multiply_columns would take half as long again for it, as it multiplies two columns. */
#ifndef TINYML_ROW_END_H
#define TINYML_ROW_END_H

#include "tinyml_columns.h"

/* All channels but the last of an odd number, of the first of the two columns. */
void tinyml_multiply_column(const tinyml_columns_job *job, int8_t *out);

#endif
