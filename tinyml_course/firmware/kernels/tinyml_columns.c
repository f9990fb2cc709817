/* The loops of tinyml_columns.h in plain C, where the core has no instructions for them. */
#include "tinyml_columns.h"

#if !TINYML_DSP_NATIVE

void tinyml_prepare_columns(tinyml_columns_job *job) { (void)job; }

void tinyml_multiply_columns(const tinyml_columns_job *job, int8_t *out0, int8_t *out1) {
    const int32_t *constants = job->constants + 2, *end = job->constants_end + 2;
    const int8_t *shifts = job->shifts, *odd = job->odd_weights;
    const uint32_t *w = job->weights;
    tinyml_range range = (tinyml_range)job->output.range;
    for (; constants < end; constants += 4, shifts += 2) {
        const uint32_t *x = job->columns;
        int32_t low0 = constants[0], low1 = low0, raw0 = constants[1], raw1 = raw0;
        for (int32_t pair = job->taps >> 1; pair > 0; pair--, x += 2, w++) {
            uint32_t low = dsp_sxtb16(*w);
            raw0 = dsp_smlad(x[0], *w, raw0);
            raw1 = dsp_smlad(x[1], *w, raw1);
            low0 = dsp_smlad(x[0], low, low0);
            low1 = dsp_smlad(x[1], low, low1);
        }
        if (job->taps & 1) {
            int16_t raw;
            memcpy(&raw, odd, sizeof raw);
            odd += sizeof raw;
            raw0 = dsp_smlabb((uint32_t)raw, *x, raw0);
            raw1 = dsp_smlabt((uint32_t)raw, *x, raw1);
            low0 += (int8_t)raw * dsp_low(*x);
            low1 += (int8_t)raw * dsp_high(*x);
        }
        int32_t high0 = dsp_add(raw0, -low0) >> 7, high1 = dsp_add(raw1, -low1) >> 7;
        int8_t *bytes[2] = {out1, out0};
        int32_t twice[2][2] = {{2 * low1, high1}, {2 * low0, high0}};
        for (int pixel = 0; pixel < 2; pixel++)
            for (int c = 0; c < 2; c++) {
                int32_t n = shifts[c] + 1, offset = job->numerator << shifts[c];
                int32_t y = requantize(twice[pixel][c], constants[2 + c], offset, n, range);
                bytes[pixel][c * job->channel] = to_byte(y, range, job->output);
            }
        out0 += 2 * job->channel;
        out1 += 2 * job->channel;
    }
}

#endif
