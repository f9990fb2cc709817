/* One image of the test split, and the output that the emulated board computed for it. */
#ifndef SAMPLE_H
#define SAMPLE_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define SAMPLE_CLASS @SAMPLE_CLASS@ /* what the image shows */

extern const int8_t sample_image[@INPUT_BYTES@];
extern const int8_t sample_output[@OUTPUT_BYTES@];

#ifdef __cplusplus
}
#endif

#endif
