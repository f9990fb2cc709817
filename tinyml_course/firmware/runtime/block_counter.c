/* Counts the instructions of an emulated core, block by block.

   The emulator calls whenever a straight run of instructions begins. counting.py has the same rules
   in Python, for where this cannot be compiled. */
#include "emulator.h"

#define DEEPEST 16

typedef struct {
    uint64_t base;          /* address of the first code byte */
    uint64_t bytes;         /* of code */
    uint64_t limit;         /* instructions */
    uint64_t total;         /* instructions so far */
    const uint16_t *code;   /* the instructions */
    uint32_t *block_bytes;  /* per half-word: length of the block that begins there, as last seen */
    uint32_t *block_count;  /* per half-word: its instructions */
    uint64_t *executed;     /* per half-word: instructions run in blocks that begin there */
    const uint16_t *entry;  /* per half-word: number of the operator that begins there, or 0 */
    uint64_t *per_operator; /* instructions by number of operator; 0 is none */
    int64_t *changes;       /* per operator and half-word: blocks that begin, less those that end */
    int64_t *jumps;         /* the same: blocks that end, and the next begins elsewhere */
    uint64_t behind;        /* half-word behind the last block, UINT64_MAX at the start */
    uint64_t behind_row;    /* where the half-words of that block's operator begin in jumps */
    read_register_t read_register;
    stop_t stop;
    int32_t stack_pointer, link_register; /* the emulator's numbers of these registers */
    int32_t stopped;                      /* 1: limit reached, 2: execution outside of the code */
    uint32_t running;                     /* number of the operator that runs, or 0 */
    uint32_t depth;
    struct {
        uint32_t back, stack, before; /* return address, stack pointer, operator that called */
    } calls[DEEPEST];
} counter_t;

static uint32_t instructions(const uint16_t *code, uint32_t halfwords) {
    uint32_t count = 0;
    for (uint32_t i = 0; i < halfwords; count++) i += is_long(code[i]) ? 2 : 1;
    return count;
}

static void enter(counter_t *c, void *core, uint32_t operator_number) {
    uint32_t back = read_register(c->read_register, core, c->link_register) & ~1u;
    uint32_t stack = read_register(c->read_register, core, c->stack_pointer);
    /* A loop may lead back to the first instruction; that is no second call. */
    if (c->depth && c->running == operator_number && c->calls[c->depth - 1].back == back &&
        c->calls[c->depth - 1].stack == stack)
        return;
    c->calls[c->depth].back = back;
    c->calls[c->depth].stack = stack;
    c->calls[c->depth++].before = c->running;
    c->running = operator_number;
}

void hook_call(void *core, uint64_t address, uint32_t size, void *data) {
    counter_t *c = data;
    uint64_t offset = address - c->base;
    if (offset >= c->bytes || size > c->bytes - offset) {
        c->stopped = 2;
        c->stop(core);
        return;
    }
    uint64_t at = offset / 2;
    if (c->block_bytes[at] != size) {
        c->block_bytes[at] = size;
        c->block_count[at] = instructions(c->code + at, size / 2);
    }
    /* An operator is over when its caller goes on: at the return address, with the stack as it was
       on entry. */
    while (c->depth && c->calls[c->depth - 1].back == (uint32_t)address &&
           read_register(c->read_register, core, c->stack_pointer) >= c->calls[c->depth - 1].stack)
        c->running = c->calls[--c->depth].before;
    if (c->entry[at] && c->depth < DEEPEST) enter(c, core, c->entry[at]);
    uint32_t count = c->block_count[at];
    c->executed[at] += count;
    c->per_operator[c->running] += count;
    c->total += count;
    uint64_t row = c->running * (c->bytes / 2 + 1);
    c->changes[row + at]++;
    c->changes[row + at + size / 2]--;
    if (c->behind != at && c->behind != UINT64_MAX) c->jumps[c->behind_row + c->behind]++;
    c->behind = at + size / 2;
    c->behind_row = row;
    if (c->total > c->limit) {
        c->stopped = 1;
        c->stop(core);
    }
}
