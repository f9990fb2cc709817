#include "tinyml_row_end.h"

/* Sums of two channels: of the raw words, 256 high + low, and of the low channel. */
typedef struct {
    int32_t raw, low;
} sums;

TINYML_DSP void add_taps(sums *s, uint32_t column, uint32_t weights) {
    s->raw = dsp_smlad(column, weights, s->raw);
    s->low = dsp_smlad(column, dsp_sxtb16(weights), s->low);
}

/* Four taps of two pairs of channels; all three addresses move on. */
TINYML_DSP void add_four_taps(
    sums *s, sums *t, const uint32_t **column, const uint32_t **weights, const uint32_t **other
) {
#if TINYML_DSP_NATIVE
    uint32_t x0, x1, w0, w1;
#define TAPS(x, w, sums) \
    "smlad %[raw" sums "], " x ", " w ", %[raw" sums "]\n\t" \
    "sxtb16 " w ", " w "\n\t" \
    "smlad %[low" sums "], " x ", " w ", %[low" sums "]\n\t"
    /* The compiler makes four loads of the weights, not two. */
    __asm volatile("ldr %[x0], [%[column]], #8\n\t"
                   "ldr %[x1], [%[column]], #8\n\t"
                   "ldrd %[w0], %[w1], [%[weights]], #8\n\t" TAPS("%[x0]", "%[w0]", "0")
                       TAPS("%[x1]", "%[w1]", "0")
                   "ldrd %[w0], %[w1], [%[other]], #8\n\t" TAPS("%[x0]", "%[w0]", "1")
                       TAPS("%[x1]", "%[w1]", "1")
                   : [x0] "=&r"(x0), [x1] "=&r"(x1), [w0] "=&r"(w0), [w1] "=&r"(w1),
                     [raw0] "+r"(s->raw), [low0] "+r"(s->low), [raw1] "+r"(t->raw),
                     [low1] "+r"(t->low), [column] "+r"(*column), [weights] "+r"(*weights),
                     [other] "+r"(*other)
                   :
                   : "memory");
#else
    for (int i = 0; i < 2; i++, *column += 2) {
        add_taps(s, **column, *(*weights)++);
        add_taps(t, **column, *(*other)++);
    }
#endif
}

TINYML_DSP void add_odd_tap(sums *s, uint32_t column, const int8_t *weights) {
    int16_t raw;
    memcpy(&raw, weights, sizeof raw);
    s->raw = dsp_smlabb((uint32_t)raw, column, s->raw);
    s->low += (int8_t)raw * dsp_low(column);
}

/* The bytes of two channels, of which `constants` and `shifts` are. */
TINYML_DSP void finish(
    const tinyml_columns_job *job, sums s, const int32_t *constants, const int8_t *shifts,
    int8_t *out, const tinyml_range range
) {
    int32_t twice[] = {2 * s.low, dsp_add(s.raw, -s.low) >> 7};
    for (int c = 0; c < 2; c++, out += job->channel) {
        int32_t offset = job->numerator << shifts[c];
        int32_t y = requantize(twice[c], constants[2 + c], offset, shifts[c] + 1, range);
        *out = to_byte(y, range, job->output);
    }
}

/* Two pairs of channels. */
TINYML_DSP void multiply_four(
    const tinyml_columns_job *job, const int32_t *constants, const int8_t *shifts,
    const uint32_t *weights, const int8_t *odd, int8_t *out, const tinyml_range range
) {
    int32_t words = job->taps >> 1;
    const uint32_t *column = job->columns, *other = weights + words;
    sums one = {constants[1], constants[0]}, two = {constants[5], constants[4]};
    _Pragma("clang loop unroll_count(4)") for (int32_t i = words >> 1; i > 0; i--)
        add_four_taps(&one, &two, &column, &weights, &other);
    if (words & 1) {
        add_taps(&one, *column, *weights);
        add_taps(&two, *column, *other);
        column += 2;
    }
    if (job->taps & 1) {
        add_odd_tap(&one, *column, odd);
        add_odd_tap(&two, *column, odd + 2);
    }
    finish(job, one, constants, shifts, out, range);
    finish(job, two, constants + 4, shifts + 2, out + 2 * job->channel, range);
}

/* The last pair, where their number is odd. */
TINYML_DSP void multiply_two(
    const tinyml_columns_job *job, const int32_t *constants, const int8_t *shifts,
    const uint32_t *weights, const int8_t *odd, int8_t *out, const tinyml_range range
) {
    const uint32_t *column = job->columns;
    sums s = {constants[1], constants[0]};
    _Pragma("clang loop unroll(disable)") for (int32_t i = job->taps >> 1; i > 0; i--, column += 2)
        add_taps(&s, *column, *weights++);
    if (job->taps & 1) add_odd_tap(&s, *column, odd);
    finish(job, s, constants, shifts, out, range);
}

TINYML_DSP void multiply(const tinyml_columns_job *job, int8_t *out, const tinyml_range range) {
    const int32_t *constants = job->constants + 2, *end = job->constants_end + 2;
    const int8_t *shifts = job->shifts, *odd = job->odd_weights;
    const uint32_t *weights = job->weights;
    int32_t words = job->taps & ~1; /* of two pairs */
    for (; constants + 4 < end; constants += 8, shifts += 4, odd += 4, weights += words) {
        multiply_four(job, constants, shifts, weights, odd, out, range);
        out += 4 * job->channel;
    }
    if (constants < end) multiply_two(job, constants, shifts, weights, odd, out, range);
}

void tinyml_multiply_column(const tinyml_columns_job *job, int8_t *out) {
    tinyml_range range = (tinyml_range)job->output.range;
    if (range == TINYML_SIGNED) return multiply(job, out, TINYML_SIGNED);
    if (range == TINYML_UNSIGNED) return multiply(job, out, TINYML_UNSIGNED);
    multiply(job, out, TINYML_CLAMPED);
}
