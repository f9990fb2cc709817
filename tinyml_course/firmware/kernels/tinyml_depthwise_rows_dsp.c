/* Depthwise 5x5 and 7x7, and 3x3 of stride 2, in the instructions of the Cortex-M4 and M7; the
   arithmetic of tinyml_depthwise_rows.c.

   The state is read by LDM from its first word to its last once for every four outputs: pointers,
   which move on by the columns of four outputs, between the weights that belong to them.

       r0-r3    sums
       r4, r5   two rows            r6-r9   four of their weights: 0 to 3, then up to 6
       r10-r12  columns             lr      the state                                               */
#include "tinyml_depthwise.h"

#if TINYML_DSP_NATIVE

#define ADD(o, w) "smlad r" #o ", r11, " w ", r" #o "\n"

/* Four columns of both rows, in r11 and r12, become r10 and r12. */
#define PAIR_WORDS                                                                                  \
    "pkhbt r10, r11, r12, lsl #16\n"                                                                \
    "pkhtb r12, r12, r11, asr #16\n"
#define COLUMN_0 "sxtb16 r11, r10\n"
#define COLUMN_1 "sxtb16 r11, r10, ror #8\n"
#define COLUMN_2 "sxtb16 r11, r12\n"
#define COLUMN_3 "sxtb16 r11, r12, ror #8\n"

#define FOUR_SUMS                                                                                   \
    "ldr r0, [lr], #4\n"                                                                            \
    "mov r1, r0\n"                                                                                  \
    "mov r2, r0\n"                                                                                  \
    "mov r3, r0\n"

#define FIRST_COLUMNS                                                                               \
    "ldmia lr!, {r4, r5, r6, r7, r8, r9}\n"                                                         \
    "ldr r11, [r4], #4\n"                                                                           \
    "ldr r12, [r5], #4\n" PAIR_WORDS                                                                \
    COLUMN_0 ADD(0, "r6")                                                                           \
    COLUMN_1 ADD(0, "r7") ADD(1, "r6")                                                              \
    COLUMN_2 ADD(0, "r8") ADD(1, "r7") ADD(2, "r6")                                                 \
    COLUMN_3 ADD(0, "r9") ADD(1, "r8") ADD(2, "r7") ADD(3, "r6")                                    \
    "ldr r11, [r4]\n"                                                                               \
    "ldr r12, [r5]\n" PAIR_WORDS

#define TWO_ROWS_OF_5                                                                               \
    FIRST_COLUMNS                                                                                   \
    "ldr r6, [lr], #4\n"                                                                            \
    COLUMN_0 ADD(0, "r6") ADD(1, "r9") ADD(2, "r8") ADD(3, "r7")                                    \
    COLUMN_1 ADD(1, "r6") ADD(2, "r9") ADD(3, "r8")                                                 \
    COLUMN_2 ADD(2, "r6") ADD(3, "r9")                                                              \
    COLUMN_3 ADD(3, "r6")                                                                           \
    "strd r4, r5, [lr, #-28]\n"

#define TWO_ROWS_OF_7                                                                               \
    FIRST_COLUMNS                                                                                   \
    "ldr r6, [lr], #4\n"                                                                            \
    COLUMN_0 ADD(0, "r6") ADD(1, "r9") ADD(2, "r8") ADD(3, "r7")                                    \
    "ldr r7, [lr], #4\n"                                                                            \
    COLUMN_1 ADD(0, "r7") ADD(1, "r6") ADD(2, "r9") ADD(3, "r8")                                    \
    "ldr r8, [lr], #4\n"                                                                            \
    COLUMN_2 ADD(0, "r8") ADD(1, "r7") ADD(2, "r6") ADD(3, "r9")                                    \
    COLUMN_3 ADD(1, "r8") ADD(2, "r7") ADD(3, "r6")                                                 \
    "ldrh r11, [r4, #4]\n"                                                                          \
    "ldrh r12, [r5, #4]\n"                                                                          \
    "pkhbt r10, r11, r12, lsl #16\n"                                                                \
    COLUMN_0 ADD(2, "r8") ADD(3, "r7")                                                              \
    COLUMN_1 ADD(3, "r8")                                                                           \
    "strd r4, r5, [lr, #-36]\n"

/* r5, r6, r7: taps 0 and 2, 1 and 3, 4. */
#define LAST_ROW_OF_5                                                                               \
    "ldmia lr!, {r4, r5, r6, r7}\n"                                                                 \
    "ldr r8, [r4], #4\n"                                                                            \
    "ldr r9, [r4]\n"                                                                                \
    "str r4, [lr, #-16]\n"                                                                          \
    "sxtb16 r10, r8\n"                                                                              \
    "sxtb16 r8, r8, ror #8\n"                                                                       \
    "sxtb16 r11, r9\n"                                                                              \
    "sxtb16 r9, r9, ror #8\n"                                                                       \
    "pkhbt r12, r11, r10\n"                                                                         \
    "smlad r0, r10, r5, r0\n"                                                                       \
    "smlad r0, r8, r6, r0\n"                                                                        \
    "smlabb r0, r11, r7, r0\n"                                                                      \
    "smlad r1, r8, r5, r1\n"                                                                        \
    "smladx r1, r12, r6, r1\n"                                                                      \
    "smlabb r1, r9, r7, r1\n"                                                                       \
    "pkhbt r10, r9, r8\n"                                                                           \
    "smladx r2, r12, r5, r2\n"                                                                      \
    "smladx r2, r10, r6, r2\n"                                                                      \
    "smlatb r2, r11, r7, r2\n"                                                                      \
    "smladx r3, r10, r5, r3\n"                                                                      \
    "smlad r3, r11, r6, r3\n"                                                                       \
    "smlatb r3, r9, r7, r3\n"

/* r5, r6, r7, r8: taps 0 and 2, 1 and 3, 4 and 6, 5. */
#define LAST_ROW_OF_7                                                                               \
    "ldmia lr!, {r4, r5, r6, r7, r8}\n"                                                             \
    "ldr r9, [r4], #4\n"                                                                            \
    "ldr r10, [r4]\n"                                                                               \
    "str r4, [lr, #-20]\n"                                                                          \
    "sxtb16 r11, r9\n"                                                                              \
    "sxtb16 r9, r9, ror #8\n"                                                                       \
    "sxtb16 r12, r10\n"                                                                             \
    "sxtb16 r10, r10, ror #8\n"                                                                     \
    "smlad r0, r11, r5, r0\n"                                                                       \
    "smlad r0, r9, r6, r0\n"                                                                        \
    "smlad r0, r12, r7, r0\n"                                                                       \
    "smlabb r0, r10, r8, r0\n"                                                                      \
    "smlad r1, r9, r5, r1\n"                                                                        \
    "pkhbt r11, r12, r11\n"                                                                         \
    "smladx r1, r11, r6, r1\n"                                                                      \
    "smlad r1, r10, r7, r1\n"                                                                       \
    "smlatb r1, r12, r8, r1\n"                                                                      \
    "smladx r2, r11, r5, r2\n"                                                                      \
    "pkhbt r9, r10, r9\n"                                                                           \
    "smladx r2, r9, r6, r2\n"                                                                       \
    "smlatb r2, r10, r8, r2\n"                                                                      \
    "smladx r3, r9, r5, r3\n"                                                                       \
    "smlad r3, r12, r6, r3\n"                                                                       \
    "ldrsb r11, [r4, #4]\n"                                                                         \
    "pkhbt r9, r11, r12\n"                                                                          \
    "smladx r2, r9, r7, r2\n"                                                                       \
    "smlabb r3, r11, r8, r3\n"                                                                      \
    "ldrsb r11, [r4, #5]\n"                                                                         \
    "pkhbt r9, r11, r10\n"                                                                          \
    "smladx r3, r9, r7, r3\n"

#include "tinyml_depthwise_stride2_dsp.h"

#define WITH_SIGN(sum) "add r10, r5, " sum ", asr #31\nsmmlar " sum ", " sum ", r4, r10\n"
#define WITHOUT_SIGN(sum) "smmlar " sum ", " sum ", r4, r5\n"

#define SATURATE SATURATED("ssat")
#define SATURATED(how)                                                                              \
    how " r0, #8, r0, asr #1\n" how " r1, #8, r1, asr #1\n"                                         \
    how " r2, #8, r2, asr #1\n" how " r3, #8, r3, asr #1\n"
#define CAP                                                                                         \
    SATURATED("usat")                                                                               \
    "ldrd r4, r5, [lr, #24]\n"                                                                      \
    "orr r0, r0, r1, lsl #8\n"                                                                      \
    "orr r0, r0, r2, lsl #16\n"                                                                     \
    "orr r0, r0, r3, lsl #24\n"                                                                     \
    "uqadd8 r0, r0, r4\n"                                                                           \
    "uadd8 r0, r0, r5\n"                                                                            \
    "lsr r1, r0, #8\n"                                                                              \
    "lsr r2, r0, #16\n"                                                                             \
    "lsr r3, r0, #24\n"

/* r4 multiplier, r5 offset, r6 n - 1, r7 where to write, r8 from pixel to pixel, r9 the end. */
#define FOURS(name, rows, words, product, saturate)                                                 \
    static __attribute__((naked, noinline)) void name(void *state) {                                \
        __asm volatile(                                                                             \
            "push {r4, r5, r6, r7, r8, r9, r10, r11, lr}\n"                                         \
            "mov lr, r0\n"                                                                          \
            "1:\n" rows                                                                             \
            "ldmia lr, {r4, r5, r6, r7, r8, r9}\n"                                                  \
            product("r0") product("r1") product("r2") product("r3")                                 \
            "asr r0, r0, r6\n"                                                                      \
            "asr r1, r1, r6\n"                                                                      \
            "asr r2, r2, r6\n"                                                                      \
            "asr r3, r3, r6\n" saturate                                                             \
            "strb r0, [r7]\n"                                                                       \
            "strb r1, [r7, r8]\n"                                                                   \
            "add r7, r7, r8, lsl #1\n"                                                              \
            "strb r2, [r7]\n"                                                                       \
            "strb r3, [r7, r8]\n"                                                                   \
            "add r7, r7, r8, lsl #1\n"                                                              \
            "str r7, [lr, #12]\n"                                                                   \
            "sub lr, lr, #4 * " words "\n"                                                          \
            "cmp r7, r9\n"                                                                          \
            "bne.w 1b\n"                                                                            \
            "pop {r4, r5, r6, r7, r8, r9, r10, r11, pc}\n"                                          \
        );                                                                                          \
    }

#define ROWS_OF_5 FOUR_SUMS TWO_ROWS_OF_5 TWO_ROWS_OF_5 LAST_ROW_OF_5
#define ROWS_OF_7 FOUR_SUMS TWO_ROWS_OF_7 TWO_ROWS_OF_7 TWO_ROWS_OF_7 LAST_ROW_OF_7
FOURS(signed_3, ROWS_OF_3_STRIDE_2, "9", WITH_SIGN, SATURATE)
FOURS(unsigned_3, ROWS_OF_3_STRIDE_2, "9", WITHOUT_SIGN, SATURATE)
FOURS(clamped_3, ROWS_OF_3_STRIDE_2, "9", WITHOUT_SIGN, CAP)
FOURS(signed_5_stride2, ROWS_OF_5_STRIDE_2, "19", WITH_SIGN, SATURATE)
FOURS(unsigned_5_stride2, ROWS_OF_5_STRIDE_2, "19", WITHOUT_SIGN, SATURATE)
FOURS(clamped_5_stride2, ROWS_OF_5_STRIDE_2, "19", WITHOUT_SIGN, CAP)
FOURS(signed_7_stride2, ROWS_OF_7_STRIDE_2, "33", WITH_SIGN, SATURATE)
FOURS(unsigned_7_stride2, ROWS_OF_7_STRIDE_2, "33", WITHOUT_SIGN, SATURATE)
FOURS(clamped_7_stride2, ROWS_OF_7_STRIDE_2, "33", WITHOUT_SIGN, CAP)
FOURS(signed_5, ROWS_OF_5, "19", WITH_SIGN, SATURATE)
FOURS(unsigned_5, ROWS_OF_5, "19", WITHOUT_SIGN, SATURATE)
FOURS(clamped_5, ROWS_OF_5, "19", WITHOUT_SIGN, CAP)
FOURS(signed_7, ROWS_OF_7, "33", WITH_SIGN, SATURATE)
FOURS(unsigned_7, ROWS_OF_7, "33", WITHOUT_SIGN, SATURATE)
FOURS(clamped_7, ROWS_OF_7, "33", WITHOUT_SIGN, CAP)

/* What is behind the weights. */
typedef struct {
    int32_t multiplier, offset, n; /* n - 1 */
    int8_t *out;
    int32_t pixel; /* bytes from one output to the next */
    int8_t *end;
    tinyml_cap cap;
    int32_t columns, numerator;
} tail;

/* Words of the sum, of the pairs of rows and of the last row. */
#define WORDS(k) (1 + (k) / 2 * (2 + (k)) + ((k) + 3) / 2)

_Static_assert(WORDS(3) == 9 && WORDS(5) == 19 && WORDS(7) == 33, "");
_Static_assert(4 * WORDS(7) + sizeof(tail) <= sizeof(tinyml_depthwise_state), "");

TINYML_DSP tail *tail_of(tinyml_depthwise_state *state, const int32_t k) {
    return (tail *)&state->words[WORDS(k)];
}

TINYML_DSP uint32_t doubled(uint32_t pair) { return dsp_sadd16(pair, pair); }

TINYML_DSP void begin(
    const tinyml_depthwise_layer *layer, tinyml_depthwise_state *state, const int32_t k
) {
    tail *t = tail_of(state, k);
    t->pixel = layer->channels_out;
    t->cap = output_cap(layer->output);
    t->columns = layer->out_width;
    t->numerator = output_numerator(layer->output);
}

TINYML_DSP void prepare(
    const tinyml_depthwise_layer *layer, int32_t channel, tinyml_depthwise_state *state,
    const int32_t k
) {
    const int8_t *weights = layer->weights + channel * k * k;
    uint32_t *to = state->words;
    *to++ = 2u * (uint32_t)layer->constants[2 * channel];
    for (int32_t pair = 0; pair < k / 2; pair++, weights += 2) {
        to += 2; /* the pointers */
        for (int32_t tap = 0; tap + 1 < k; tap += 2, weights += 4) {
            uint32_t four = dsp_load(weights);
            *to++ = doubled(dsp_sxtb16(four));
            *to++ = doubled(dsp_sxtb16_ror8(four));
        }
        *to++ = dsp_pkhbt(2u * (uint32_t)weights[0], 2u * (uint32_t)weights[1]);
    }
    to++; /* the pointer */
    if (k == 3) {
        *to++ = dsp_pkhbt(2u * (uint32_t)weights[0], 2u * (uint32_t)weights[2]);
        *to++ = 2u * (uint32_t)weights[1];
    } else {
        uint32_t four = dsp_load(weights);
        *to++ = doubled(dsp_sxtb16(four));
        *to++ = doubled(dsp_sxtb16_ror8(four));
        if (k == 7) *to++ = dsp_pkhbt(2u * (uint32_t)weights[4], 2u * (uint32_t)weights[6]);
        *to++ = 2u * (uint32_t)weights[k == 7 ? 5 : 4];
    }
    tail *t = tail_of(state, k);
    t->multiplier = layer->constants[2 * channel + 1];
    t->n = layer->shifts[channel];
    t->offset = t->numerator << t->n;
}

/* Row pointers move by `columns`. */
TINYML_DSP void move_rows(tinyml_depthwise_state *state, int32_t columns, const int32_t k) {
    uint32_t *at = &state->words[1];
    for (int32_t pair = 0; pair < k / 2; pair++, at += 2 + k) at[0] += columns, at[1] += columns;
    at[0] += columns;
}

/* The last four outputs may be some of the four before again. */
TINYML_DSP void run(
    tinyml_depthwise_state *state, const int8_t *const *rows, int8_t *out, void (*fours)(void *),
    const int32_t k, const int32_t stride
) {
    tail *t = tail_of(state, k);
    uint32_t *at = &state->words[1];
    for (int32_t ky = 0; ky + 1 < k; ky += 2, at += 2 + k) {
        at[0] = (uint32_t)rows[ky];
        at[1] = (uint32_t)rows[ky + 1];
    }
    at[0] = (uint32_t)rows[k - 1];
    int32_t rest = t->columns & 3;
    t->out = out;
    t->end = out + (t->columns - rest) * t->pixel;
    fours(state);
    if (!rest) return;
    move_rows(state, (rest - 4) * stride, k);
    t->out += (rest - 4) * t->pixel;
    t->end = t->out + 4 * t->pixel;
    fours(state);
}

#define SIZE(k)                                                                                     \
    static void begin_##k(const tinyml_depthwise_layer *layer, tinyml_depthwise_state *state) {     \
        begin(layer, state, k);                                                                     \
    }                                                                                               \
    static void prepare_##k(                                                                        \
        const tinyml_depthwise_layer *layer, int32_t channel, tinyml_depthwise_state *state         \
    ) {                                                                                             \
        prepare(layer, channel, state, k);                                                          \
    }
SIZE(3)
SIZE(5)
SIZE(7)

#define KERNEL(name, fours, k, stride)                                                              \
    static void name##_row(                                                                         \
        tinyml_depthwise_state *state, const int8_t *const *rows, int8_t *out                       \
    ) {                                                                                             \
        run(state, rows, out, fours, k, stride);                                                    \
    }                                                                                               \
    const tinyml_depthwise_kernel name = {begin_##k, prepare_##k, name##_row};
KERNEL(tinyml_depthwise_3x3_stride2, signed_3, 3, 2)
KERNEL(tinyml_depthwise_3x3_stride2_unsigned, unsigned_3, 3, 2)
KERNEL(tinyml_depthwise_3x3_stride2_clamped, clamped_3, 3, 2)
KERNEL(tinyml_depthwise_5x5_stride2, signed_5_stride2, 5, 2)
KERNEL(tinyml_depthwise_5x5_stride2_unsigned, unsigned_5_stride2, 5, 2)
KERNEL(tinyml_depthwise_5x5_stride2_clamped, clamped_5_stride2, 5, 2)
KERNEL(tinyml_depthwise_7x7_stride2, signed_7_stride2, 7, 2)
KERNEL(tinyml_depthwise_7x7_stride2_unsigned, unsigned_7_stride2, 7, 2)
KERNEL(tinyml_depthwise_7x7_stride2_clamped, clamped_7_stride2, 7, 2)
KERNEL(tinyml_depthwise_5x5, signed_5, 5, 1)
KERNEL(tinyml_depthwise_5x5_unsigned, unsigned_5, 5, 1)
KERNEL(tinyml_depthwise_5x5_clamped, clamped_5, 5, 1)
KERNEL(tinyml_depthwise_7x7, signed_7, 7, 1)
KERNEL(tinyml_depthwise_7x7_unsigned, unsigned_7, 7, 1)
KERNEL(tinyml_depthwise_7x7_clamped, clamped_7, 7, 1)

#endif
