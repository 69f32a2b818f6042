//! Counts instructions with a timer that ticks once in 40 or 50 instructions.
//!
//! Under `-icount shift=0` QEMU's clock advances one nanosecond per instruction, and TIMER0, at 25 or 20 MHz, ticks once in
//! 40 or 50 of them. Each round begins 3 more instructions after the timer's start than the previous one. 3 has no
//! common factor with 40 or 50, so as many rounds see every phase of the tick once. Without `-icount` the timer runs by the host's clock,
//! and the numbers mean nothing. Therefore the host measures only with an emulator that it started with `-icount`.
//!
//! Sources: Arm DDI 0479D, "Cortex-M System Design Kit Technical Reference Manual", 4.2 (the timer); Arm AN385 and AN386
//! (address and clock); QEMU's manual page (`-icount`).

use core::arch::asm;

use pinhole_app::counter::Counter;
use pinhole_shared::link::Unit;
use portable_atomic::{AtomicBool, Ordering};

use pinhole_runtime::stack;

use crate::declared::CLOCK_HZ;

const TIMER0: usize = 0x4000_0000;
/// The same kind of timer, always running.
const TIMER1: usize = 0x4000_1000;
const CTRL: usize = 0x00;
const VALUE: usize = 0x04;
const RELOAD: usize = 0x08;
const CTRL_ENABLE: u32 = 1 << 0;

/// Instructions per tick: 1 GHz over the timers' clock, which is the core's.
const TICK_INSTRUCTIONS: u32 = 1_000_000_000 / CLOCK_HZ;
// Every phase is seen once.
const _: () = assert!(CLOCK_HZ * TICK_INSTRUCTIONS == 1_000_000_000 && !TICK_INSTRUCTIONS.is_multiple_of(3));

/// Timer ticks per microsecond.
const TICKS_PER_US: u32 = CLOCK_HZ / 1_000_000;

/// Counts instructions with TIMER0, and measures time with TIMER1.
pub(crate) struct InstructionCounter {
    /// Reading of TIMER1 at the last time query.
    last: u32,
    /// Time at the last query, us.
    us: u32,
    /// Remaining ticks of less than a microsecond.
    rest: u32,
}

impl InstructionCounter {
    /// Returns the counter; `None` after the first call.
    pub(crate) fn take() -> Option<Self> {
        static TAKEN: AtomicBool = AtomicBool::new(false);
        if TAKEN.swap(true, Ordering::Relaxed) {
            return None;
        }
        start(TIMER1);
        Some(Self { last: 0, us: 0, rest: 0 })
    }
}

impl Counter for InstructionCounter {
    const UNIT: Unit = Unit::Instructions;
    const ROUNDS: u32 = TICK_INSTRUCTIONS;

    #[inline(never)]
    fn start(&mut self, round: u32) {
        start(TIMER0);
        // At least one turn, so that every round runs the same code of the loop.
        let turns = round + 1;
        // SAFETY: counts a register down; touches no memory.
        unsafe {
            asm!(
                "2:",
                "nop",
                "subs {turns}, {turns}, #1",
                "bne 2b",
                turns = inout(reg) turns => _,
                options(nomem, nostack),
            );
        }
    }

    #[inline(always)]
    fn read(&mut self) -> u32 {
        // The timer counts down.
        !read_register(TIMER0, VALUE)
    }

    fn now_us(&mut self) -> u32 {
        // Correct if called at least every 171 s; longer durations are not measured.
        let ticks = !read_register(TIMER1, VALUE);
        let (gone, rest) = (ticks.wrapping_sub(self.last), self.rest);
        self.last = ticks;
        self.us = self.us.wrapping_add(gone / TICKS_PER_US + (gone % TICKS_PER_US + rest) / TICKS_PER_US);
        self.rest = (gone % TICKS_PER_US + rest) % TICKS_PER_US;
        self.us
    }

    fn paint_stack(&mut self) {
        stack::paint();
    }

    #[inline(always)]
    fn stack_depth(&self) -> u32 {
        stack::depth()
    }

    fn deepest_stack(&self) -> u32 {
        stack::deepest()
    }

    fn bracket<R>(&mut self, work: impl FnOnce() -> R) -> R {
        // SAFETY: neither instruction has an effect. Not `nomem`, so that the work is not moved out from between them.
        unsafe { asm!("mov r10, r10", options(nostack, preserves_flags)) };
        let result = work();
        // SAFETY: as above.
        unsafe { asm!("mov r11, r11", options(nostack, preserves_flags)) };
        result
    }
}

/// Starts a timer, which counts down from 2^32 - 1 and reloads.
#[inline(always)]
fn start(timer: usize) {
    write_register(timer, CTRL, 0);
    write_register(timer, RELOAD, u32::MAX);
    write_register(timer, VALUE, u32::MAX);
    write_register(timer, CTRL, CTRL_ENABLE);
}

#[inline(always)]
fn read_register(timer: usize, offset: usize) -> u32 {
    // SAFETY: every offset is that of one of the timers' 32-bit registers, which can be read at any time.
    unsafe { core::ptr::with_exposed_provenance::<u32>(timer + offset).read_volatile() }
}

#[inline(always)]
fn write_register(timer: usize, offset: usize, value: u32) {
    // SAFETY: as in read_register; timers reach no memory, and there is one `InstructionCounter`, the only caller.
    unsafe { core::ptr::with_exposed_provenance_mut::<u32>(timer + offset).write_volatile(value) }
}
