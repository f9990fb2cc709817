/* Rows of stride 2 for tinyml_depthwise_rows_dsp.c: four outputs are eight columns apart from the next
   four. Even columns meet even taps, odd ones odd taps.

   The state and its registers are those of stride 1. */
#ifndef TINYML_DEPTHWISE_STRIDE2_DSP_H
#define TINYML_DEPTHWISE_STRIDE2_DSP_H

/* Sums begin with r3. */
#define TWO_ROWS_OF_3_STRIDE_2                                                                      \
    "ldmia lr!, {r3, r4, r5, r6, r7, r8}\n"                                                         \
    "ldr r11, [r4], #4\n"                                                                           \
    "ldr r12, [r5], #4\n" PAIR_WORDS                                                                \
    COLUMN_0 "smlad r0, r11, r6, r3\n"                                                              \
    COLUMN_1 ADD(0, "r7")                                                                           \
    COLUMN_2 ADD(0, "r8") "smlad r1, r11, r6, r3\n"                                                              \
    COLUMN_3 ADD(1, "r7")                                                                           \
    "ldr r11, [r4], #4\n"                                                                           \
    "ldr r12, [r5], #4\n" PAIR_WORDS                                                                \
    COLUMN_0 ADD(1, "r8") "smlad r2, r11, r6, r3\n"                                                 \
    COLUMN_1 ADD(2, "r7")                                                                           \
    COLUMN_2 ADD(2, "r8") ADD(3, "r6")                                                              \
    COLUMN_3 ADD(3, "r7")                                                                           \
    "ldrsb r11, [r4]\n"                                                                             \
    "ldrsb r12, [r5]\n"                                                                             \
    "pkhbt r11, r11, r12, lsl #16\n" ADD(3, "r8")                                                   \
    "strd r4, r5, [lr, #-20]\n"

/* r5, r6: taps 0 and 2, 1. */
#define LAST_ROW_OF_3_STRIDE_2                                                                      \
    "ldmia lr!, {r4, r5, r6}\n"                                                                     \
    "ldr r7, [r4], #4\n"                                                                            \
    "ldr r8, [r4], #4\n"                                                                            \
    "ldrsb r9, [r4]\n"                                                                              \
    "str r4, [lr, #-12]\n"                                                                          \
    "sxtb16 r10, r7\n"                                                                              \
    "sxtb16 r7, r7, ror #8\n"                                                                       \
    "sxtb16 r11, r8\n"                                                                              \
    "sxtb16 r8, r8, ror #8\n"                                                                       \
    "smlad r0, r10, r5, r0\n"                                                                       \
    "smlabb r0, r7, r6, r0\n"                                                                       \
    "smlatb r1, r10, r5, r1\n"                                                                      \
    "smlatb r1, r7, r6, r1\n"                                                                       \
    "smlabt r1, r11, r5, r1\n"                                                                      \
    "smlad r2, r11, r5, r2\n"                                                                       \
    "smlabb r2, r8, r6, r2\n"                                                                       \
    "smlatb r3, r11, r5, r3\n"                                                                      \
    "smlatb r3, r8, r6, r3\n"                                                                       \
    "smlabt r3, r9, r5, r3\n"

#define ROWS_OF_3_STRIDE_2 TWO_ROWS_OF_3_STRIDE_2 LAST_ROW_OF_3_STRIDE_2

/* r6, r8, r9: taps 0, 2 and 4; r7: 1 and 3 in turn. */
#define TWO_ROWS_OF_5_STRIDE_2                                                                      \
    "ldmia lr!, {r4, r5, r6, r7, r8}\n"                                                             \
    "ldr r9, [lr, #4]\n"                                                                            \
    "ldr r11, [r4], #4\n"                                                                           \
    "ldr r12, [r5], #4\n" PAIR_WORDS                                                                \
    COLUMN_0 ADD(0, "r6")                                                                           \
    COLUMN_1 ADD(0, "r7")                                                                           \
    COLUMN_2 ADD(0, "r8") ADD(1, "r6")                                                              \
    COLUMN_3 ADD(1, "r7") "ldr r7, [lr]\n" ADD(0, "r7")                                             \
    "ldr r11, [r4], #4\n"                                                                           \
    "ldr r12, [r5], #4\n" PAIR_WORDS                                                                \
    COLUMN_0 ADD(0, "r9") ADD(1, "r8") ADD(2, "r6")                                                 \
    COLUMN_1 ADD(1, "r7") "ldr r7, [lr, #-8]\n" ADD(2, "r7")                                        \
    COLUMN_2 ADD(1, "r9") ADD(2, "r8") ADD(3, "r6")                                                 \
    COLUMN_3 ADD(3, "r7") "ldr r7, [lr], #8\n" ADD(2, "r7")                                         \
    "ldrh r11, [r4]\n"                                                                              \
    "ldrh r12, [r5]\n"                                                                              \
    "pkhbt r10, r11, r12, lsl #16\n"                                                                \
    COLUMN_0 ADD(2, "r9") ADD(3, "r8")                                                              \
    COLUMN_1 ADD(3, "r7")                                                                           \
    "ldrsb r11, [r4, #2]\n"                                                                         \
    "ldrsb r12, [r5, #2]\n"                                                                         \
    "pkhbt r11, r11, r12, lsl #16\n" ADD(3, "r9")                                                   \
    "strd r4, r5, [lr, #-28]\n"

/* r5, r6, r7: taps 0 and 2, 1 and 3, 4. */
#define LAST_ROW_OF_5_STRIDE_2                                                                      \
    "ldmia lr!, {r4, r5, r6, r7}\n"                                                                 \
    "ldr r8, [r4], #4\n"                                                                            \
    "ldr r9, [r4], #4\n"                                                                            \
    "str r4, [lr, #-16]\n"                                                                          \
    "sxtb16 r10, r8\n"                                                                              \
    "sxtb16 r8, r8, ror #8\n"                                                                       \
    "sxtb16 r11, r9\n"                                                                              \
    "sxtb16 r9, r9, ror #8\n"                                                                       \
    "smlad r0, r10, r5, r0\n"                                                                       \
    "smlad r0, r8, r6, r0\n"                                                                        \
    "smlabb r0, r11, r7, r0\n"                                                                      \
    "pkhbt r10, r11, r10\n"                                                                         \
    "smladx r1, r10, r5, r1\n"                                                                      \
    "pkhbt r8, r9, r8\n"                                                                            \
    "smladx r1, r8, r6, r1\n"                                                                       \
    "smlatb r1, r11, r7, r1\n"                                                                      \
    "smlad r2, r11, r5, r2\n"                                                                       \
    "smlad r2, r9, r6, r2\n"                                                                        \
    "ldrsb r12, [r4]\n"                                                                             \
    "smlabb r2, r12, r7, r2\n"                                                                      \
    "pkhbt r12, r12, r11\n"                                                                         \
    "smladx r3, r12, r5, r3\n"                                                                      \
    "ldrsb r12, [r4, #1]\n"                                                                         \
    "pkhbt r12, r12, r9\n"                                                                          \
    "smladx r3, r12, r6, r3\n"                                                                      \
    "ldrsb r12, [r4, #2]\n"                                                                         \
    "smlabb r3, r12, r7, r3\n"

#define ROWS_OF_5_STRIDE_2                                                                          \
    FOUR_SUMS TWO_ROWS_OF_5_STRIDE_2 TWO_ROWS_OF_5_STRIDE_2 LAST_ROW_OF_5_STRIDE_2

/* Even columns with taps 0, 2, 4 and 6 first, then odd ones with taps 1, 3 and 5. */
#define TWO_ROWS_OF_7_STRIDE_2                                                                      \
    "ldrd r4, r5, [lr], #8\n"                                                                       \
    "ldr r6, [lr, #0]\n"                                                                            \
    "ldr r7, [lr, #8]\n"                                                                            \
    "ldr r8, [lr, #16]\n"                                                                           \
    "ldr r9, [lr, #24]\n"                                                                           \
    "ldr r11, [r4, #0]\n"                                                                           \
    "ldr r12, [r5, #0]\n" PAIR_WORDS                                                                \
    COLUMN_0 ADD(0, "r6")                                                                           \
    COLUMN_2 ADD(0, "r7") ADD(1, "r6")                                                              \
    "ldr r11, [r4, #4]\n"                                                                           \
    "ldr r12, [r5, #4]\n" PAIR_WORDS                                                                \
    COLUMN_0 ADD(0, "r8") ADD(1, "r7") ADD(2, "r6")                                                 \
    COLUMN_2 ADD(0, "r9") ADD(1, "r8") ADD(2, "r7") ADD(3, "r6")                                    \
    "ldr r11, [r4, #8]\n"                                                                           \
    "ldr r12, [r5, #8]\n" PAIR_WORDS                                                                \
    COLUMN_0 ADD(1, "r9") ADD(2, "r8") ADD(3, "r7")                                                 \
    COLUMN_2 ADD(2, "r9") ADD(3, "r8")                                                              \
    "ldrsb r11, [r4, #12]\n"                                                                        \
    "ldrsb r12, [r5, #12]\n"                                                                        \
    "pkhbt r11, r11, r12, lsl #16\n" ADD(3, "r9")                                                   \
    "ldr r6, [lr, #4]\n"                                                                            \
    "ldr r7, [lr, #12]\n"                                                                           \
    "ldr r8, [lr, #20]\n"                                                                           \
    "ldr r11, [r4, #0]\n"                                                                           \
    "ldr r12, [r5, #0]\n" PAIR_WORDS                                                                \
    COLUMN_1 ADD(0, "r6")                                                                           \
    COLUMN_3 ADD(0, "r7") ADD(1, "r6")                                                              \
    "ldr r11, [r4, #4]\n"                                                                           \
    "ldr r12, [r5, #4]\n" PAIR_WORDS                                                                \
    COLUMN_1 ADD(0, "r8") ADD(1, "r7") ADD(2, "r6")                                                 \
    COLUMN_3 ADD(1, "r8") ADD(2, "r7") ADD(3, "r6")                                                 \
    "ldr r11, [r4, #8]\n"                                                                           \
    "ldr r12, [r5, #8]\n" PAIR_WORDS                                                                \
    COLUMN_1 ADD(2, "r8") ADD(3, "r7")                                                              \
    COLUMN_3 ADD(3, "r8")                                                                           \
    "add r4, r4, #8\n"                                                                              \
    "add r5, r5, #8\n"                                                                              \
    "strd r4, r5, [lr, #-8]\n"                                                                      \
    "add lr, lr, #28\n"

/* r5, r6, r7, r8: taps 0 and 2, 1 and 3, 4 and 6, 5. */
#define LAST_ROW_OF_7_STRIDE_2                                                                      \
    "ldmia lr!, {r4, r5, r6, r7, r8}\n"                                                             \
    "ldr r10, [r4], #4\n"                                                                           \
    "ldr r12, [r4], #4\n"                                                                           \
    "str r4, [lr, #-20]\n"                                                                          \
    "sxtb16 r9, r10\n"                                                                              \
    "sxtb16 r10, r10, ror #8\n"                                                                     \
    "sxtb16 r11, r12\n"                                                                             \
    "sxtb16 r12, r12, ror #8\n"                                                                     \
    "smlad r0, r9, r5, r0\n"                                                                        \
    "smlad r0, r10, r6, r0\n"                                                                       \
    "smlad r0, r11, r7, r0\n"                                                                       \
    "smlabb r0, r12, r8, r0\n"                                                                      \
    "pkhbt r9, r11, r9\n"                                                                           \
    "smladx r1, r9, r5, r1\n"                                                                       \
    "pkhbt r10, r12, r10\n"                                                                         \
    "smladx r1, r10, r6, r1\n"                                                                      \
    "smlatb r1, r12, r8, r1\n"                                                                      \
    "smlad r2, r11, r5, r2\n"                                                                       \
    "smlad r2, r12, r6, r2\n"                                                                       \
    "ldr r10, [r4]\n"                                                                               \
    "sxtb16 r9, r10\n"                                                                              \
    "sxtb16 r10, r10, ror #8\n"                                                                     \
    "pkhbt r11, r9, r11\n"                                                                          \
    "smladx r1, r11, r7, r1\n"                                                                      \
    "smladx r3, r11, r5, r3\n"                                                                      \
    "smlad r2, r9, r7, r2\n"                                                                        \
    "smlabb r2, r10, r8, r2\n"                                                                      \
    "pkhbt r12, r10, r12\n"                                                                         \
    "smladx r3, r12, r6, r3\n"                                                                      \
    "ldrsb r11, [r4, #4]\n"                                                                         \
    "pkhbt r11, r11, r9\n"                                                                          \
    "smladx r3, r11, r7, r3\n"                                                                      \
    "smlatb r3, r10, r8, r3\n"

#define THREE_PAIRS_OF_7_STRIDE_2                                                                   \
    TWO_ROWS_OF_7_STRIDE_2 TWO_ROWS_OF_7_STRIDE_2 TWO_ROWS_OF_7_STRIDE_2
#define ROWS_OF_7_STRIDE_2 FOUR_SUMS THREE_PAIRS_OF_7_STRIDE_2 LAST_ROW_OF_7_STRIDE_2

#endif
