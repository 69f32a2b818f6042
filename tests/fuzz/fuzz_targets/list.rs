//! The case of `tests/src/fuzz/list.rs`, on bytes that libFuzzer chooses.
#![no_main]

use libfuzzer_sys::fuzz_target;

#[path = "../../src/fuzz/list.rs"]
mod list;

fuzz_target!(|data: &[u8]| {
    list::case(data);
});
