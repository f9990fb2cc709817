/* Rows of tinyml_depthwise_3x3.h in the instructions of the Cortex-M4 and M7.

   Four outputs see six sums at a time, and the weights, the columns and the addresses do not fit
   beside them: they are loaded anew for every four outputs, by three LDM along the state.

       r0-r5    sums of six outputs: the first two begun, the last two to be finished by the next four
       r6-r8    four columns of each row
       r9-r11   weights, and the sum to begin with
       r12      column, negative, counted from the end of the row
       lr       the state                                                                            */
#include "tinyml_depthwise_3x3.h"

#if TINYML_DSP_NATIVE

/* Columns 1 to 4 of the rows are in r6, r7, r8, the weights of row 2 in r9, r10, the sum in r11. */
#define ADD_COLUMNS(s0, s1, s2, s3, s4, s5)                                                         \
    "sxtb16 " s5 ", r8\n"                                                                           \
    "sxtb16 r8, r8, ror #8\n"                                                                       \
    "smlabt " s0 ", " s5 ", r9, " s0 "\n"                                                           \
    "smlabb " s1 ", " s5 ", r10, " s1 "\n"                                                          \
    "smlabt " s1 ", r8, r9, " s1 "\n"                                                               \
    "smlad " s2 ", " s5 ", r9, r11\n"                                                               \
    "smlabb " s2 ", r8, r10, " s2 "\n"                                                              \
    "smlad " s3 ", r8, r9, r11\n"                                                                   \
    "smlatb " s3 ", " s5 ", r10, " s3 "\n"                                                          \
    "smlatb " s4 ", " s5 ", r9, r11\n"                                                              \
    "smlatb " s4 ", r8, r10, " s4 "\n"                                                              \
    "smlatb " s5 ", r8, r9, r11\n"                                                                  \
    /* Rows 0 and 1, a column of both in one word. */                                               \
    "pkhbt r8, r6, r7, lsl #16\n"                                                                   \
    "pkhtb r7, r7, r6, asr #16\n"                                                                   \
    "ldmia lr!, {r9, r10, r11}\n"                                                                   \
    "sxtb16 r6, r8\n" ADD_COLUMN(s0, s1, s2)                                                        \
    "sxtb16 r6, r8, ror #8\n" ADD_COLUMN(s1, s2, s3)                                                \
    "sxtb16 r6, r7\n" ADD_COLUMN(s2, s3, s4)                                                        \
    "sxtb16 r6, r7, ror #8\n" ADD_COLUMN(s3, s4, s5)

#define ADD_COLUMN(before, here, after)                                                             \
    "smlad " before ", r6, r11, " before "\n"                                                       \
    "smlad " here ", r6, r10, " here "\n"                                                           \
    "smlad " after ", r6, r9, " after "\n"

#define WITH_SIGN(sum) "add r11, r7, " sum ", asr #31\nsmmlar " sum ", " sum ", r6, r11\n"
#define WITHOUT_SIGN(sum) "smmlar " sum ", " sum ", r6, r7\n"

/* The last bit of n goes with the saturation. */
#define SATURATE(s0, s1, s2, s3) SATURATED("ssat", s0, s1, s2, s3)
#define SATURATED(how, s0, s1, s2, s3)                                                              \
    how " " s0 ", #8, " s0 ", asr #1\n"                                                             \
    how " " s1 ", #8, " s1 ", asr #1\n"                                                             \
    how " " s2 ", #8, " s2 ", asr #1\n"                                                             \
    how " " s3 ", #8, " s3 ", asr #1\n"

/* Four bytes in one word; the first is left there. */
#define CAP(s0, s1, s2, s3)                                                                         \
    SATURATED("usat", s0, s1, s2, s3)                                                               \
    "ldrd r6, r7, [lr, #36]\n"                                                                      \
    "orr " s0 ", " s0 ", " s1 ", lsl #8\n"                                                          \
    "orr " s0 ", " s0 ", " s2 ", lsl #16\n"                                                         \
    "orr " s0 ", " s0 ", " s3 ", lsl #24\n"                                                         \
    "uqadd8 " s0 ", " s0 ", r6\n"                                                                   \
    "uadd8 " s0 ", " s0 ", r7\n"                                                                    \
    "lsr " s1 ", " s0 ", #8\n"                                                                      \
    "lsr " s2 ", " s0 ", #16\n"                                                                     \
    "lsr " s3 ", " s0 ", #24\n"

/* r6 multiplier, r7 offset, r8 n - 1, r9 the first of the four pixels, r10 from one to the next. */
#define TO_BYTES(s0, s1, s2, s3, product, saturate)                                                 \
    "ldmia lr, {r6, r7, r8, r9, r10}\n" product(s0) product(s1) product(s2) product(s3)             \
    "asr " s0 ", " s0 ", r8\n"                                                                      \
    "asr " s1 ", " s1 ", r8\n"                                                                      \
    "asr " s2 ", " s2 ", r8\n"                                                                      \
    "asr " s3 ", " s3 ", r8\n" saturate(s0, s1, s2, s3)                                             \
    "mla r9, r12, r10, r9\n"

#define FOUR(s0, s1, s2, s3, s4, s5, product, saturate)                                        \
    "ldmia lr!, {r6, r7, r8, r9, r10, r11}\n"                                                       \
    "ldr r6, [r6, r12]\n"                                                                           \
    "ldr r7, [r7, r12]\n"                                                                           \
    "ldr r8, [r8, r12]\n" ADD_COLUMNS(s0, s1, s2, s3, s4, s5)                                       \
        TO_BYTES(s0, s1, s2, s3, product, saturate)                                            \
    "strb " s0 ", [r9]\n"                                                                           \
    "strb " s1 ", [r9, r10]\n"                                                                      \
    "strb " s2 ", [r9, r10, lsl #1]\n"                                                              \
    "add r9, r9, r10\n"                                                                             \
    "strb " s3 ", [r9, r10, lsl #1]\n"                                                              \
    "sub lr, lr, #36\n"                                                                             \
    "adds r12, r12, #4\n"

#define ROW_3X3(name, product, saturate)                                                       \
    __attribute__((naked)) void name(const tinyml_3x3 *state) {                     \
        __asm volatile(                                                                             \
            "push {r4, r5, r6, r7, r8, r9, r10, r11, lr}\n"                                         \
            "mov lr, r0\n"                                                                          \
            /* The first column; ends of rows and column are three apart from the truth. */         \
            "ldrd r0, r12, [lr, #56]\n"                                                             \
            "ldmia lr!, {r6, r7, r8, r9, r10, r11}\n"                                               \
            "ldrsb r6, [r6, r12]\n"                                                                 \
            "ldrsb r7, [r7, r12]\n"                                                                 \
            "ldrsb r8, [r8, r12]\n"                                                                 \
            "pkhbt r6, r6, r7, lsl #16\n"                                                           \
            "smlabb r1, r8, r9, r11\n"                                                              \
            "smlabb r0, r8, r10, r0\n"                                                              \
            "ldmia lr, {r9, r10, r11}\n"                                                            \
            "smlad r1, r6, r9, r1\n"                                                                \
            "smlad r0, r6, r10, r0\n"                                                               \
            "sub lr, lr, #24\n"                                                                     \
            "adds r12, r12, #1\n"                                                                   \
            "bpl 3f\n"                                                                              \
            "1:\n" FOUR("r0", "r1", "r2", "r3", "r4", "r5", product, saturate)                 \
            "bpl 2f\n" FOUR("r4", "r5", "r2", "r3", "r0", "r1", product, saturate)             \
            "bmi 1b\n"                                                                              \
            "b 3f\n"                                                                                \
            "2:\n"                                                                                  \
            "mov r0, r4\n"                                                                          \
            "mov r1, r5\n"                                                                          \
            /* The last columns, none to three, and what is outside behind them. */                 \
            "3:\n"                                                                                  \
            "ldmia lr!, {r6, r7, r8, r9, r10, r11}\n"                                               \
            "ldrd r2, r3, [lr, #40]\n"                                                              \
            "rsb r4, r3, #32\n"                                                                     \
            "lsl r2, r2, r3\n"                                                                      \
            "ldr r6, [r6, #-1]\n"                                                                   \
            "ldr r7, [r7, #-1]\n"                                                                   \
            "ldr r8, [r8, #-1]\n"                                                                   \
            "lsr r6, r6, r4\n"                                                                      \
            "lsr r7, r7, r4\n"                                                                      \
            "lsr r8, r8, r4\n"                                                                      \
            "orr r6, r6, r2\n"                                                                      \
            "orr r7, r7, r2\n"                                                                      \
            "orr r8, r8, r2\n" ADD_COLUMNS("r0", "r1", "r2", "r3", "r4", "r5")                      \
                TO_BYTES("r0", "r1", "r2", "r3", product, saturate)                            \
            "strb r0, [r9]\n"                                                                       \
            "cmp r12, #2\n"                                                                         \
            "bgt 4f\n"                                                                              \
            "strb r1, [r9, r10]\n"                                                                  \
            "beq 4f\n"                                                                              \
            "strb r2, [r9, r10, lsl #1]\n"                                                          \
            "cmp r12, #0\n"                                                                         \
            "bgt 4f\n"                                                                              \
            "add r9, r9, r10\n"                                                                     \
            "strb r3, [r9, r10, lsl #1]\n"                                                          \
            "4:\n"                                                                                  \
            "pop {r4, r5, r6, r7, r8, r9, r10, r11, pc}\n"                                          \
        );                                                                                          \
    }

ROW_3X3(tinyml_3x3_signed, WITH_SIGN, SATURATE)
ROW_3X3(tinyml_3x3_unsigned, WITHOUT_SIGN, SATURATE)
ROW_3X3(tinyml_3x3_capped, WITHOUT_SIGN, CAP)

#endif
