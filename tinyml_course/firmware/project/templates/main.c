/* The network runs once, on an image whose output is known.

   No board support is needed, so there is nothing to print with: look at network_differences with a
   debugger. For a program of your own, write the image to NETWORK_INPUT (or define
   network_take_row, where network.h declares it), call network_run and read NETWORK_OUTPUT. */
#include <string.h>

#include "network.h"
#include "sample.h"

#define NOT_RUN_YET (-1)

/* Bytes of the output that are not what the emulated board computed: 0 is right. */
volatile int32_t network_differences = NOT_RUN_YET;

int main(void) {
#ifdef NETWORK_INPUT
    memcpy(NETWORK_INPUT, sample_image, NETWORK_INPUT_BYTES);
#else
    network_image = sample_image;
#endif
    network_run();
    int32_t differences = 0;
    for (int32_t i = 0; i < NETWORK_OUTPUT_BYTES; i++)
        differences += NETWORK_OUTPUT[i] != sample_output[i];
    network_differences = differences;
    return (int)differences;
}
