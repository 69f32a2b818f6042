//! Pseudo terminals that no other program inherits.

use std::process::{Child, Command};
use std::sync::{Mutex, PoisonError};

use serialport::{SerialPort as _, TTYPort};

use crate::program;

/// Held while a program is started, and while a handle exists that it would inherit. A program that inherits the device's end of
/// a port keeps it open: then the end of the device is not the end of the port.
static STARTS: Mutex<()> = Mutex::new(());

/// Returns the far end of a new pseudo terminal, and the name of its near end. The near end is passed to `hold`, which keeps
/// another handle to it: without one, the terminal would end.
pub(super) fn pair<T>(hold: impl FnOnce(&str) -> T) -> (TTYPort, String, T) {
    // Cargo, which may build it, is started without the lock.
    program();
    let _lock = STARTS.lock().unwrap_or_else(PoisonError::into_inner);
    let (far, near) = TTYPort::pair().expect("there are pseudo terminals");
    let name = near.name().expect("the near end has a name");
    // Other handles: the first ones are inherited, and the near one is locked against other programs.
    let far = far.try_clone_native().expect("a handle can be copied");
    let held = hold(&name);
    (far, name, held)
}

/// Starts a program that inherits no port.
pub fn start(command: &mut Command) -> Child {
    let _lock = STARTS.lock().unwrap_or_else(PoisonError::into_inner);
    command.spawn().unwrap_or_else(|error| panic!("{command:?}: {error}"))
}
