//! The case of `tests/src/fuzz/photo.rs`, on bytes that libFuzzer chooses.
#![no_main]

use libfuzzer_sys::fuzz_target;

#[path = "../../src/fuzz/photo.rs"]
mod photo;

fuzz_target!(|data: &[u8]| {
    photo::case(data);
});
