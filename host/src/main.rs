//! The `pinhole` command. Parsing and printing are in `pinhole::cli`, the work in the library.

use std::process::ExitCode;

/// Training takes and gives back tensors of megabytes all the time, which the system's allocator on Linux returns to the
/// kernel, to have each page cleared anew: a quarter of the time of a convolutional network's training.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    pinhole::cli::run()
}
