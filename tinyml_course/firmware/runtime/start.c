/* What a Cortex-M runs before and after main: the vector table, SRAM as C expects it, the FPU. */
#include <stdint.h>

/* Laid down by the linker script. */
extern uint32_t tinyml_stack_top[];
extern const uint32_t tinyml_data_load[];
extern uint32_t tinyml_data_start[], tinyml_data_end[];
extern uint32_t tinyml_bss_start[], tinyml_bss_end[];

int main(void);

/* An image of single functions that are called from outside needs no program of its own. */
__attribute__((weak)) int main(void) { return 0; }

/* The program is over once the core is here, with its result in r0. */
__attribute__((noreturn, noinline, used)) void tinyml_exit(int result) {
    for (;;) __asm volatile("" ::"r"(result));
}

__attribute__((noinline, used)) void tinyml_start(void) {
    /* Coprocessors 10 and 11 are the FPU; it is off after reset (CPACR, Armv7-M B3.2.20). */
    *(volatile uint32_t *)0xE000ED88u |= 0xFu << 20;
    __asm volatile("dsb\n\tisb" ::: "memory");
    const uint32_t *from = tinyml_data_load;
    for (uint32_t *to = tinyml_data_start; to < tinyml_data_end;) *to++ = *from++;
    for (uint32_t *to = tinyml_bss_start; to < tinyml_bss_end;) *to++ = 0;
}

__attribute__((noreturn, used)) void Reset_Handler(void) {
    tinyml_start();
    tinyml_exit(main());
}

/* A fault or an interrupt nobody asked for: stay here, where a debugger finds it. */
__attribute__((used)) static void Default_Handler(void) {
    for (;;) __asm volatile("");
}

__attribute__((section(".vectors"), used)) static const void *const vectors[16] = {
    tinyml_stack_top, (const void *)Reset_Handler,
    [2 ... 15] = (const void *)Default_Handler,
};
