//! The case of `tests/src/fuzz/weights.rs`, on bytes that libFuzzer chooses.
#![no_main]

use libfuzzer_sys::fuzz_target;

#[path = "../../src/fuzz/weights.rs"]
mod weights;

fuzz_target!(|data: &[u8]| {
    weights::case(data);
});
