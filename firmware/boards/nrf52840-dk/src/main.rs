//! Pinhole on the nRF52840-DK, with an ArduCAM Mini 2MP Plus. README.md has the wiring.
#![no_std]
#![no_main]

use embassy_nrf::gpio::{Level, Output, OutputDrive};
use embassy_nrf::spim::{self, Spim};
use embassy_nrf::twim::{self, Twim};
use embassy_nrf::wdt::{self, HaltConfig, Watchdog, WatchdogHandle};
use embassy_nrf::{bind_interrupts, peripherals};
use embedded_hal_bus::spi::ExclusiveDevice;
use pinhole_cameras::arducam_mini::{ArducamMini, BusClocks, Config, worst_picture_ms};
use pinhole_kernels::cortex_m4::CortexM4;
use pinhole_runtime::alone::{Board, Panel, run};
use pinhole_runtime::clock::Clock;
use pinhole_runtime::memory::Memory;
use pinhole_runtime::rtt::RttLink;
use pinhole_shared::kernel::Dsp;
use static_cell::ConstStaticCell;

/// What board.toml declares.
mod declared {
    include!(concat!(env!("OUT_DIR"), "/declared.rs"));
}

use declared::{ACCUMULATORS, ACTIVATIONS, CLOCK_HZ, INPUT_SIDE, LANES, ROW_BYTES};

bind_interrupts!(struct Interrupts {
    SPIM3 => spim::InterruptHandler<peripherals::SPI3>;
    TWISPI0 => twim::InterruptHandler<peripherals::TWISPI0>;
});

/// Half of the fastest the camera takes: long wires.
const SPI_FREQUENCY: spim::Frequency = spim::Frequency::M4;
const SPI_HZ: u32 = 4_000_000;
const I2C_FREQUENCY: twim::Frequency = twim::Frequency::K100;
const I2C_HZ: u32 = 100_000;
/// Longest time between two feedings, ms. A picture takes its camera's worst case.
const WATCHDOG_MS: u32 = 20_000;
// The loop feeds the watchdog before every picture: the camera's worst case, its rows included, must not reset the board.
const _: () = assert!(worst_picture_ms(BusClocks { spi_hz: SPI_HZ, i2c_hz: I2C_HZ }, ROW_BYTES) < WATCHDOG_MS);

/// The longest message to the camera's sensor is an address and a value.
const I2C_BYTES: usize = 4;

static MEMORY: ConstStaticCell<
    Memory<{ INPUT_SIDE * INPUT_SIDE }, INPUT_SIDE, ROW_BYTES, ACCUMULATORS, ACTIVATIONS, LANES>,
> = ConstStaticCell::new(Memory::new());
static I2C_MEMORY: ConstStaticCell<[u8; I2C_BYTES]> = ConstStaticCell::new([0; I2C_BYTES]);

struct Dk {
    /// Absent when a watchdog of other settings was running already: only a power cycle ends that.
    watchdog: Option<WatchdogHandle>,
    /// Lit when low.
    light: Output<'static>,
}

impl Panel for Dk {
    fn feed_watchdog(&mut self) {
        if let Some(watchdog) = &mut self.watchdog {
            watchdog.pet();
        }
    }

    fn light(&mut self, on: bool) {
        self.light.set_level(if on { Level::Low } else { Level::High });
    }
}

#[cortex_m_rt::entry]
fn main() -> ! {
    let pins = embassy_nrf::init(embassy_nrf::config::Config::default());
    // Taken once: this is the only place.
    let Some(core) = cortex_m::Peripherals::take() else { cortex_m::peripheral::SCB::sys_reset() };
    let clock = Clock::start(core.SYST, CLOCK_HZ);
    let link = RttLink::start(clock);
    let mut config = wdt::Config::default();
    config.timeout_ticks = WATCHDOG_MS / 1_000 * 32_768;
    config.action_during_debug_halt = HaltConfig::Pause;
    let watchdog = Watchdog::try_new(pins.WDT, config).ok().map(|(_, [handle])| handle);

    let mut config = spim::Config::default();
    config.frequency = SPI_FREQUENCY;
    let bus = Spim::new(pins.SPI3, Interrupts, pins.P1_15, pins.P1_14, pins.P1_13, config);
    let select = Output::new(pins.P1_12, Level::High, OutputDrive::Standard);
    let mut config = twim::Config::default();
    config.frequency = I2C_FREQUENCY;
    let i2c = Twim::new(pins.TWISPI0, Interrupts, pins.P0_26, pins.P0_27, config, I2C_MEMORY.take());

    run::<Dsp<CortexM4>, _, _>(Board {
        name: "nrf52840-dk",
        clock,
        link,
        panel: Dk { watchdog, light: Output::new(pins.P0_13, Level::High, OutputDrive::Standard) },
        memory: MEMORY.take().parts(),
        camera: |input_side| {
            let config = Config::square(pinhole_cameras::square_for(input_side)).ok()?;
            let spi = ExclusiveDevice::new(bus, select, clock).ok()?;
            Some(ArducamMini::new(spi, i2c, clock, config))
        },
    })
}
