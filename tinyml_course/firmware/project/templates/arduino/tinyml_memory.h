/* Where data lies and what may be inlined; for Arduino, whose linker scripts know no section that
   start-up code leaves as it is. */
#ifndef TINYML_MEMORY_H
#define TINYML_MEMORY_H

#define TINYML_ARENA __attribute__((aligned(16)))
#define TINYML_OPERATOR __attribute__((noinline, used))

#endif
