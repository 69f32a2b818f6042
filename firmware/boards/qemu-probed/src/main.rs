//! Pinhole on QEMU's mps2-an386, as on a real board: the same standalone loop, link and log over RTT, flashed through a
//! debug probe. This is test equipment: the hardware is emulated, its probe is virtual, and its camera is synthetic.
#![no_std]
#![no_main]

use pinhole_app::test_card::TestCard;
use pinhole_kernels::cortex_m4::CortexM4;
use pinhole_runtime::clock::{Clock, Idle};
use pinhole_runtime::memory::Memory;
use pinhole_runtime::rtt::RttLink;
use pinhole_runtime::standalone::{Board, BoardIo, run};
use pinhole_shared::kernel::Dsp;
use pinhole_shared::pixels::{Color, InputShape};
use static_cell::ConstStaticCell;

/// Constants declared in board.toml.
mod declared {
    include!(concat!(env!("OUT_DIR"), "/declared.rs"));
}

use declared::{ACCUMULATORS, ACTIVATIONS, ARENA_BYTES, CLOCK_HZ, INPUT_BYTES, INPUT_ROW_BYTES, LANES, ROW_BYTES};

static MEMORY: ConstStaticCell<
    Memory<INPUT_BYTES, INPUT_ROW_BYTES, ROW_BYTES, ACCUMULATORS, ACTIVATIONS, LANES, ARENA_BYTES>,
> = ConstStaticCell::new(Memory::new());

/// The first of two user LEDs, in the FPGA's own registers. Source: Arm AN386, "FPGA system control and I/O".
const LEDS: *mut u32 = 0x4002_8000 as *mut u32;

struct Leds;

impl BoardIo for Leds {
    /// QEMU has no watchdog; the test that runs it has a time limit.
    fn feed_watchdog(&mut self) {}

    fn light(&mut self, on: bool) {
        // SAFETY: the register is always there on this machine, and nothing else uses it.
        unsafe { LEDS.write_volatile(u32::from(on)) };
    }
}

#[cortex_m_rt::entry]
fn main() -> ! {
    // Cannot fail: this is the only call.
    let Some(core) = cortex_m::Peripherals::take() else { cortex_m::peripheral::SCB::sys_reset() };
    let clock = Clock::start(core.SYST, CLOCK_HZ, Idle::Sleep);
    let link = RttLink::start(clock);
    run::<Dsp<CortexM4>, _, _>(Board {
        name: "qemu-probed",
        clock,
        link,
        io: Leds,
        memory: MEMORY.take().parts(),
        camera: |input: InputShape| (input.color == Color::Gray).then(|| TestCard::new(input.longer_side())),
    })
}
