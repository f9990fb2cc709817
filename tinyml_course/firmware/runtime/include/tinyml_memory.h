/* Where data lies and what may be inlined. */
#ifndef TINYML_MEMORY_H
#define TINYML_MEMORY_H

#if defined(__arm__)
/* SRAM that start-up code does not clear: `TINYML_ARENA static int8_t arena[1000];` */
#define TINYML_ARENA __attribute__((section(".noinit.arena"), aligned(16)))
#else
#define TINYML_ARENA __attribute__((aligned(16)))
#endif

/* A function that stays one, so that instructions and faults can be attributed to it. */
#define TINYML_OPERATOR __attribute__((noinline, used))

#endif
