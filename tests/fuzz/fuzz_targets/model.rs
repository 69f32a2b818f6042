//! The case of `tests/src/fuzz/model.rs`, on bytes that libFuzzer chooses.
#![no_main]

use libfuzzer_sys::fuzz_target;

#[path = "../../src/fuzz/model.rs"]
mod model;

fuzz_target!(|data: &[u8]| {
    model::case(data);
});
