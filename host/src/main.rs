//! The `pinhole` command. Parsing and printing are in `pinhole::cli`, the work in the library.

use std::process::ExitCode;

/// Training constantly allocates and frees tensors of megabytes. The system's allocator on Linux returns them to the
/// kernel, which clears each page again: a quarter of the training time of a convolutional network.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    pinhole::cli::run()
}
