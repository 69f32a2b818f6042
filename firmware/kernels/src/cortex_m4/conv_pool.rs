//! Fused 3x3 convolution and pool: [`pinhole_shared::layout::Layout::DspConvPool8`].

/// Arguments of [`conv_pool`]: see [`pinhole_shared::kernel::Patches`].
#[repr(C)]
pub(super) struct PatchesFrame {
    pub(super) weights: *const u32,
    pub(super) pixels: *const u8,
    pub(super) pitch: usize,
    pub(super) biases: *const i32,
    /// Bytes from a row's bias to its multiplier, modulo 2^32.
    pub(super) multipliers: usize,
    pub(super) weights_end: *const u32,
    pub(super) output: *mut u8,
    pub(super) output_end: *mut u8,
    pub(super) pre_shift: u32,
    /// The output's zero point less its smallest value.
    pub(super) zero_point: i32,
    /// See [`super::band::PositionsFrame::over`].
    pub(super) over: u32,
    /// See [`super::band::PositionsFrame::excess`].
    pub(super) excess: u32,
}

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

/// Computes patch after patch: 58 instructions for the 36 multiply-accumulates of a row and its output, and 33 of overhead for each patch.
///
/// # Safety
/// All is as [`pinhole_shared::kernel::Patches::fit`] requires it.
#[unsafe(naked)]
pub(super) unsafe extern "C" fn conv_pool(frame: PatchesFrame) {
    dsp_asm!(
        // [sp]: scratch words of the left and right positions (64 bytes); 9 saved registers; the frame: weights (100), pixels (104),
        // pitch (108), biases (112), multipliers (116), weights end (120), output (124), output end (128), pre-shift (132), zero
        // point (136), over (140), excess (144).
        "push {{r0-r3}}",
        "push {{r4-r11, lr}}",
        "sub sp, #64",
        "2:", // a patch
        "ldrd r1, r2, [sp, #104]",
        "ldr r4, [r1]",
        "ldr r5, [r1, r2]",
        "add r3, r1, r2, lsl #1",
        "ldr r6, [r3]",
        "ldr r7, [r3, r2]",
        "adds r1, #2",
        "str r1, [sp, #104]",
        widen!("r4", 0, 32),
        widen!("r5", 8, 40),
        widen!("r6", 16, 48),
        widen!("r7", 24, 56),
        "ldr r0, [sp, #100]",
        "ldr lr, [sp, #112]",
        "3:", // a row
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
        "ldrd r2, r3, [sp, #116]", // multipliers, weights end
        "ldrd r4, r5, [sp, #132]",
        "ldrd r6, r7, [sp, #140]",
        "ldr r2, [lr, r2]",
        "ldr r1, [lr], #4",
        "ldr r8, [sp, #124]",
        "add r10, r10, r1",
        "lsl r10, r10, r4",
        // The multiplication adds the zero point and rounds half up.
        "smmlar r10, r10, r2, r5",
        "usat r10, #8, r10",
        "uqadd8 r10, r10, r6",
        "usub8 r10, r10, r7",
        "strb r10, [r8], #1",
        "str r8, [sp, #124]",
        "cmp r0, r3",
        "bne.w 3b",
        "ldr r3, [sp, #128]",
        "cmp r8, r3",
        "bne.w 2b",
        "add sp, #64",
        "pop {{r4-r11, lr}}",
        "add sp, #16",
        "bx lr",
    )
}
