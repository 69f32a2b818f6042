//! Pinhole on the Raspberry Pi Pico 2, with an ArduCAM Mini 2MP Plus. README.md has the wiring.
#![no_std]
#![no_main]

use embassy_rp::gpio::{Level, Output, OutputOpenDrain};
use embassy_rp::spi::{self, Spi};
use embassy_rp::watchdog::Watchdog;
use embassy_time::Duration;
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

/// SPI clock, Hz: half of the camera's maximum, for long wires.
const SPI_HZ: u32 = 4_000_000;
/// Minimum clock of [`SoftI2c`] on this core, Hz.
const I2C_HZ: u32 = 50_000;
/// Watchdog timeout.
const WATCHDOG: Duration = Duration::from_millis(WATCHDOG_MS as u64);

// The loop feeds the watchdog before every picture; the camera's worst case, including its rows, must not reset the
// board.
const _: () = assert!(worst_picture_ms(BusClocks { spi_hz: SPI_HZ, i2c_hz: I2C_HZ }, ROW_BYTES) < WATCHDOG_MS);

static MEMORY: ConstStaticCell<
    Memory<INPUT_BYTES, INPUT_ROW_BYTES, ROW_BYTES, ACCUMULATORS, ACTIVATIONS, LANES, ARENA_BYTES>,
> = ConstStaticCell::new(Memory::new());

struct Pico2 {
    watchdog: Watchdog,
    light: Output<'static>,
}

impl BoardIo for Pico2 {
    fn feed_watchdog(&mut self) {
        self.watchdog.feed(WATCHDOG);
    }

    fn light(&mut self, on: bool) {
        self.light.set_level(if on { Level::High } else { Level::Low });
    }
}

#[cortex_m_rt::entry]
fn main() -> ! {
    let pins = embassy_rp::init(embassy_rp::config::Config::default());
    // Cannot fail: this is the only call.
    let Some(core) = cortex_m::Peripherals::take() else { cortex_m::peripheral::SCB::sys_reset() };
    let clock = Clock::start(core.SYST, CLOCK_HZ, Idle::Sleep);
    let link = RttLink::start(clock);
    let mut watchdog = Watchdog::new(pins.WATCHDOG);
    watchdog.pause_on_debug(true);
    watchdog.start(WATCHDOG);

    let mut config = spi::Config::default();
    config.frequency = SPI_HZ;
    let bus = Spi::new_blocking(pins.SPI0, pins.PIN_2, pins.PIN_3, pins.PIN_4, config);
    let select = Output::new(pins.PIN_5, Level::High);
    let (mut scl, mut sda) =
        (OutputOpenDrain::new(pins.PIN_9, Level::High), OutputOpenDrain::new(pins.PIN_8, Level::High));
    scl.set_pullup(true);
    sda.set_pullup(true);
    let i2c = SoftI2c::new(scl, sda, clock);

    run::<Dsp<CortexM4>, _, _>(Board {
        name: "pico2",
        clock,
        link,
        io: Pico2 { watchdog, light: Output::new(pins.PIN_25, Level::Low) },
        memory: MEMORY.take().parts(),
        camera: |input| {
            let config = Config::for_input(input).ok()?;
            let spi = ExclusiveDevice::new(bus, select, clock).ok()?;
            Some(ArducamMini::new(spi, i2c, clock, config))
        },
    })
}
