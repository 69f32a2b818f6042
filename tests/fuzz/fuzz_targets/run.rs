//! The case of `tests/src/fuzz/run.rs`, on bytes that libFuzzer chooses.
#![no_main]

use libfuzzer_sys::fuzz_target;

#[path = "../../src/fuzz/run.rs"]
mod run;

fuzz_target!(|data: &[u8]| {
    run::case(data);
});
