//! Fatal errors: log the reason, then end the emulator with a failure, so that the host never waits for a dead device.

use core::fmt::Display;
use core::panic::PanicInfo;

use cortex_m_rt::{ExceptionFrame, exception};
use portable_atomic::{AtomicBool, Ordering};

/// Exit code of the emulator after a failure.
const FAILURE: i32 = 1;

/// Logs the reason and ends the emulator.
pub(crate) fn stop(reason: &str) -> ! {
    if first() {
        defmt::error!("{=str}", reason);
    }
    exit()
}

/// Logs the reason and the error behind it and ends the emulator.
///
/// The error is formatted as text, which costs flash; on a real board, log it by `defmt::Format`.
pub(crate) fn stop_for(reason: &str, error: &dyn Display) -> ! {
    if first() {
        defmt::error!("{=str}: {}", reason, defmt::Display2Format(error));
    }
    exit()
}

#[panic_handler]
fn panic(info: &PanicInfo<'_>) -> ! {
    if first() {
        defmt::error!("{}", defmt::Display2Format(info));
    }
    exit()
}

#[defmt::panic_handler]
fn defmt_panic() -> ! {
    // defmt has logged the message already.
    exit()
}

// SAFETY: does not return, touches no data the interrupted code could have been changing except the logger's, whose
// own lock turns a second entry into a panic; `first` ends that one.
#[exception]
unsafe fn HardFault(frame: &ExceptionFrame) -> ! {
    if first() {
        defmt::error!("hard fault at {=u32:#010x}, called from {=u32:#010x}", frame.pc(), frame.lr());
    }
    exit()
}

/// Returns true at the first failure: a fault while logging a fault must not log again.
fn first() -> bool {
    static FAILED: AtomicBool = AtomicBool::new(false);
    !FAILED.swap(true, Ordering::Relaxed)
}

fn exit() -> ! {
    semihosting::process::exit(FAILURE)
}
