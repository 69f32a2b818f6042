//! Requantization without a multiplication of 64 bits: [`pinhole_shared::fixed::requantize`].

/// Leaves the upper half of `$x` times `$m`, rounded half up, in `$m`: 23 instructions. `$m` is at least 0. Scratch are `$x`, `$a`, `$b`
/// and `$t`.
///
/// By halves: `x = 2^16 xh + xl`, `m = 2^16 mh + ml`, where xl, ml and mh are at least 0. Then the product is
/// `2^32 xh mh + 2^16 (xh ml + xl mh) + xl ml`, and rounding adds 2^31. `xl mh + (xl ml >> 16) + 2^15` is below 2^32.
macro_rules! upper_half {
    ($x:literal, $m:literal, $a:literal, $b:literal, $t:literal) => {
        concat!(
            "uxth ", $a, ", ", $x, "\n", // xl
            "asrs ", $x, ", ", $x, ", #16\n", // xh
            "uxth ", $b, ", ", $m, "\n", // ml
            "lsrs ", $m, ", ", $m, ", #16\n", // mh
            "mov ", $t, ", ", $a, "\n", "muls ", $t, ", ", $b, ", ", $t, "\n", "lsrs ", $t, ", ", $t, ", #16\n",
            "muls ", $a, ", ", $m, ", ", $a, "\n", "adds ", $a, ", ", $a, ", ", $t, "\n", "movs ", $t, ", #1\n",
            "lsls ", $t, ", ", $t, ", #15\n", "adds ", $a, ", ", $a, ", ", $t, "\n", "muls ", $m, ", ", $x, ", ", $m,
            "\n", // xh mh
            "muls ", $x, ", ", $b, ", ", $x, "\n", // xh ml
            "uxth ", $b, ", ", $x, "\n", "uxth ", $t, ", ", $a, "\n", "adds ", $b, ", ", $b, ", ", $t, "\n", "lsrs ",
            $b, ", ", $b, ", #16\n", // what both lower halves carry
            "asrs ", $x, ", ", $x, ", #16\n", "lsrs ", $a, ", ", $a, ", #16\n", "adds ", $m, ", ", $m, ", ", $x, "\n",
            "adds ", $m, ", ", $m, ", ", $a, "\n", "adds ", $m, ", ", $m, ", ", $b, "\n",
        )
    };
}

pub(super) use upper_half;
