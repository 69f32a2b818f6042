//! Prologues and epilogues shared by several loops.

/// Saves r4 to r11 and lr; the first four arguments stay, the fifth is then at `[sp, #36]`.
macro_rules! enter {
    () => {
        concat!(
            "push {{r4-r7, lr}}\n",
            "mov r4, r8\n",
            "mov r5, r9\n",
            "mov r6, r10\n",
            "mov r7, r11\n",
            "push {{r4-r7}}\n",
        )
    };
}

/// Undoes [`enter`] and returns.
macro_rules! leave {
    () => {
        concat!(
            "pop {{r4-r7}}\n",
            "mov r8, r4\n",
            "mov r9, r5\n",
            "mov r10, r6\n",
            "mov r11, r7\n",
            "pop {{r4-r7, pc}}\n",
        )
    };
}

/// Clears the sums of a block.
macro_rules! clear_sums {
    () => {
        concat!("movs r7, #0\n", "mov r8, r7\n", "mov r9, r7\n", "mov r10, r7\n", "mov r11, r7\n")
    };
}

/// Adds two rows' sums, All and B, to the rows at r3; with `less r2`, subtracts the excess in r2.
macro_rules! finish {
    ($all:literal, $b:literal) => {
        finish!($all, $b, "", "")
    };
    ($all:literal, $b:literal, less r2) => {
        finish!($all, $b, "subs r5, r5, r2\n", "subs r6, r6, r2\n")
    };
    ($all:literal, $b:literal, $less_lower:literal, $less_upper:literal) => {
        concat!(
            "mov r5, ",
            $all,
            "\n",
            "mov r6, ",
            $b,
            "\n",
            "lsls r7, r6, #16\n",
            "subs r5, r5, r7\n",
            "ldr r7, [r3]\n",
            "adds r5, r5, r7\n",
            $less_lower,
            "ldr r7, [r3, #4]\n",
            "adds r6, r6, r7\n",
            $less_upper,
            "stmia r3!, {{r5, r6}}\n",
        )
    };
}

pub(super) use {clear_sums, enter, finish, leave};
