//! The case of `tests/src/fuzz/study.rs`, on bytes that libFuzzer chooses.
#![no_main]

use libfuzzer_sys::fuzz_target;

#[path = "../../src/fuzz/study.rs"]
mod study;

fuzz_target!(|data: &[u8]| {
    study::case(data);
});
