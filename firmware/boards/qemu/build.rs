//! This crate has two emulated boards; the target selects the one to build.

fn main() {
    let target = std::env::var("TARGET").expect("cargo sets TARGET");
    let declaration = match target.as_str() {
        "thumbv7em-none-eabihf" => "m4f.toml",
        "thumbv6m-none-eabi" => "m0plus.toml",
        "thumbv8m.main-none-eabihf" => "m33.toml",
        other => panic!("no emulated board is built for {other}"),
    };
    if let Err(error) = pinhole_declaration::build_script::run(declaration) {
        panic!("{error}");
    }
}
