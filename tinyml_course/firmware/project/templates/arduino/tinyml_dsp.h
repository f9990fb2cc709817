/* The DSP instructions, for compilers of Arduino cores: arm_acle.h has them since GCC 10. Older ones
   get plain C with the same results, which is slower. */
#ifndef TINYML_DSP_ARDUINO_H
#define TINYML_DSP_ARDUINO_H

#if defined(__GNUC__) && !defined(__clang__) && __GNUC__ < 10 && !defined(TINYML_DSP_PORTABLE)
#define TINYML_DSP_PORTABLE
#endif

#include "tinyml_dsp_instructions.h"

#endif
