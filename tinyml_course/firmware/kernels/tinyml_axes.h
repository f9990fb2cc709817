/* Axes beyond four: a kernel's four loops are run for each index of the others. */
#ifndef TINYML_AXES_H
#define TINYML_AXES_H

#include "tinyml_dsp.h"

typedef struct {
    int32_t extent, step[2];
} tinyml_axis;

typedef struct {
    const tinyml_axis *axes; /* outermost first */
    int32_t count;
} tinyml_outer;

TINYML_DSP int32_t outer_indices(tinyml_outer outer) {
    int32_t indices = 1;
    for (int32_t i = 0; i < outer.count; i++) indices *= outer.axes[i].extent;
    return indices;
}

/* Where the four loops of an index begin, along either of two. */
TINYML_DSP int32_t outer_offset(tinyml_outer outer, int32_t index, int32_t which) {
    int32_t offset = 0;
    for (int32_t i = outer.count - 1; i >= 0; i--) {
        int32_t extent = outer.axes[i].extent;
        offset += index % extent * outer.axes[i].step[which];
        index /= extent;
    }
    return offset;
}

#endif
