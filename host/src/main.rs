//! Pinhole.
fn main() {}
