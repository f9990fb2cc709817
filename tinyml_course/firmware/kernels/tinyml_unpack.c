/* A group is 32 weights in as many words as they have bits, in planes of 4, 2 and 1 of them. */
#include "tinyml_unpack.h"

#include "tinyml_dsp.h"

#define GROUP 32
#define GROUP_WORDS 8 /* of unpacked weights */
#define EACH_BYTE 0x01010101u
#define EACH_PAIR 0x01000100u /* the last bit of the second of two bytes */
#define UNROLL _Pragma("clang loop unroll(full)")
#define KEEP_ROLLED _Pragma("clang loop unroll(disable)")

/* Four fields of a plane, one from each byte, from bit `low` of a byte on. */
TINYML_DSP uint32_t fields(const int32_t *plane, int32_t width, int32_t k, int32_t low) {
    int32_t in_byte = 8 / width, right = width * (k % in_byte);
    uint32_t word = (uint32_t)plane[k / in_byte], mask = ((1u << width) - 1) * EACH_BYTE << low;
    return (right > low ? word >> (right - low) : word << (low - right)) & mask;
}

/* Word k of a group's weights. */
TINYML_DSP uint32_t unpacked_word(const int32_t *group, const int32_t bits, int32_t k) {
    int32_t fours = bits & 4, twos = bits & 2, low = 8 - bits;
    uint32_t word = 0;
    if (fours) word = fields(group, 4, k, low);
    if (twos) word |= fields(group + fours, 2, k, low + fours);
    if (bits & 1) word |= fields(group + fours + twos, 1, k, low + fours + twos);
    return word ^ 0x80 * EACH_BYTE;
}

TINYML_DSP void unpack(
    const int32_t *packed, int8_t *to, int32_t count, int32_t carried, const int32_t bits
) {
    int8_t last[GROUP] __attribute__((aligned(4)));
    for (; count > 0; count -= GROUP, carried -= GROUP, to += GROUP, packed += bits) {
        int8_t *group = count >= GROUP ? to : last;
        uint32_t carries = carried >= GROUP ? EACH_PAIR : 0;
        UNROLL for (int32_t k = 0; k < GROUP_WORDS; k++) {
            uint32_t word = unpacked_word(packed, bits, k);
            dsp_store(group + 4 * k, dsp_ssub16(word, word << 1 & carries));
        }
        if (carries == 0) /* where the carries end, and behind it */
            KEEP_ROLLED for (int32_t i = 0; i < carried; i += 2) group[i + 1] -= group[i] < 0;
        if (group == last)
            KEEP_ROLLED for (int32_t i = 0; i < count; i += 4) dsp_store(to + i, dsp_load(last + i));
    }
}

#define TINYML_UNPACK(name, bits)                                                       \
    void name(const int32_t *packed, int8_t *to, int32_t count, int32_t carried) {      \
        unpack(packed, to, count, carried, bits);                                       \
    }

TINYML_UNPACK(tinyml_unpack_2, 2)
TINYML_UNPACK(tinyml_unpack_3, 3)
TINYML_UNPACK(tinyml_unpack_4, 4)
TINYML_UNPACK(tinyml_unpack_5, 5)
TINYML_UNPACK(tinyml_unpack_6, 6)
TINYML_UNPACK(tinyml_unpack_7, 7)
