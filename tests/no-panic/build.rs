//! The only root of the program, for the linker's garbage collection.

fn main() {
    println!("cargo::rustc-link-arg-bins=--entry=parse");
}
