//! The case of `tests/src/fuzz/tflite.rs`, on bytes that libFuzzer chooses.
#![no_main]

use libfuzzer_sys::fuzz_target;

#[path = "../../src/fuzz/tflite.rs"]
mod tflite;

fuzz_target!(|data: &[u8]| {
    tflite::case(data);
});
