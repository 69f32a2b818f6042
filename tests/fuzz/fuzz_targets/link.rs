//! The case of `tests/src/fuzz/link.rs`, on bytes that libFuzzer chooses.
#![no_main]

use libfuzzer_sys::fuzz_target;

#[path = "../../src/fuzz/link.rs"]
mod link;

fuzz_target!(|data: &[u8]| {
    link::case(data);
});
