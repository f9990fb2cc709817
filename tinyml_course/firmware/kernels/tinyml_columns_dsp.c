/* The loops of tinyml_columns.h in the instructions of the Cortex-M4 and M7.

   Four sums, four words of columns and four of weights need twelve registers, the two pointers two
   more: there is no other, and a compiler spills. So it is assembly from the first tap to the byte,
   with everything else on the stack, and loops are entered in their middle where taps are no
   multiple of sixty-four.

       r0  column      r2 r3   sums of the low channel     r4-r7   words of the columns
       r1  weights     r12 lr  sums of the raw words       r8-r11  words of the weights

   Eight taps are 23 instructions for 32 multiplications: three LDM, four SXTB16, sixteen SMLAD. */
#include "tinyml_columns.h"

#if TINYML_DSP_NATIVE

/* Where the parts of a tinyml_columns_job lie on the stack. */
#define COLUMNS "[sp, #0]"
#define COLUMNS_END "[sp, #4]"
#define FIRST "[sp, #8]"
#define GROUPS "[sp, #12]"
#define NEXT "[sp, #16]"
#define FINISH "[sp, #20]"
#define BYTES "[sp, #24]"
#define NUMERATOR_AND_END "[sp, #28]"
#define CONSTANTS_AND_SHIFTS "[sp, #36]"
#define ODD "[sp, #44]"
#define OUTS "[sp, #48]"
#define CAP "[sp, #56]"
#define CHANNEL "[sp, #64]"
#define WEIGHTS "[sp, #68]"

#define TAPS(x0, x1, w)                                                                             \
    "smlad r12, " x0 ", " w ", r12\n"                                                               \
    "smlad lr, " x1 ", " w ", lr\n"                                                                 \
    "sxtb16 " w ", " w "\n"                                                                         \
    "smlad r2, " x0 ", " w ", r2\n"                                                                 \
    "smlad r3, " x1 ", " w ", r3\n"

#define TWO_TAPS                                                                                    \
    "ldrd r4, r5, [r0], #8\n"                                                                       \
    "ldr r8, [r1], #4\n" TAPS("r4", "r5", "r8")
#define TWO_TAPS_CODE_BYTES 28

#define EIGHT_TAPS                                                                                  \
    "ldmia.w r1!, {r8, r9, r10, r11}\n"                                                             \
    "ldmia.w r0!, {r4, r5, r6, r7}\n" TAPS("r4", "r5", "r8") TAPS("r6", "r7", "r9")                 \
    "ldmia.w r0!, {r4, r5, r6, r7}\n" TAPS("r4", "r5", "r10") TAPS("r6", "r7", "r11")
#define EIGHT_TAPS_CODE_BYTES 92
#define UNROLLED 8

/* The sign that the second rounding asks for, or none of it. */
#define WITH_SIGN(sum, offset, m) "add r0, " offset ", " sum ", asr #31\n" PRODUCT(sum, "r0", m)
#define PRODUCT(sum, offset, m) "smmlar " sum ", " sum ", " m ", " offset "\n"

/* r6 r7: multipliers, r8 r9: n - 1, r10: 2 z + 1, r11 r10: offsets, r5: where the constants end. */
#define SCALE(product)                                                                              \
    "sub r12, r12, r2\n"                                                                            \
    "sub lr, lr, r3\n"                                                                              \
    "asr r12, r12, #7\n"                                                                            \
    "asr lr, lr, #7\n"                                                                              \
    "lsl r2, r2, #1\n"                                                                              \
    "lsl r3, r3, #1\n"                                                                              \
    "ldrd r4, r5, " CONSTANTS_AND_SHIFTS "\n"                                                       \
    "ldrd r6, r7, [r4, #16]!\n"                                                                     \
    "ldrsb r8, [r5], #1\n"                                                                          \
    "ldrsb r9, [r5], #1\n"                                                                          \
    "strd r4, r5, " CONSTANTS_AND_SHIFTS "\n"                                                       \
    "ldrd r10, r5, " NUMERATOR_AND_END "\n"                                                         \
    "lsl r11, r10, r8\n"                                                                            \
    "lsl r10, r10, r9\n" product("r2", "r11", "r6") product("r3", "r11", "r6")                      \
        product("r12", "r10", "r7") product("lr", "r10", "r7")                                      \
    "asr r2, r2, r8\n"                                                                              \
    "asr r3, r3, r8\n"                                                                              \
    "asr r12, r12, r9\n"                                                                            \
    "asr lr, lr, r9\n"

/* The last bit of n goes with the saturation. */
#define SATURATE(sum) "ssat " sum ", #8, " sum ", asr #1\n"
#define SATURATE_UNSIGNED(sum) "usat " sum ", #8, " sum ", asr #1\n"

/* The first pixel last: where there is one only, both have one address. */
#define STORE                                                                                       \
    "ldrd r6, r7, " OUTS "\n"                                                                       \
    "strb r3, [r7], #1\n"                                                                           \
    "strb lr, [r7], #1\n"                                                                           \
    "strb r2, [r6], #1\n"                                                                           \
    "strb r12, [r6], #1\n"                                                                          \
    "strd r6, r7, " OUTS "\n"

#define STORE_PLANAR                                                                                \
    "ldrd r6, r7, " OUTS "\n"                                                                       \
    "ldr r0, " CHANNEL "\n"                                                                         \
    "strb r3, [r7]\n"                                                                               \
    "strb lr, [r7, r0]\n"                                                                           \
    "strb r2, [r6]\n"                                                                               \
    "strb r12, [r6, r0]\n"                                                                          \
    "add r6, r6, r0, lsl #1\n"                                                                      \
    "add r7, r7, r0, lsl #1\n"                                                                      \
    "strd r6, r7, " OUTS "\n"

/* All four bytes in r2: both channels of the second pixel above those of the first. */
#define CAP_FOUR                                                                                    \
    "ldrd r6, r7, " CAP "\n"                                                                        \
    "bfi r2, r12, #8, #8\n"                                                                         \
    "bfi r3, lr, #8, #8\n"                                                                          \
    "pkhbt r2, r2, r3, lsl #16\n"                                                                   \
    "uqadd8 r2, r2, r6\n"                                                                           \
    "uadd8 r2, r2, r7\n"

#define STORE_CAPPED                                                                                \
    CAP_FOUR                                                                                        \
    "ldrd r6, r7, " OUTS "\n"                                                                       \
    "lsr r3, r2, #16\n"                                                                             \
    "strh r3, [r7], #2\n"                                                                           \
    "strh r2, [r6], #2\n"                                                                           \
    "strd r6, r7, " OUTS "\n"

#define STORE_CAPPED_PLANAR                                                                         \
    CAP_FOUR                                                                                        \
    "lsr r12, r2, #8\n"                                                                             \
    "lsr r3, r2, #16\n"                                                                             \
    "lsr lr, r2, #24\n" STORE_PLANAR

#define BYTES_OF_FOUR(name, product, saturate, store)                                               \
    ".p2align 2\n"                                                                                  \
    ".global " name "\n" name ":\n" SCALE(product) saturate("r2") saturate("r3") saturate("r12")    \
        saturate("lr") store                                                                        \
    "cmp r4, r5\n"                                                                                  \
    "bne.w tinyml_columns_channels\n"                                                               \
    "add sp, sp, #72\n"                                                                             \
    "pop {r4, r5, r6, r7, r8, r9, r10, r11, pc}\n"

__attribute__((naked)) void tinyml_multiply_columns(
    const tinyml_columns_job *job, int8_t *out0, int8_t *out1
) {
    __asm volatile(
        "push {r4, r5, r6, r7, r8, r9, r10, r11, lr}\n"
        /* The job, 18 words, goes to the stack; the outs in it are the arguments. */
        "mov r11, r1\n"
        "mov r12, r2\n"
        "add r0, r0, #56\n"
        "ldmia r0, {r4, r5, r6, r7}\n"
        "push {r4, r5, r6, r7}\n"
        "push {r11, r12}\n"
        "sub r0, r0, #8\n"
        "ldmdb r0, {r1, r2, r3, r4, r5, r6, r7, r8, r9, r10, r11, r12}\n"
        "push {r1, r2, r3, r4, r5, r6, r7, r8, r9, r10, r11, r12}\n"
        "ldr r1, " WEIGHTS "\n"
        "mov r4, r10\n"

        "tinyml_columns_channels:\n"
        "ldrd r2, r12, [r4, #8]\n"
        "ldr r0, " COLUMNS "\n"
        "mov r3, r2\n"
        "mov lr, r12\n"
        "ldr pc, " FIRST "\n"

        ".p2align 2\n"
        TWO_TAPS TWO_TAPS TWO_TAPS
        ".global tinyml_columns_two\n"
        "tinyml_columns_two:\n"
        "ldr pc, " GROUPS "\n"

        ".p2align 2\n"
        "1:\n"
        EIGHT_TAPS EIGHT_TAPS EIGHT_TAPS EIGHT_TAPS EIGHT_TAPS EIGHT_TAPS EIGHT_TAPS EIGHT_TAPS
        ".global tinyml_columns_eight\n"
        "tinyml_columns_eight:\n"
        "ldr pc, " NEXT "\n"

        ".p2align 2\n"
        ".global tinyml_columns_again\n"
        "tinyml_columns_again:\n"
        "ldr r4, " COLUMNS_END "\n"
        "cmp r0, r4\n"
        "bne.w 1b\n"
        "ldr pc, " FINISH "\n"

        ".p2align 2\n"
        ".global tinyml_columns_odd\n"
        "tinyml_columns_odd:\n"
        "ldr r4, " ODD "\n"
        "ldr r5, [r0]\n"
        "ldrsh r6, [r4], #2\n"
        "str r4, " ODD "\n"
        "smlabb r12, r6, r5, r12\n"
        "smlabt lr, r6, r5, lr\n"
        "sxtb r6, r6\n"
        "smlabb r2, r6, r5, r2\n"
        "smlabt r3, r6, r5, r3\n"
        "ldr pc, " BYTES "\n"

        BYTES_OF_FOUR("tinyml_columns_signed", WITH_SIGN, SATURATE, STORE)
        BYTES_OF_FOUR("tinyml_columns_unsigned", PRODUCT, SATURATE, STORE)
        BYTES_OF_FOUR("tinyml_columns_capped", PRODUCT, SATURATE_UNSIGNED, STORE_CAPPED)
        BYTES_OF_FOUR("tinyml_columns_signed_planar", WITH_SIGN, SATURATE, STORE_PLANAR)
        BYTES_OF_FOUR("tinyml_columns_unsigned_planar", PRODUCT, SATURATE, STORE_PLANAR)
        BYTES_OF_FOUR(
            "tinyml_columns_capped_planar", PRODUCT, SATURATE_UNSIGNED, STORE_CAPPED_PLANAR
        )
    );
}

extern const char tinyml_columns_two[], tinyml_columns_eight[], tinyml_columns_again[];
extern const char tinyml_columns_odd[];
extern const char tinyml_columns_signed[], tinyml_columns_signed_planar[];
extern const char tinyml_columns_unsigned[], tinyml_columns_unsigned_planar[];
extern const char tinyml_columns_capped[], tinyml_columns_capped_planar[];

/* All addresses of code have the Thumb bit. */
void tinyml_prepare_columns(tinyml_columns_job *job) {
    static const char *const bytes[3][2] = {
        {tinyml_columns_signed, tinyml_columns_signed_planar},
        {tinyml_columns_unsigned, tinyml_columns_unsigned_planar},
        {tinyml_columns_capped, tinyml_columns_capped_planar},
    };
    int32_t twos = (job->taps & 7) >> 1, eights = job->taps >> 3;
    int32_t first = (eights - 1) % UNROLLED + 1; /* of the unrolled ones, in the first round */
    const char *finish = bytes[job->output.range][job->channel != 1] + 1;
    job->to_bytes = finish;
    job->to_finish = job->taps & 1 ? tinyml_columns_odd + 1 : finish;
    job->to_next = eights > UNROLLED ? tinyml_columns_again + 1 : job->to_finish;
    job->to_groups = eights ? tinyml_columns_eight + 1 - first * EIGHT_TAPS_CODE_BYTES : job->to_finish;
    job->to_first = twos ? tinyml_columns_two + 1 - twos * TWO_TAPS_CODE_BYTES : job->to_groups;
    job->columns_end = job->columns + (job->taps & ~1);
}

#endif
