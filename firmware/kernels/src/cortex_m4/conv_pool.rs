//! Fused 3x3 convolution and pool: [`pinhole_shared::layout::Layout::DspConvPool8`].

use core::arch::naked_asm;

/// Words per row of weights.
pub(super) const ROW_WORDS: usize = 6;

/// Widens a row of four pixels in `$pixels` for the left positions, and 32 bytes further for the right ones.
macro_rules! widen {
    ($pixels:literal, $left:literal, $right:literal) => {
        concat!(
            "uxtb16 r8, ",
            $pixels,
            "\n", // 0, 2
            "uxtb16 r9, ",
            $pixels,
            ", ror #8\n", // 1, 3
            "uxtb16 r10, ",
            $pixels,
            ", ror #16\n", // 2, 0
            "strd r8, r9, [sp, #",
            $left,
            "]\n",
            "strd r9, r10, [sp, #",
            $right,
            "]\n",
        )
    };
}

/// Sums at two vertically adjacent positions, in `$upper` and `$lower`: weights r2-r7 times four rows of scratch words.
macro_rules! two_positions {
    ($upper:literal, $lower:literal, $row0:literal, $row1:literal, $row2:literal, $row3:literal) => {
        concat!(
            "ldrd r8, r9, [sp, #",
            $row0,
            "]\n",
            "smuad ",
            $upper,
            ", r2, r8\n",
            "smlad ",
            $upper,
            ", r3, r9, ",
            $upper,
            "\n",
            "ldrd r8, r9, [sp, #",
            $row1,
            "]\n",
            "smuad ",
            $lower,
            ", r2, r8\n",
            "smlad ",
            $lower,
            ", r3, r9, ",
            $lower,
            "\n",
            "smlad ",
            $upper,
            ", r4, r8, ",
            $upper,
            "\n",
            "smlad ",
            $upper,
            ", r5, r9, ",
            $upper,
            "\n",
            "ldrd r8, r9, [sp, #",
            $row2,
            "]\n",
            "smlad ",
            $lower,
            ", r4, r8, ",
            $lower,
            "\n",
            "smlad ",
            $lower,
            ", r5, r9, ",
            $lower,
            "\n",
            "smlad ",
            $upper,
            ", r6, r8, ",
            $upper,
            "\n",
            "smlad ",
            $upper,
            ", r7, r9, ",
            $upper,
            "\n",
            "ldrd r8, r9, [sp, #",
            $row3,
            "]\n",
            "smlad ",
            $lower,
            ", r6, r8, ",
            $lower,
            "\n",
            "smlad ",
            $lower,
            ", r7, r9, ",
            $lower,
            "\n",
        )
    };
}

/// Takes 48 instructions for the 36 multiply-accumulates of a row, and 50 of overhead.
///
/// # Safety
/// `sums..sums_end` is at least one writable word; `biases` has as many readable ones, `weights` six times as many. All
/// are aligned to 4 bytes. Four bytes are readable at `pixels`, and at one, two and three times `pitch` after it.
#[unsafe(naked)]
pub(super) unsafe extern "C" fn conv_pool(
    weights: *const u32,
    pixels: *const u8,
    pitch: usize,
    biases: *const i32,
    sums: *mut i32,
    sums_end: *mut i32,
) {
    naked_asm!(
        // [sp]: scratch words of the left and right positions, biases less sums, sums end; then the 9 saved registers
        // and the sums.
        "push {{r4-r11, lr}}",
        "sub sp, #76",
        "ldrd lr, r4, [sp, #112]",
        "sub r3, r3, lr",
        "strd r3, r4, [sp, #64]",
        "ldr r4, [r1]",
        "ldr r5, [r1, r2]",
        "add r1, r1, r2, lsl #1",
        "ldr r6, [r1]",
        "ldr r7, [r1, r2]",
        widen!("r4", 0, 32),
        widen!("r5", 8, 40),
        widen!("r6", 16, 48),
        widen!("r7", 24, 56),
        "2:", // a row
        "ldmia r0!, {{r2-r7}}",
        two_positions!("r10", "r11", 0, 8, 16, 24),
        two_positions!("r12", "r1", 32, 40, 48, 56),
        "cmp r10, r11",
        "it lt",
        "movlt r10, r11",
        "cmp r12, r1",
        "it lt",
        "movlt r12, r1",
        "cmp r10, r12",
        "it lt",
        "movlt r10, r12",
        "ldrd r8, r9, [sp, #64]",
        "ldr r8, [lr, r8]",
        "add r10, r10, r8",
        "str r10, [lr], #4",
        "cmp lr, r9",
        "bne 2b",
        "add sp, #76",
        "pop {{r4-r11, pc}}",
    )
}
