/* What hooks of the emulator share; for this machine, not for boards. */
#ifndef TINYML_EMULATOR_H
#define TINYML_EMULATOR_H

#include <stdint.h>

typedef int (*read_register_t)(void *core, int number, void *value);
typedef int (*stop_t)(void *core);

/* 0b11101, 0b11110 and 0b11111 begin an instruction of four bytes (Armv7-M A5.1). */
static inline int is_long(uint16_t halfword) { return halfword >> 11 >= 0x1d; }

static inline uint32_t read_register(read_register_t read, void *core, int number) {
    uint32_t value = 0;
    read(core, number, &value);
    return value;
}

#endif
