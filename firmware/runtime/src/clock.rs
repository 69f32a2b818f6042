//! Clock based on SysTick.
//!
//! SysTick interrupts once per millisecond; its counter holds the fraction. Waits of a millisecond or more sleep (WFI)
//! until the next interrupt.

use core::sync::atomic::{AtomicU32, Ordering};

use cortex_m::peripheral::SYST;
use cortex_m::peripheral::syst::SystClkSource;
use cortex_m_rt::exception;
use embedded_hal::delay::DelayNs;
use pinhole_app::counter::Counter;
use pinhole_shared::link::Unit;

use crate::stack;

/// Milliseconds since the start, modulo 2^32. Only the handler writes it.
static MILLISECONDS: AtomicU32 = AtomicU32::new(0);

#[exception]
fn SysTick() {
    MILLISECONDS.store(MILLISECONDS.load(Ordering::Relaxed).wrapping_add(1), Ordering::Relaxed);
}

/// The board's clock. All copies show the same time.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    cycles_per_ms: u32,
    idle: Idle,
}

/// Idle mode of a core until the next interrupt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Idle {
    /// Sleep (WFI). SysTick must run during sleep.
    Sleep,
    /// Spin in a loop, for cores whose SysTick stops during sleep.
    Spin,
}

impl Clock {
    /// Starts SysTick, for a core clock of `core_hz`, at least 1,000 Hz.
    pub fn start(mut systick: SYST, core_hz: u32, idle: Idle) -> Self {
        let cycles_per_ms = core_hz / 1_000;
        systick.set_clock_source(SystClkSource::Core);
        systick.set_reload(cycles_per_ms - 1);
        systick.clear_current();
        systick.enable_interrupt();
        systick.enable_counter();
        Self { cycles_per_ms, idle }
    }

    /// Returns milliseconds since the start, modulo 2^32 (49 days).
    pub fn now_ms(self) -> u32 {
        MILLISECONDS.load(Ordering::Relaxed)
    }

    /// Returns core cycles since the start, modulo 2^32.
    pub fn now_cycles(self) -> u32 {
        let (before, gone) = self.now();
        before.wrapping_mul(self.cycles_per_ms).wrapping_add(gone)
    }

    /// Returns milliseconds since the start, modulo 2^32, and the cycles since then: less than a millisecond.
    fn now(self) -> (u32, u32) {
        loop {
            let before = self.now_ms();
            let left = SYST::get_current();
            // After an interrupt in between the counter has restarted, and its millisecond is ambiguous.
            if self.now_ms() == before {
                return (before, self.cycles_per_ms - 1 - left.min(self.cycles_per_ms - 1));
            }
        }
    }

    /// Returns microseconds since the start, modulo 2^32. The core runs at 1 MHz or faster.
    pub fn now_us(self) -> u32 {
        let cycles_per_us = (self.cycles_per_ms / 1_000).max(1);
        let (before, gone) = self.now();
        before.wrapping_mul(1_000).wrapping_add((gone / cycles_per_us).min(999))
    }

    /// Sleeps until `ms` interrupts have occurred: between `ms - 1` and `ms` milliseconds.
    pub fn sleep(self, ms: u32) {
        let start = self.now_ms();
        while self.now_ms().wrapping_sub(start) < ms {
            self.idle();
        }
    }

    fn idle(self) {
        match self.idle {
            Idle::Sleep => cortex_m::asm::wfi(),
            Idle::Spin => cortex_m::asm::nop(),
        }
    }
}

impl DelayNs for Clock {
    fn delay_ns(&mut self, ns: u32) {
        let wanted = (u64::from(ns) * u64::from(self.cycles_per_ms)).div_ceil(1_000_000) as u32;
        let start = self.now_cycles();
        while self.now_cycles().wrapping_sub(start) < wanted {}
    }

    fn delay_ms(&mut self, ms: u32) {
        let (start_ms, start_cycles) = self.now();
        loop {
            let (now_ms, now_cycles) = self.now();
            let gone = now_ms.wrapping_sub(start_ms).saturating_sub(u32::from(now_cycles < start_cycles));
            match ms.saturating_sub(gone) {
                0 => return,
                // The last millisecond is not slept, so that repeated delays add up correctly.
                1 => {}
                _ => self.idle(),
            }
        }
    }
}

/// Counts cycles with a [`Clock`]. The count includes SysTick's own interrupts: some 20 cycles per millisecond.
#[derive(Clone, Copy, Debug)]
pub struct CycleCounter(pub Clock);

impl Counter for CycleCounter {
    const UNIT: Unit = Unit::Cycles;
    const ROUNDS: u32 = 1;

    fn start(&mut self, _: u32) {}

    fn read(&mut self) -> u32 {
        self.0.now_cycles()
    }

    fn now_us(&mut self) -> u32 {
        self.0.now_us()
    }

    fn paint_stack(&mut self) {
        // An interrupt would push onto the stack while it is painted.
        cortex_m::interrupt::free(|_| stack::paint());
    }

    fn stack_depth(&self) -> u32 {
        stack::depth()
    }

    fn deepest_stack(&self) -> u32 {
        stack::deepest()
    }
}
