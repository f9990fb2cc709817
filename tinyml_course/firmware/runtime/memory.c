/* Copying and filling. The compiler calls these for memcpy and its relatives; those of its own
   run-time library take three times the instructions.

   LDM and STM move eight words at once between aligned addresses; they fault on others, where LDR
   and STR do not (Armv7-M A3.2.1). */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

typedef uint32_t __attribute__((aligned(1), may_alias)) word_t;

#define BLOCK_BYTES 32
#define BLOCK "{r3-r6, r8-r10, r12}"
#define BLOCK_REGISTERS "r3", "r4", "r5", "r6", "r8", "r9", "r10", "r12"
#define ALIGNED(p) ((uintptr_t)(p) % 4 == 0)

/* From the lowest address on. All of a step is read before any of it is written. */
static inline void copy_upwards(uint8_t *to, const uint8_t *from, size_t bytes) {
    if (bytes >= BLOCK_BYTES && ALIGNED(to) && ALIGNED(from)) {
        /* Counted down to zero, the loop needs no comparison. */
        for (size_t blocks = bytes / BLOCK_BYTES; blocks; blocks--)
            __asm volatile("ldmia %1!, " BLOCK "\n\tstmia %0!, " BLOCK
                           : "+r"(to), "+r"(from)::BLOCK_REGISTERS, "memory");
        bytes %= BLOCK_BYTES;
    }
    for (; bytes >= 16; bytes -= 16, to += 16, from += 16) {
        const word_t *f = (const word_t *)from;
        uint32_t a = f[0], b = f[1], c = f[2], d = f[3];
        word_t *t = (word_t *)to;
        t[0] = a, t[1] = b, t[2] = c, t[3] = d;
    }
    for (; bytes >= 4; bytes -= 4, to += 4, from += 4) *(word_t *)to = *(const word_t *)from;
    while (bytes--) *to++ = *from++;
}

/* From the highest address on. */
static inline void copy_downwards(uint8_t *to, const uint8_t *from, size_t bytes) {
    to += bytes;
    from += bytes;
    for (; bytes >= 4; bytes -= 4) {
        to -= 4;
        from -= 4;
        *(word_t *)to = *(const word_t *)from;
    }
    while (bytes--) *--to = *--from;
}

void *memcpy(void *restrict to, const void *restrict from, size_t bytes) {
    copy_upwards(to, from, bytes);
    return to;
}

void *memmove(void *to, const void *from, size_t bytes) {
    /* Upwards is right unless the target begins within the source. */
    if ((uintptr_t)to - (uintptr_t)from >= bytes)
        copy_upwards(to, from, bytes);
    else
        copy_downwards(to, from, bytes);
    return to;
}

void *memset(void *to, int value, size_t bytes) {
    uint8_t *t = to;
    uint32_t word = (uint8_t)value * 0x01010101u;
    for (; bytes >= BLOCK_BYTES; bytes -= BLOCK_BYTES, t += BLOCK_BYTES) {
        word_t *w = (word_t *)t;
        w[0] = w[1] = w[2] = w[3] = w[4] = w[5] = w[6] = w[7] = word;
    }
    for (; bytes >= 4; bytes -= 4, t += 4) *(word_t *)t = word;
    while (bytes--) *t++ = (uint8_t)value;
    return to;
}

int memcmp(const void *one, const void *other, size_t bytes) {
    const uint8_t *a = one, *b = other;
    for (; bytes && *a == *b; bytes--) a++, b++;
    return bytes ? *a - *b : 0;
}

/* The names by which compiled code calls them (Run-time ABI for the Arm Architecture, 4.3.4). */
#define ALIAS(of) __attribute__((alias(#of)))
void __aeabi_memcpy(void *, const void *, size_t) ALIAS(memcpy);
void __aeabi_memcpy4(void *, const void *, size_t) ALIAS(memcpy);
void __aeabi_memcpy8(void *, const void *, size_t) ALIAS(memcpy);
void __aeabi_memmove(void *, const void *, size_t) ALIAS(memmove);
void __aeabi_memmove4(void *, const void *, size_t) ALIAS(memmove);
void __aeabi_memmove8(void *, const void *, size_t) ALIAS(memmove);

/* Here the number of bytes comes before the value. */
void __aeabi_memset(void *to, size_t bytes, int value) { memset(to, value, bytes); }
void __aeabi_memclr(void *to, size_t bytes) { memset(to, 0, bytes); }
void __aeabi_memset4(void *, size_t, int) ALIAS(__aeabi_memset);
void __aeabi_memset8(void *, size_t, int) ALIAS(__aeabi_memset);
void __aeabi_memclr4(void *, size_t) ALIAS(__aeabi_memclr);
void __aeabi_memclr8(void *, size_t) ALIAS(__aeabi_memclr);
