/* Stops an emulated core before an access that a real one faults on for its alignment.

   A Cortex-M4 or M7 loads and stores single words anywhere, but LDM, STM, LDRD, STRD and the loads
   and stores of the FPU want a multiple of four (Armv7-M A3.2.1). The emulator does not know. In each of these instructions the offset is a multiple of four, so that the base
   register decides. The emulator calls before each instruction that takes effect; a conditional one
   whose condition does not hold is none. */
#include "emulator.h"

typedef struct {
    uint64_t base;        /* address of the first code byte */
    uint64_t bytes;       /* of code */
    const uint16_t *code; /* the instructions */
    read_register_t read_register;
    stop_t stop;
    int32_t registers[16]; /* the emulator's numbers of r0 to r15 */
    int32_t stopped;
    uint32_t pc, address; /* of the instruction that was stopped, and of its access */
} checker_t;

#define NOT_CHECKED 15 /* relative to the program counter, which is aligned by the instruction */

static unsigned base_register(const uint16_t *code, uint32_t size) {
    uint16_t first = code[0];
    if (size == 2) return (first & 0xf000) == 0xc000 ? first >> 8 & 7 : NOT_CHECKED;
    if ((first & 0xfe00) == 0xe800) {
        /* LDM and STM without bit 6; with it LDRD and STRD, which either index or write back, or
           others: table branches, and exclusive accesses, which the emulator does not take. */
        int multiple = !(first & 0x40), twice = first & 0x120;
        return multiple || twice ? first & 15 : NOT_CHECKED;
    }
    int of_fpu = (first & 0xfe00) == 0xec00 && (code[1] & 0x0e00) == 0x0a00;
    int between_registers = (first & 0xffe0) == 0xec40;
    return of_fpu && !between_registers ? first & 15 : NOT_CHECKED;
}

void hook_call(void *core, uint64_t address, uint32_t size, void *data) {
    checker_t *c = data;
    uint64_t offset = address - c->base;
    if (offset >= c->bytes || size > c->bytes - offset) return;
    const uint16_t *code = c->code + offset / 2;
    unsigned base = base_register(code, size);
    if (base == NOT_CHECKED) return;
    uint32_t start = read_register(c->read_register, core, c->registers[base]);
    if (start % 4 == 0) return;
    c->stopped = 1;
    c->pc = (uint32_t)address;
    c->address = start;
    c->stop(core);
}
