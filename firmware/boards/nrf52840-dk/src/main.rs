//! Pinhole on the nRF52840-DK, with an ArduCAM Mini 2MP Plus. README.md has the wiring.
#![no_std]
#![no_main]

use embassy_nrf::gpio::{AnyPin, Flex, Level, Output, OutputDrive, Pull};
use embassy_nrf::spim::{self, Spim};
use embassy_nrf::wdt::{self, HaltConfig, Watchdog, WatchdogHandle};
use embassy_nrf::{Peri, bind_interrupts, peripherals};
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

bind_interrupts!(struct Interrupts {
    SPI2 => spim::InterruptHandler<peripherals::SPI2>;
});

/// SPI clock: half of the camera's maximum, for long wires.
const SPI_FREQUENCY: spim::Frequency = spim::Frequency::M4;
const SPI_HZ: u32 = 4_000_000;
/// Minimum clock of [`SoftI2c`] on this core, Hz.
const I2C_HZ: u32 = 50_000;
// The loop feeds the watchdog before every picture; the camera's worst case, including its rows, must not reset the
// board.
const _: () = assert!(worst_picture_ms(BusClocks { spi_hz: SPI_HZ, i2c_hz: I2C_HZ }, ROW_BYTES) < WATCHDOG_MS);

static MEMORY: ConstStaticCell<
    Memory<INPUT_BYTES, INPUT_ROW_BYTES, ROW_BYTES, ACCUMULATORS, ACTIVATIONS, LANES, ARENA_BYTES>,
> = ConstStaticCell::new(Memory::new());

struct Dk {
    /// `None` if a watchdog with other settings is already running: it resets the chip once, which ends it.
    watchdog: Option<WatchdogHandle>,
    /// The LED, active low.
    light: Output<'static>,
}

impl BoardIo for Dk {
    fn feed_watchdog(&mut self) {
        if let Some(watchdog) = &mut self.watchdog {
            watchdog.pet();
        }
    }

    fn light(&mut self, on: bool) {
        self.light.set_level(if on { Level::Low } else { Level::High });
    }
}

/// Configures an open-drain pin.
fn open_drain(pin: Peri<'static, AnyPin>) -> Flex<'static> {
    let mut pin = Flex::new(pin);
    pin.set_high();
    pin.set_as_input_output(Pull::Up, OutputDrive::Standard0Disconnect1);
    pin
}

#[cortex_m_rt::entry]
fn main() -> ! {
    let pins = embassy_nrf::init(embassy_nrf::config::Config::default());
    // Cannot fail: this is the only call.
    let Some(core) = cortex_m::Peripherals::take() else { cortex_m::peripheral::SCB::sys_reset() };
    // SysTick stops while this core sleeps, unless a debug probe is attached.
    let clock = Clock::start(core.SYST, CLOCK_HZ, Idle::Spin);
    let link = RttLink::start(clock);
    let mut config = wdt::Config::default();
    config.timeout_ticks = WATCHDOG_MS / 1_000 * 32_768;
    config.action_during_debug_halt = HaltConfig::Pause;
    let watchdog = Watchdog::try_new(pins.WDT, config).ok().map(|(_, [handle])| handle);

    // Not SPI3: its transmitted bytes may change if the core writes to the same RAM block (anomaly 198).
    let mut config = spim::Config::default();
    config.frequency = SPI_FREQUENCY;
    let bus = Spim::new(pins.SPI2, Interrupts, pins.P1_15, pins.P1_14, pins.P1_13, config);
    let select = Output::new(pins.P1_12, Level::High, OutputDrive::Standard);
    let i2c = SoftI2c::new(open_drain(pins.P0_27.into()), open_drain(pins.P0_26.into()), clock);

    run::<Dsp<CortexM4>, _, _>(Board {
        name: "nrf52840-dk",
        clock,
        link,
        io: Dk { watchdog, light: Output::new(pins.P0_13, Level::High, OutputDrive::Standard) },
        memory: MEMORY.take().parts(),
        camera: |input| {
            let config = Config::for_input(input).ok()?;
            let spi = ExclusiveDevice::new(bus, select, clock).ok()?;
            Some(ArducamMini::new(spi, i2c, clock, config))
        },
    })
}
