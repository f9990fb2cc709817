/* The logarithm is TF-Lite's: log_x_for_x_greater_than_or_equal_to_1_impl in
   kernels/internal/common.h. The input is a power of two times a rest near 1, in two ways of which the
   better one is taken; the rest goes through a rational approximation. */
#include "tinyml_fixed_point.h"
#include "tinyml_softmax.h"

#define INPUT_BITS 5 /* integer bits of a difference */
#define SUM_BITS 12  /* of the sum of exponentials */
#define OUTPUT_BITS 4
#define ACCUMULATOR_BITS (INPUT_BITS + 1)

#define LOG_2 1488522236
#define SQRT_HALF 1518500250
#define FOURTH_ROOT_HALF 1805811301
#define ONE_QUARTER 536870912
/* 11/240, 1/20 and 1/4 times 2^(1/4), and 2 / 2^(1/4) - 2^(1/4). */
#define NUMERATOR_CUBE 117049297
#define DENOMINATOR_SQUARE 127690142
#define DENOMINATOR_ONE 1057819769
#define DENOMINATOR_LINEAR 638450708

static int32_t leading_zeros(int32_t x) { return __builtin_clz((uint32_t)x); }

static int64_t power(int32_t exponent) {
    return dsp_saturated((int64_t)exponent * (1 << (31 - ACCUMULATOR_BITS)));
}

/* The logarithm of 2^(1/4) r, with ACCUMULATOR_BITS. */
static int32_t log_of_rest(int64_t r) {
    int64_t half_sum = (r + FOURTH_ROOT_HALF + 1) >> 1, q = 2 * (r - FOURTH_ROOT_HALF);
    int64_t square = fixed_product(q, q), cube = fixed_product(q, square);
    int64_t numerator = (int64_t)fixed_product(q, r) + fixed_product(cube, NUMERATOR_CUBE);
    int64_t inner = DENOMINATOR_ONE + q + fixed_product(DENOMINATOR_SQUARE, square);
    int64_t denominator = (int64_t)fixed_product(half_sum, inner);
    denominator += fixed_product(DENOMINATOR_LINEAR, q);
    int32_t divisor = fixed_one_over_one_plus((int32_t)denominator);
    return fixed_product(fixed_divided_wide(numerator, ACCUMULATOR_BITS), divisor);
}

/* Of a sum of at least 1, with INPUT_BITS. */
static int32_t logarithm(int32_t sum) {
    int64_t quarter = fixed_divided(ONE_QUARTER, ACCUMULATOR_BITS);
    int32_t zeros = leading_zeros(sum);
    int64_t shifted = dsp_saturated((int64_t)sum << (zeros - 1));
    int64_t rest = dsp_saturated((int64_t)fixed_product(shifted, SQRT_HALF) << 1);
    int64_t exponent = dsp_saturated(power(SUM_BITS - zeros) + quarter);
    int32_t other_zeros = leading_zeros(fixed_product(sum, SQRT_HALF)) - 1;
    int64_t other_rest = dsp_saturated((int64_t)sum << other_zeros);
    int64_t other_exponent = dsp_saturated(power(SUM_BITS - other_zeros) - quarter);
    if (other_rest < rest) rest = other_rest;
    if (other_exponent > exponent) exponent = other_exponent;
    return dsp_saturated(((int64_t)fixed_product(exponent, LOG_2) + log_of_rest(rest)) * 2);
}

static void log_row(const tinyml_log_softmax_layer *layer, const int8_t *x, int8_t *out) {
    int32_t largest = INT8_MIN, sum = 0;
    for (int32_t i = 0; i < layer->classes; i++) largest = x[i] > largest ? x[i] : largest;
    for (int32_t i = 0; i < layer->classes; i++)
        if (largest - x[i] < layer->length)
            sum += fixed_divided(layer->exponentials[largest - x[i]], SUM_BITS);
    int32_t log_of_sum = logarithm(sum);
    /* What would lie below the smallest difference less the logarithm is the smallest output. */
    int32_t reach = fixed_product((int64_t)log_of_sum + INT32_MIN, layer->multiplier);
    int32_t lowest = fixed_divided(reach, -layer->shift);
    if (lowest < -layer->length) lowest = -layer->length;
    for (int32_t i = 0; i < layer->classes; i++) {
        if (x[i] - largest <= lowest) {
            out[i] = INT8_MIN;
            continue;
        }
        int64_t unscaled = (int64_t)layer->differences[largest - x[i]] - log_of_sum;
        int32_t value = fixed_divided_wide(unscaled, 31 - INPUT_BITS - OUTPUT_BITS) + 127;
        out[i] = (int8_t)dsp_clamp(value, INT8_MIN, INT8_MAX);
    }
}

void tinyml_log_softmax(
    const tinyml_log_softmax_layer *layer, const int8_t *const *in, int8_t *out
) {
    const int8_t *x = in[0];
    for (int32_t row = 0; row < layer->rows; row++, x += layer->classes, out += layer->classes)
        log_row(layer, x, out);
}
