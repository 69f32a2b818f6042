//! The case of `tests/src/fuzz/checkpoint.rs`, on bytes that libFuzzer chooses.
#![no_main]

use libfuzzer_sys::fuzz_target;

#[path = "../../src/fuzz/checkpoint.rs"]
mod checkpoint;

fuzz_target!(|data: &[u8]| {
    checkpoint::case(data);
});
