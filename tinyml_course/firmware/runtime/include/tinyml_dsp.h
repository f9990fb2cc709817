/* The DSP instructions of the Cortex-M4 and M7, by their names, and what they compute elsewhere.

   A 32-bit word is a pair of 16-bit lanes or four 8-bit lanes, the lowest at the bottom. On a core
   with the DSP extension each function is its instruction (with `_ror8`: rotated first, in the same
   instruction); anywhere else, or with TINYML_DSP_PORTABLE defined, it is plain C with the same
   result for every operand. Sums wrap around in 32 bits, as those of the instructions do; the sticky
   Q flag is not modelled. Semantics: Armv7-M Architecture Reference Manual, A7.7. */
#ifndef TINYML_DSP_H
#define TINYML_DSP_H

#include <stdint.h>
#include <string.h>

#define TINYML_DSP static inline __attribute__((always_inline, unused))

#if defined(__ARM_FEATURE_DSP) && !defined(TINYML_DSP_PORTABLE)
#define TINYML_DSP_NATIVE 1
#include <arm_acle.h>
#else
#define TINYML_DSP_NATIVE 0
#endif

/* ---- Lanes ------------------------------------------------------------------------------------ */

TINYML_DSP int32_t dsp_low(uint32_t x) { return (int16_t)x; }
TINYML_DSP int32_t dsp_high(uint32_t x) { return (int16_t)(x >> 16); }
TINYML_DSP uint32_t dsp_ror8(uint32_t x) { return x >> 8 | x << 24; }

/* PKHBT Rd, x, y, LSL #16: the low lanes of x and, above it, of y. */
TINYML_DSP uint32_t dsp_pkhbt(uint32_t x, uint32_t y) { return (x & 0xffffu) | y << 16; }

/* PKHTB Rd, x, y, ASR #16: the high lane of y and, above it, that of x. */
TINYML_DSP uint32_t dsp_pkhtb(uint32_t x, uint32_t y) { return (x & 0xffff0000u) | y >> 16; }

/* ---- Loads and stores that need no alignment (LDR and STR need none on these cores) ------------ */

TINYML_DSP uint32_t dsp_load(const void *from) {
    uint32_t word;
    memcpy(&word, from, sizeof word);
    return word;
}

TINYML_DSP void dsp_store(void *to, uint32_t word) { memcpy(to, &word, sizeof word); }

/* ---- Bytes to half-words ---------------------------------------------------------------------- */

/* SXTB16: bytes 0 and 2, with their signs. */
TINYML_DSP uint32_t dsp_sxtb16(uint32_t x) {
#if TINYML_DSP_NATIVE
    return (uint32_t)__sxtb16((int32_t)x);
#else
    return dsp_pkhbt((uint32_t)(int8_t)x, (uint32_t)(int8_t)(x >> 16));
#endif
}

/* UXTB16: bytes 0 and 2, without signs. */
TINYML_DSP uint32_t dsp_uxtb16(uint32_t x) {
#if TINYML_DSP_NATIVE
    return (uint32_t)__uxtb16((int32_t)x);
#else
    return x & 0x00ff00ffu;
#endif
}

/* SADD16: lane by lane, wrapping. */
TINYML_DSP uint32_t dsp_sadd16(uint32_t x, uint32_t y) {
#if TINYML_DSP_NATIVE
    return (uint32_t)__sadd16((int32_t)x, (int32_t)y);
#else
    return dsp_pkhbt(x + y, (x >> 16) + (y >> 16));
#endif
}

/* SSUB16: x - y lane by lane, wrapping. */
TINYML_DSP uint32_t dsp_ssub16(uint32_t x, uint32_t y) {
#if TINYML_DSP_NATIVE
    return (uint32_t)__ssub16((int32_t)x, (int32_t)y);
#else
    return dsp_pkhbt(x - y, (x >> 16) - (y >> 16));
#endif
}

/* SXTAB16: bytes 0 and 2 of x, with their signs, added to the lanes of sum. */
TINYML_DSP uint32_t dsp_sxtab16(uint32_t sum, uint32_t x) {
#if TINYML_DSP_NATIVE
    return (uint32_t)__sxtab16((int32_t)sum, (int32_t)x);
#else
    return dsp_sadd16(sum, dsp_sxtb16(x));
#endif
}

/* UXTAB16: the same without signs. */
TINYML_DSP uint32_t dsp_uxtab16(uint32_t sum, uint32_t x) {
#if TINYML_DSP_NATIVE
    return (uint32_t)__uxtab16((int32_t)sum, (int32_t)x);
#else
    return dsp_sadd16(sum, dsp_uxtb16(x));
#endif
}

/* The same of bytes 1 and 3. */
TINYML_DSP uint32_t dsp_sxtb16_ror8(uint32_t x) { return dsp_sxtb16(dsp_ror8(x)); }
TINYML_DSP uint32_t dsp_uxtb16_ror8(uint32_t x) { return dsp_uxtb16(dsp_ror8(x)); }
TINYML_DSP uint32_t dsp_sxtab16_ror8(uint32_t s, uint32_t x) { return dsp_sxtab16(s, dsp_ror8(x)); }
TINYML_DSP uint32_t dsp_uxtab16_ror8(uint32_t s, uint32_t x) { return dsp_uxtab16(s, dsp_ror8(x)); }

/* ---- Products --------------------------------------------------------------------------------- */

/* SMLABB and so on: the product of one lane of x and one of y, added to sum. B is the low lane, T the
   high one. Written as plain C: the compiler knows these instructions. */
TINYML_DSP int32_t dsp_add(int32_t x, int32_t y) { return (int32_t)((uint32_t)x + (uint32_t)y); }

TINYML_DSP int32_t dsp_smlabb(uint32_t x, uint32_t y, int32_t sum) {
    return dsp_add(dsp_low(x) * dsp_low(y), sum);
}
TINYML_DSP int32_t dsp_smlabt(uint32_t x, uint32_t y, int32_t sum) {
    return dsp_add(dsp_low(x) * dsp_high(y), sum);
}
TINYML_DSP int32_t dsp_smlatb(uint32_t x, uint32_t y, int32_t sum) {
    return dsp_add(dsp_high(x) * dsp_low(y), sum);
}
TINYML_DSP int32_t dsp_smlatt(uint32_t x, uint32_t y, int32_t sum) {
    return dsp_add(dsp_high(x) * dsp_high(y), sum);
}

/* SMUAD: low * low + high * high. */
TINYML_DSP int32_t dsp_smuad(uint32_t x, uint32_t y) {
#if TINYML_DSP_NATIVE
    return __smuad((int32_t)x, (int32_t)y);
#else
    return dsp_smlatt(x, y, dsp_smlabb(x, y, 0));
#endif
}

/* SMUADX: low * high + high * low. */
TINYML_DSP int32_t dsp_smuadx(uint32_t x, uint32_t y) {
#if TINYML_DSP_NATIVE
    return __smuadx((int32_t)x, (int32_t)y);
#else
    return dsp_smlatb(x, y, dsp_smlabt(x, y, 0));
#endif
}

/* SMLAD: low * low + high * high + sum. */
TINYML_DSP int32_t dsp_smlad(uint32_t x, uint32_t y, int32_t sum) {
#if TINYML_DSP_NATIVE
    return __smlad((int32_t)x, (int32_t)y, sum);
#else
    return dsp_smlatt(x, y, dsp_smlabb(x, y, sum));
#endif
}

/* SMLADX: low * high + high * low + sum. */
TINYML_DSP int32_t dsp_smladx(uint32_t x, uint32_t y, int32_t sum) {
#if TINYML_DSP_NATIVE
    return __smladx((int32_t)x, (int32_t)y, sum);
#else
    return dsp_smlatb(x, y, dsp_smlabt(x, y, sum));
#endif
}

/* SMLALD: low * low + high * high + sum, in 64 bits. */
TINYML_DSP int64_t dsp_smlald(uint32_t x, uint32_t y, int64_t sum) {
#if TINYML_DSP_NATIVE
    return __smlald((int32_t)x, (int32_t)y, sum);
#else
    int64_t products = (int64_t)dsp_low(x) * dsp_low(y) + (int64_t)dsp_high(x) * dsp_high(y);
    return (int64_t)((uint64_t)sum + (uint64_t)products);
#endif
}

/* SMMUL: the upper 32 bits of a 64-bit product. */
TINYML_DSP int32_t dsp_smmul(int32_t x, int32_t y) { return (int32_t)((int64_t)x * y >> 32); }

/* SMMULR: the same, rounded to nearest, halves upwards. */
TINYML_DSP int32_t dsp_smmulr(int32_t x, int32_t y) {
#if TINYML_DSP_NATIVE
    int32_t upper;
    __asm("smmulr %0, %1, %2" : "=r"(upper) : "r"(x), "r"(y));
    return upper;
#else
    return (int32_t)(((int64_t)x * y + 0x80000000ll) >> 32);
#endif
}

/* ---- Saturation ------------------------------------------------------------------------------- */

TINYML_DSP int32_t dsp_clamp(int32_t x, int32_t least, int32_t most) {
    return x < least ? least : x > most ? most : x;
}

/* SSAT, USAT, SSAT16, USAT16: to `bits` bits with or without a sign; `bits` is a constant, 1 to 32
   (USAT 0 to 31, SSAT16 1 to 16, USAT16 0 to 15). USAT takes a signed number. */
#if TINYML_DSP_NATIVE
#define dsp_ssat(x, bits) __ssat(x, bits)
#define dsp_usat(x, bits) ((int32_t)__usat(x, bits))
#define dsp_ssat16(x, bits) ((uint32_t)__ssat16((int32_t)(x), bits))
#define dsp_usat16(x, bits) ((uint32_t)__usat16((int32_t)(x), bits))
#else
TINYML_DSP int32_t dsp_ssat(int32_t x, int bits) {
    int32_t most = (int32_t)((1u << (bits - 1)) - 1);
    return dsp_clamp(x, -most - 1, most);
}
TINYML_DSP int32_t dsp_usat(int32_t x, int bits) {
    return dsp_clamp(x, 0, (int32_t)((1u << bits) - 1));
}
TINYML_DSP uint32_t dsp_ssat16(uint32_t x, int bits) {
    return dsp_pkhbt((uint32_t)dsp_ssat(dsp_low(x), bits), (uint32_t)dsp_ssat(dsp_high(x), bits));
}
TINYML_DSP uint32_t dsp_usat16(uint32_t x, int bits) {
    return dsp_pkhbt((uint32_t)dsp_usat(dsp_low(x), bits), (uint32_t)dsp_usat(dsp_high(x), bits));
}
#endif

TINYML_DSP int32_t dsp_saturated(int64_t x) {
    return x > INT32_MAX ? INT32_MAX : x < INT32_MIN ? INT32_MIN : (int32_t)x;
}

/* QADD, QSUB: x + y and x - y, saturated to 32 bits. */
TINYML_DSP int32_t dsp_qadd(int32_t x, int32_t y) {
#if TINYML_DSP_NATIVE
    return __qadd(x, y);
#else
    return dsp_saturated((int64_t)x + y);
#endif
}

TINYML_DSP int32_t dsp_qsub(int32_t x, int32_t y) {
#if TINYML_DSP_NATIVE
    return __qsub(x, y);
#else
    return dsp_saturated((int64_t)x - y);
#endif
}

#endif
