//! Pinhole on QEMU's mps2 boards: the code shared by the emulated boards.
//!
//! | binary | code for | QEMU machine | board |
//! |---|---|---|---|
//! | `pinhole-qemu` | thumbv7em-none-eabihf | mps2-an386 (Cortex-M4F) | `qemu-mps2-an386` |
//! | `pinhole-qemu-m33` | thumbv8m.main-none-eabihf | mps2-an505 (Cortex-M33) | `qemu-mps2-an505` |
//! | `pinhole-qemu-m0plus` | thumbv6m-none-eabi | mps2-an385 (Cortex-M3, which runs all of it) | `qemu-thumbv6m` |
//!
//! QEMU has no machine with a Cortex-M0+ and enough memory. The last board is a Cortex-M0+ by its code: built for
//! Armv6-M, it has no instruction that a Cortex-M0+ lacks. Unaligned accesses are faults there too
//! ([`forbid_unaligned_access`]).
//!
//! | resource | location |
//! |---|---|
//! | model file | code memory at 0x0010_0000, loaded by the host before the start |
//! | link to the host | UART0 |
//! | instruction counter | TIMER0 |
//! | camera | UART1: pictures from the host, or a module's buses; `camera` |
//! | log | defmt over semihosting |
//!
//! If a board cannot start, or panics, it logs the reason and ends the emulator with a failure.
#![no_std]

mod camera;
mod counter;
mod fault;
mod uart;

use cortex_m::peripheral::SCB;
use defmt_semihosting as _;
use pinhole_app::device::{Device, Parts};
use pinhole_app::event::Event;
use pinhole_runtime::memory::Memory;
use pinhole_runtime::model;
use pinhole_shared::engine::Engine;
use pinhole_shared::kernel::Kernel;
use pinhole_shared::model::Model;
use static_cell::{ConstStaticCell, StaticCell};

use crate::camera::HostCamera;
use crate::counter::InstructionCounter;
use crate::declared::{ACCUMULATORS, ACTIVATIONS, ARENA_BYTES, INPUT_BYTES, INPUT_ROW_BYTES, LANES, ROW_BYTES};
use crate::uart::{TimedUart, Uarts};

pub use crate::uart::Machine;

/// Constants declared in the board's TOML file.
mod declared {
    include!(concat!(env!("OUT_DIR"), "/declared.rs"));
}

/// Timeout of the camera, ms.
const CAMERA_TIMEOUT_MS: u32 = 3000;

static MODEL: StaticCell<Model<'static>> = StaticCell::new();
static MEMORY: ConstStaticCell<
    Memory<INPUT_BYTES, INPUT_ROW_BYTES, ROW_BYTES, ACCUMULATORS, ACTIVATIONS, LANES, ARENA_BYTES>,
> = ConstStaticCell::new(Memory::new());

/// Runs the board of this name (at most [`pinhole_shared::link::NAME_BYTES`] bytes) with kernel `K` on this machine, forever.
pub fn run<K: Kernel>(board: &'static str, machine: Machine) -> ! {
    let (core, uarts, counter) = (cortex_m::Peripherals::take(), Uarts::take(machine), InstructionCounter::take());
    let (Some(core), Some(uarts), Some(counter)) = (core, uarts, counter) else {
        fault::stop("the peripherals were taken twice")
    };
    let model = match model::file().and_then(Model::parse_of::<K>) {
        Ok(model) => MODEL.init(model),
        Err(error) => fault::stop_for("the model file was refused", &error),
    };
    let (buffers, scratch) = MEMORY.take().parts();
    let engine = match Engine::<K>::new(model, scratch) {
        Ok(engine) => engine,
        Err(error) => fault::stop_for("the model does not fit this board", &error),
    };
    let line = TimedUart::new(uarts.camera, core.SYST, CAMERA_TIMEOUT_MS);
    let Some(camera) = HostCamera::plugged_in(line, model.input()) else {
        fault::stop("the command line names no camera that this board knows")
    };
    let parts = Parts { board, engine, camera, link: uarts.link, counter, buffers };
    let mut device = match Device::new(parts, log) {
        Ok(device) => device,
        Err(error) => fault::stop_for("the model does not fit this board", &error),
    };
    // The first line of the log; the host waits for it before it sends anything.
    defmt::info!(
        "{=str} ready: model {=u32:#010x}, {=u32} bytes, kernel {=str}",
        board,
        model.checksum(),
        model.file_bytes(),
        K::NAME
    );
    device.serve();
    fault::stop("the link ended")
}

/// Makes every unaligned access a fault, as on Armv6-M; by default a Cortex-M3 executes it.
pub fn forbid_unaligned_access() {
    /// Source: Arm DDI 0403E, "Armv7-M Architecture Reference Manual", B3.2.8.
    const UNALIGN_TRP: u32 = 1 << 3;
    // SAFETY: the register exists on every core, and this bit changes nothing for code without unaligned accesses.
    unsafe { (*SCB::PTR).ccr.modify(|bits| bits | UNALIGN_TRP) };
    // QEMU keeps code that it has already translated; the barrier makes it translate again.
    cortex_m::asm::isb();
}

fn log(event: &Event) {
    match event {
        Event::Identified | Event::InputComplete => defmt::debug!("{}", event),
        event if event.is_fault() => defmt::warn!("{}", event),
        event => defmt::info!("{}", event),
    }
}
