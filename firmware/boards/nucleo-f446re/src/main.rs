//! Pinhole on the STM32 Nucleo-F446RE, with an ArduCAM Mini 2MP Plus. README.md has the wiring.
#![no_std]
#![no_main]

use embassy_stm32::gpio::{AnyPin, Flex, Level, Output, Pull, Speed};
use embassy_stm32::peripherals::IWDG;
use embassy_stm32::rcc::{AHBPrescaler, APBPrescaler, Pll, PllMul, PllPDiv, PllPreDiv, PllSource, Sysclk};
use embassy_stm32::spi::{self, Spi};
use embassy_stm32::time::Hertz;
use embassy_stm32::wdg::IndependentWatchdog;
use embassy_stm32::{Peri, pac};
use embedded_hal_bus::spi::ExclusiveDevice;
use pinhole_cameras::arducam_mini::{ArducamMini, BusClocks, Config, worst_picture_ms};
use pinhole_cameras::soft_i2c::SoftI2c;
use pinhole_kernels::cortex_m4::CortexM4;
use pinhole_runtime::clock::{Clock, Idle};
use pinhole_runtime::memory::Memory;
use pinhole_runtime::rtt::RttLink;
use pinhole_runtime::standalone::{Board, BoardIo, run};
use pinhole_shared::kernel::Dsp;
use static_cell::ConstStaticCell;

/// Constants declared in board.toml.
mod declared {
    include!(concat!(env!("OUT_DIR"), "/declared.rs"));
}

use declared::{
    ACCUMULATORS, ACTIVATIONS, ARENA_BYTES, CLOCK_HZ, INPUT_BYTES, INPUT_ROW_BYTES, LANES, ROW_BYTES, WATCHDOG_MS,
};

/// SPI clock, Hz. It is 84 MHz divided by a power of two: 5.25 MHz. The next higher one exceeds the camera's 8 MHz.
const SPI_HZ: u32 = 5_250_000;
/// Minimum clock of [`SoftI2c`] on this core, Hz.
const I2C_HZ: u32 = 50_000;

// The loop feeds the watchdog before every picture; the camera's worst case, including its rows, must not reset the
// board.
const _: () = assert!(worst_picture_ms(BusClocks { spi_hz: SPI_HZ, i2c_hz: I2C_HZ }, ROW_BYTES) < WATCHDOG_MS);

static MEMORY: ConstStaticCell<
    Memory<INPUT_BYTES, INPUT_ROW_BYTES, ROW_BYTES, ACCUMULATORS, ACTIVATIONS, LANES, ARENA_BYTES>,
> = ConstStaticCell::new(Memory::new());

struct Nucleo {
    watchdog: IndependentWatchdog<'static, IWDG>,
    light: Output<'static>,
}

impl BoardIo for Nucleo {
    fn feed_watchdog(&mut self) {
        self.watchdog.pet();
    }

    fn light(&mut self, on: bool) {
        self.light.set_level(if on { Level::High } else { Level::Low });
    }
}

/// Clock tree: 16 MHz / 8 * 168 / 2 = 168 MHz; buses at 42 and 84 MHz. The core's voltage keeps its reset value, scale
/// 1, which allows this (RM0390, 5.1.3).
fn clocks() -> embassy_stm32::Config {
    let mut config = embassy_stm32::Config::default();
    config.rcc.pll_src = PllSource::HSI;
    config.rcc.pll =
        Some(Pll { prediv: PllPreDiv::DIV8, mul: PllMul::MUL168, divp: Some(PllPDiv::DIV2), divq: None, divr: None });
    config.rcc.sys = Sysclk::PLL1_P;
    config.rcc.ahb_pre = AHBPrescaler::DIV1;
    config.rcc.apb1_pre = APBPrescaler::DIV4;
    config.rcc.apb2_pre = APBPrescaler::DIV2;
    config
}

/// Configures an open-drain pin.
fn open_drain(pin: Peri<'static, AnyPin>) -> Flex<'static> {
    let mut pin = Flex::new(pin);
    pin.set_high();
    pin.set_as_input_output_pull(Speed::Low, Pull::Up);
    pin
}

/// Enables the flash memory's prefetch and caches, which are off after a reset. Without them the core waits five cycles
/// for nearly every word. Source: ST RM0390, 3.4.2.
fn accelerate_flash() {
    pac::FLASH.acr().modify(|bits| {
        bits.set_prften(true);
        bits.set_icen(true);
        bits.set_dcen(true);
    });
}

#[cortex_m_rt::entry]
fn main() -> ! {
    let pins = embassy_stm32::init(clocks());
    accelerate_flash();
    // Cannot fail: this is the only call.
    let Some(core) = cortex_m::Peripherals::take() else { cortex_m::peripheral::SCB::sys_reset() };
    let clock = Clock::start(core.SYST, CLOCK_HZ, Idle::Sleep);
    let link = RttLink::start(clock);
    let mut watchdog = IndependentWatchdog::new(pins.IWDG, WATCHDOG_MS * 1_000);
    watchdog.unleash();

    let mut config = spi::Config::default();
    config.frequency = Hertz(SPI_HZ);
    // Not on the pins D11 to D13: D13 is the LED.
    let bus = Spi::new_blocking(pins.SPI1, pins.PB3, pins.PB5, pins.PB4, config);
    let select = Output::new(pins.PB6, Level::High, Speed::Medium);
    let i2c = SoftI2c::new(open_drain(pins.PB8.into()), open_drain(pins.PB9.into()), clock);

    run::<Dsp<CortexM4>, _, _>(Board {
        name: "nucleo-f446re",
        clock,
        link,
        io: Nucleo { watchdog, light: Output::new(pins.PA5, Level::Low, Speed::Low) },
        memory: MEMORY.take().parts(),
        camera: |input| {
            let config = Config::for_input(input).ok()?;
            let spi = ExclusiveDevice::new(bus, select, clock).ok()?;
            Some(ArducamMini::new(spi, i2c, clock, config))
        },
    })
}
