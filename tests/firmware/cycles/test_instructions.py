"""Classes of instructions: written in assembler under the class that Arm's manual puts them in."""

import numpy as np
import pytest

pytest.importorskip("ziglang", reason="needs the extra 'firmware'")

from tinyml_course.firmware import build
from tinyml_course.firmware.counting import Code
from tinyml_course.firmware.cycles.instructions import CLASSES, Decoded, decode
from tinyml_course.mcu import board

# By class. A CBZ to the instruction behind it would become a NOP.
BY_CLASS = {
    "alu": """lsls r0,r1,#2; adds r0,r1,r2; subs r0,#3; movs r1,#4; cmp r2,#5; ands r0,r1;
        mvns r0,r1; add r8,r9; mov r8,r1; cmp r8,r9; adr r0,#8; add r0,sp,#16; add sp,#8;
        uxtb r0,r1; rev r0,r1; nop; itt eq; moveq r0,r1; moveq r2,r1; and.w r8,r9,r10,lsl #3;
        orr r8,r9,#255; movw r8,#4660; movt r8,#4660; add.w r8,r9,#1000; ubfx r8,r9,#3,#4;
        bfi r8,r9,#3,#4; ssat r8,#8,r9; usat r8,#8,r9; pkhbt r8,r9,r10; sxtb16 r8,r9;
        sxtb16 r8,r9,ror #8; uqadd8 r8,r9,r10; uadd8 r8,r9,r10; clz r8,r9; sel r8,r9,r10;
        sxtab16 r8,r9,r10; lsl.w r8,r9,r10; dmb; isb; mrs r8,apsr""",
    "multiply": """muls r0,r1,r0; mul r8,r9,r10; mla r8,r9,r10,r11; mls r8,r9,r10,r11;
        smlad r8,r9,r10,r11; smladx r8,r9,r10,r11; smuad r8,r9,r10; smlabb r8,r9,r10,r11;
        smulbt r8,r9,r10; smlawb r8,r9,r10,r11; smmlar r8,r9,r10,r11; smmul r8,r9,r10;
        smull r8,r9,r10,r11; umull r8,r9,r10,r11; smlal r8,r9,r10,r11; umlal r8,r9,r10,r11;
        smlalbb r8,r9,r10,r11; smlald r8,r9,r10,r11; umaal r8,r9,r10,r11; usad8 r8,r9,r10""",
    "divide": "sdiv r8,r9,r10; udiv r8,r9,r10",
    "load": """ldr r0,[r1]; ldr r0,[r1,r2]; ldrb r0,[r1,#3]; ldrh r0,[r1,#2]; ldrsb r0,[r1,r2];
        ldrsh r0,[r1,r2]; ldrb r0,[r1,r2]; ldrh r0,[r1,r2]; ldr r0,[sp,#8]; ldr.w r8,[r9,#1000];
        ldrsb r8,[r9,#5]; ldrsb r8,[r9],#1; ldrsh r8,[r9,r10,lsl #1]; ldrb r8,[r9,#-3];
        ldrex r8,[r9]; ldrexb r8,[r9]; vldr s0,[r1]; vldr d0,[r1,#8]""",
    "store": """str r0,[r1]; str r0,[r1,r2]; strb r0,[r1,#3]; strh r0,[r1,#2]; strb r0,[r1,r2];
        strh r0,[r1,r2]; str r0,[sp,#8]; str.w r8,[r9,#1000]; strb r8,[r9],#1;
        strh r8,[r9,r10,lsl #1]; strex r8,r9,[r10]; strexb r8,r9,[r10]; vstr s0,[r1]""",
    "load_multiple": """pop {r0,r1}; ldm r0!,{r1,r2,r3}; ldm.w r8,{r1,r2,r9,r10};
        ldmdb r8!,{r1,r9}; ldrd r8,r9,[r10]; ldrd r0,r1,[r2],#8; ldrd r0,r1,[r2,#-8]!;
        vldmia r0!,{s0,s1,s2}; vldmia r0!,{d0,d1}; vpop {s4,s5,s6,s7}; pop {r4,pc}""",
    "store_multiple": """push {r0,r1}; stm r0!,{r1,r2,r3}; stm.w r8,{r1,r2,r9,r10};
        stmdb r8!,{r1,r9}; strd r8,r9,[r10]; strd r0,r1,[r2],#8; strd r0,r1,[r2,#-8]!;
        vstmia r0!,{s0,s1,s2}; vstmia r0!,{d0,d1}; vpush {s4,s5,s6,s7}; push {r4,lr}""",
    "branch": """1: b 1b; 2: bne 2b; bl start; blx r3; bx r3; cbz r0,5f; cbnz r1,5f; bx r4;
        5: beq.w 5b; b.w 5b; mov pc,r3; tbb [r3,r4]; tbh [r3,r4,lsl #1]""",
    "float": """vadd.f32 s0,s1,s2; vsub.f32 s0,s1,s2; vmul.f32 s0,s1,s2; vnmul.f32 s0,s1,s2;
        vneg.f32 s0,s1; vabs.f32 s0,s1; vcmp.f32 s0,s1; vmrs apsr_nzcv,fpscr; vmov s0,r1;
        vmov r1,s0; vmov.f32 s0,s1; vmov s0,s1,r2,r3; vcvt.f32.s32 s0,s1; vcvt.s32.f32 s0,s1;
        vmov.f32 s0,#1.0""",
    "float_multiply_add": """vmla.f32 s0,s1,s2; vmls.f32 s0,s1,s2; vnmla.f32 s0,s1,s2;
        vnmls.f32 s0,s1,s2; vfma.f32 s0,s1,s2; vfms.f32 s0,s1,s2; vfnma.f32 s0,s1,s2;
        vfnms.f32 s0,s1,s2""",
    "float_divide": "vdiv.f32 s0,s1,s2; vdiv.f32 s30,s29,s31; vsqrt.f32 s0,s1; vsqrt.f32 s31,s30",
}  # fmt: skip
# Registers that the loads of several move, and in the same order the stores.
WORDS = [2, 3, 4, 2, 2, 2, 2, 3, 4, 4, 2]


def assembled(lines: dict[str, list[str]]) -> tuple[Decoded, dict[str, list[int]]]:
    """What `decode` says, and the first half-word of each instruction by name."""
    text = "void start(void) {}\n"
    for name, instructions in lines.items():
        body = "".join(f'"{line}\\n"' for line in instructions)
        text += f"__attribute__((naked)) void {name}(void) {{ __asm volatile({body}); }}\n"
    image = build(board("stm32f746"), {"all.c": text}, keep=["start", *lines])
    code = Code(image)
    decoded = decode(code.halfwords)
    found = {}
    for name, instructions in lines.items():
        at, starts = (image.address(name) - code.base) // 2, []
        for _ in instructions:
            starts.append(at)
            at += 2 if decoded.is_long[at] else 1
        found[name] = starts
        end = (image.symbol(name).end - code.base) // 2
        assert at <= end <= at + 2  # as long as its instructions, but for padding
    return decoded, found


def instructions_of(name: str) -> list[str]:
    lines = [line.strip() for line in BY_CLASS[name].replace("\n", " ").split(";")]
    return [" ".join(line.split()) for line in lines]


def test_every_class_is_tried() -> None:
    assert set(BY_CLASS) == set(CLASSES)


def test_classes() -> None:
    lines = {f"of_{name}": instructions_of(name) for name in CLASSES}
    decoded, found = assembled(lines)
    for name in CLASSES:
        starts = found[f"of_{name}"]
        got = [CLASSES[decoded.kind[at]] for at in starts]
        wrong = [
            (line, kind)
            for line, kind in zip(lines[f"of_{name}"], got, strict=True)
            if kind != name
        ]
        assert not wrong, name
        words = [int(decoded.words[at]) for at in starts]
        assert words == (WORDS if name.endswith("_multiple") else [0] * len(starts))


@pytest.mark.parametrize(
    ("first", "second", "overlaps"),
    [
        ("ldr r0,[r1]", "ldr r2,[r3]", True),
        ("ldr r0,[r1]", "ldr r2,[r0]", False),  # the address comes from the first
        ("ldr r0,[r1]", "ldr r2,[r3,r0]", False),
        ("ldr r0,[r1]", "ldrsb.w r8,[r9,r0]", False),
        ("ldr r0,[r1]", "ldrsb.w r8,[r9,#4]", True),
        ("ldrsb.w r8,[r9,#4]", "ldr r2,[r3]", True),
        ("ldrsb.w r8,[r9,#4]", "ldrsb.w r10,[r8,#4]", False),
        ("ldrsb.w r8,[r9,#4]", "ldrsb.w r10,[r9,r8]", False),
        ("ldrb r0,[r1,#1]", "ldr r2,[sp,#4]", True),
        ("ldr r3,[sp,#4]", "ldr r0,[r3]", False),
        ("ldr r3,[sp,#4]", "ldrh r0,[r2,r3]", False),
        ("ldr r3,[sp,#4]", "ldr r0,[sp,#8]", True),
        ("vldr s0,[r1]", "ldr r0,[r2]", True),
        ("ldr r2,[r1]", "vldr s0,[r2]", False),
        ("ldr r0,[r1]", "str r2,[r3]", False),  # the store takes its cycle all the same
        ("str r2,[r3]", "ldr r0,[r1]", False),
        ("ldrd r4,r5,[r3]", "ldr r0,[r1]", False),
        ("adds r2,r3,r4", "ldr r0,[r1]", False),
    ],
)
def test_loads_that_overlap(first: str, second: str, overlaps: bool) -> None:
    decoded, found = assembled({"two": ["nop", first, second]})
    _, before, at = found["two"]
    flags = decoded.follows_load[:, at]
    assert bool(flags[at - before - 1]) is overlaps
    if not overlaps:
        assert not flags.any()


def test_any_half_words_have_a_class() -> None:
    everything = np.arange(2**16, dtype=np.uint16)
    for second in (0x0000, 0xFFFF, 0x0A00, 0xF0F0):
        pairs = np.stack([everything, np.full(2**16, second, np.uint16)], axis=1).ravel()
        decoded = decode(pairs)
        assert decoded.kind.max() < len(CLASSES)
        assert decoded.words.min() >= 0
        several = np.isin(
            decoded.kind, [CLASSES.index("load_multiple"), CLASSES.index("store_multiple")]
        )
        assert not decoded.words[~several].any()
