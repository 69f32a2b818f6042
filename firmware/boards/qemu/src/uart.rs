//! The CMSDK UARTs of the mps2 boards, polled.

use core::sync::atomic::{AtomicBool, Ordering};

use embedded_io::{ErrorKind, ErrorType, Read, Write};

const UART0: usize = 0x4000_4000;
const UART1: usize = 0x4000_5000;

const DATA: usize = 0x0;
const STATE: usize = 0x4;
const CTRL: usize = 0x8;
const BAUDDIV: usize = 0x10;

const TX_FULL: u32 = 1 << 0;
const RX_FULL: u32 = 1 << 1;

/// The UARTs this board uses.
pub(crate) struct Uarts {
    /// To the host.
    pub(crate) link: Uart,
    /// The camera's pictures.
    pub(crate) camera: Uart,
}

impl Uarts {
    /// Both UARTs, enabled; `None` after the first time.
    pub(crate) fn take() -> Option<Self> {
        static TAKEN: AtomicBool = AtomicBool::new(false);
        if TAKEN.swap(true, Ordering::Relaxed) {
            return None;
        }
        Some(Self { link: Uart::new(UART0), camera: Uart::new(UART1) })
    }
}

/// One UART.
pub(crate) struct Uart {
    base: usize,
}

impl Uart {
    fn new(base: usize) -> Self {
        let uart = Self { base };
        uart.write_register(BAUDDIV, 16);
        uart.write_register(CTRL, 3 | 8);
        cortex_m::interrupt::disable();
        unsafe { cortex_m::peripheral::NVIC::unmask(Irq(uart.irq())) };
        uart
    }

    pub(crate) fn with_timeout_ms(self, _ms: u32) -> Self {
        self
    }

    fn irq(&self) -> u16 { if self.base == UART0 { 0 } else { 2 } }
    fn read_register(&self, offset: usize) -> u32 {
        // SAFETY: base is one of the two UARTs' base addresses, every offset one of its 32-bit registers.
        unsafe { ((self.base + offset) as *const u32).read_volatile() }
    }

    fn write_register(&self, offset: usize, value: u32) {
        // SAFETY: as in read_register. `Uarts::take` hands out each UART once, so there is one writer.
        unsafe { ((self.base + offset) as *mut u32).write_volatile(value) }
    }
}

impl ErrorType for Uart {
    type Error = ErrorKind;
}

impl Read for Uart {
    fn read(&mut self, bytes: &mut [u8]) -> Result<usize, ErrorKind> {
        if bytes.is_empty() {
            return Ok(0);
        }
        while self.read_register(STATE) & RX_FULL == 0 {
            self.write_register(0xC, 2);
            cortex_m::peripheral::NVIC::unpend(Irq(self.irq()));
            if self.read_register(STATE) & RX_FULL != 0 { break; }
            cortex_m::asm::wfi();
        }
        let mut n = 0;
        for byte in bytes {
            if self.read_register(STATE) & RX_FULL == 0 { break; }
            *byte = self.read_register(DATA) as u8;
            n += 1;
        }
        Ok(n)
    }
}

impl Write for Uart {
    fn write(&mut self, bytes: &[u8]) -> Result<usize, ErrorKind> {
        for &byte in bytes {
            while self.read_register(STATE) & TX_FULL != 0 {}
            self.write_register(DATA, u32::from(byte));
        }
        Ok(bytes.len())
    }
    fn flush(&mut self) -> Result<(), ErrorKind> {
        Ok(())
    }
}

#[derive(Clone, Copy)]
struct Irq(u16);
unsafe impl cortex_m::interrupt::InterruptNumber for Irq { fn number(self) -> u16 { self.0 } }
