//! The CMSDK UARTs of the mps2 boards.
//!
//! A read without data sleeps (WFI) until the UART's receive interrupt is pending. Interrupts stay masked, so no
//! handler ever runs; a pending interrupt is enough to wake the core. An idle emulator thus costs the host no processor
//! time. The throughput equals that of a polling loop (150 KB/s); on a busy host it is twice as high, because polling
//! takes processor time from QEMU's thread that feeds it.
//!
//! Source: Arm DDI 0479D, "Cortex-M System Design Kit Technical Reference Manual", 4.3; addresses and interrupt numbers from
//! Arm AN385, AN386 and DAI 0505B (AN505).

use cortex_m::interrupt::InterruptNumber;
use cortex_m::peripheral::syst::SystClkSource;
use cortex_m::peripheral::{NVIC, SCB, SYST};
use embedded_io::{ErrorKind, ErrorType, Read, Write};
use portable_atomic::{AtomicBool, Ordering};

use crate::declared::CLOCK_HZ;

/// Base addresses and receive interrupts of a machine's UARTs.
#[derive(Clone, Copy, Debug)]
pub struct Machine {
    link: (usize, u16),
    camera: (usize, u16),
}

impl Machine {
    /// The machines mps2-an385 and mps2-an386.
    pub const AN38X: Self = Self { link: (0x4000_4000, 0), camera: (0x4000_5000, 2) };
    /// The machine mps2-an505.
    pub const AN505: Self = Self { link: (0x4020_0000, 32), camera: (0x4020_1000, 34) };
}

const DATA: usize = 0x00;
const STATE: usize = 0x04;
const CTRL: usize = 0x08;
const INTERRUPT_CLEAR: usize = 0x0C;
const BAUD_DIVISOR: usize = 0x10;

const STATE_TX_FULL: u32 = 1 << 0;
const STATE_RX_FULL: u32 = 1 << 1;
const STATE_RX_OVERRUN: u32 = 1 << 3;
const CTRL_TX: u32 = 1 << 0;
const CTRL_RX: u32 = 1 << 1;
const CTRL_RX_INTERRUPT: u32 = 1 << 3;
const INTERRUPT_RX: u32 = 1 << 1;

/// Minimum divisor of the UART: maximum baud rate. QEMU ignores the value.
const LEAST_BAUD_DIVISOR: u32 = 16;
/// Tick of [`TimedUart`], ms.
const TICK_MS: u32 = 100;

/// The UARTs this board uses.
pub(crate) struct Uarts {
    /// Link to the host.
    pub(crate) link: Uart,
    /// Line to the sender of the camera's pictures.
    pub(crate) camera: Uart,
}

impl Uarts {
    /// Returns both UARTs, enabled; `None` after the first call. Masks interrupts permanently.
    pub(crate) fn take(machine: Machine) -> Option<Self> {
        static TAKEN: AtomicBool = AtomicBool::new(false);
        if TAKEN.swap(true, Ordering::Relaxed) {
            return None;
        }
        cortex_m::interrupt::disable();
        Some(Self { link: Uart::enabled(machine.link), camera: Uart::enabled(machine.camera) })
    }
}

/// A UART whose reads have no timeout.
pub(crate) struct Uart {
    base: usize,
    interrupt: ReceiveInterrupt,
}

impl Uart {
    fn enabled((base, interrupt): (usize, u16)) -> Self {
        let uart = Self { base, interrupt: ReceiveInterrupt(interrupt) };
        uart.write_register(BAUD_DIVISOR, LEAST_BAUD_DIVISOR);
        uart.write_register(CTRL, CTRL_TX | CTRL_RX | CTRL_RX_INTERRUPT);
        // SAFETY: interrupts are masked for good (`Uarts::take`), so no handler can run and break a critical section.
        unsafe { NVIC::unmask(uart.interrupt) };
        uart
    }

    fn has_byte(&self) -> bool {
        self.read_register(STATE) & STATE_RX_FULL != 0
    }

    /// Sleeps until a byte has arrived or another interrupt is pending.
    fn sleep(&self) {
        self.write_register(INTERRUPT_CLEAR, INTERRUPT_RX);
        NVIC::unpend(self.interrupt);
        // A byte that arrived before this line does not make its interrupt pending again.
        if !self.has_byte() {
            cortex_m::asm::wfi();
        }
    }

    /// Takes the received bytes.
    fn take(&self, bytes: &mut [u8]) -> Result<usize, ErrorKind> {
        let mut taken = 0;
        for byte in bytes {
            let state = self.read_register(STATE);
            if state & STATE_RX_OVERRUN != 0 {
                self.write_register(STATE, STATE_RX_OVERRUN);
                return Err(ErrorKind::Other);
            }
            if state & STATE_RX_FULL == 0 {
                break;
            }
            // Only eight bits of the register are data.
            *byte = self.read_register(DATA) as u8;
            taken += 1;
        }
        Ok(taken)
    }

    fn read_register(&self, offset: usize) -> u32 {
        // SAFETY: base is one of the two UARTs' base addresses, every offset that of one of its 32-bit registers.
        unsafe { core::ptr::with_exposed_provenance::<u32>(self.base + offset).read_volatile() }
    }

    fn write_register(&self, offset: usize, value: u32) {
        // SAFETY: as in read_register. `Uarts::take` hands out each UART once, and a UART's registers reach no memory.
        unsafe { core::ptr::with_exposed_provenance_mut::<u32>(self.base + offset).write_volatile(value) }
    }
}

impl ErrorType for Uart {
    type Error = ErrorKind;
}

impl Read for Uart {
    /// Fails with [`ErrorKind::Other`] on an overrun: bytes arrived faster than they were read.
    fn read(&mut self, bytes: &mut [u8]) -> Result<usize, ErrorKind> {
        if bytes.is_empty() {
            return Ok(0);
        }
        while !self.has_byte() {
            self.sleep();
        }
        self.take(bytes)
    }
}

impl Write for Uart {
    fn write(&mut self, bytes: &[u8]) -> Result<usize, ErrorKind> {
        for &byte in bytes {
            while self.read_register(STATE) & STATE_TX_FULL != 0 {}
            self.write_register(DATA, u32::from(byte));
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> Result<(), ErrorKind> {
        Ok(())
    }
}

/// A UART whose reads time out.
pub(crate) struct TimedUart {
    uart: Uart,
    clock: SYST,
    timeout_ticks: u32,
}

impl TimedUart {
    /// Creates it with a timeout that is rounded down to steps of [`TICK_MS`].
    pub(crate) fn new(uart: Uart, mut clock: SYST, timeout_ms: u32) -> Self {
        clock.set_clock_source(SystClkSource::Core);
        clock.set_reload(CLOCK_HZ / 1000 * TICK_MS - 1);
        Self { uart, clock, timeout_ticks: timeout_ms / TICK_MS }
    }

    /// Waits for a byte; false on a timeout.
    fn wait(&mut self) -> bool {
        self.clock.clear_current();
        self.clock.enable_interrupt();
        self.clock.enable_counter();
        let mut ticks = 0;
        while !self.uart.has_byte() && ticks < self.timeout_ticks {
            self.uart.sleep();
            if self.clock.has_wrapped() {
                ticks += 1;
                // Otherwise every later sleep would end at once.
                SCB::clear_pendst();
            }
        }
        self.clock.disable_counter();
        self.clock.disable_interrupt();
        SCB::clear_pendst();
        ticks < self.timeout_ticks
    }
}

impl ErrorType for TimedUart {
    type Error = ErrorKind;
}

impl Read for TimedUart {
    /// Fails with [`ErrorKind::TimedOut`] after a silence, otherwise as [`Uart`].
    fn read(&mut self, bytes: &mut [u8]) -> Result<usize, ErrorKind> {
        if bytes.is_empty() {
            return Ok(0);
        }
        if !self.uart.has_byte() && !self.wait() {
            return Err(ErrorKind::TimedOut);
        }
        self.uart.take(bytes)
    }
}

impl Write for TimedUart {
    fn write(&mut self, bytes: &[u8]) -> Result<usize, ErrorKind> {
        self.uart.write(bytes)
    }

    fn flush(&mut self) -> Result<(), ErrorKind> {
        self.uart.flush()
    }
}

/// Number of a UART's receive interrupt.
#[derive(Clone, Copy)]
struct ReceiveInterrupt(u16);

// SAFETY: the numbers are those of the machines' tables, always the same for a UART, and within the interrupts of their NVIC.
unsafe impl InterruptNumber for ReceiveInterrupt {
    fn number(self) -> u16 {
        self.0
    }
}
