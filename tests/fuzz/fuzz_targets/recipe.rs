//! The case of `tests/src/fuzz/recipe.rs`, on bytes that libFuzzer chooses.
#![no_main]

use libfuzzer_sys::fuzz_target;

#[path = "../../src/fuzz/recipe.rs"]
mod recipe;

fuzz_target!(|data: &[u8]| {
    recipe::case(data);
});
