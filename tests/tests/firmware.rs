//! Checks that the prebuilt firmware matches the sources, and that firmware built from them now is equivalent.
//!
//! Building needs a toolchain for the boards' targets. If there is none, and [`REQUIRED`] is not set, this reports it;
//! the end-to-end tests have then run on the prebuilt firmware alone.

use std::process::Command;

use pinhole::bench::bench_on;
use pinhole::board::Board;
use pinhole::budget::FirmwareSize;
use pinhole::firmware::prebuilt::FirmwareManifest;
use pinhole::firmware::{Firmware, FirmwareError, cargo, source_digest, toolchain_facts};
use pinhole::model_file::ModelFile;
use pinhole_tests::{Ran, repository};

/// Environment variable that makes a missing toolchain for the boards a failure; `.ci/run` sets it.
const REQUIRED: &str = "PINHOLE_REQUIRE_FIRMWARE_BUILD";

/// Maximum difference in code size of two builds of the same sources, bytes. Functions start at multiples of four.
/// Their order depends on the checkout's folder, and changes the padding between them.
const PADDING_BYTES: u64 = 64;

/// Files of end-to-end tests that run firmware.
const END_TO_END: [&str; 7] = ["emulator", "camera", "bench", "budget", "color", "flash_file", "probe"];

fn manifest() -> FirmwareManifest {
    FirmwareManifest::inside().expect("there is prebuilt firmware").expect("its manifest can be read")
}

#[test]
fn prebuilt_firmware_is_of_these_sources() {
    let manifest = manifest();
    let digest = source_digest(repository(), &manifest.toolchain).unwrap();
    assert_eq!(
        digest, manifest.source_digest,
        "the sources of the firmware have changed since data/firmware was built: run `cargo xtask firmware`, and commit it"
    );
}

#[test]
fn prebuilt_firmware_is_what_its_manifest_says() {
    let manifest = manifest();
    let names: Vec<&str> = manifest.boards.keys().map(String::as_str).collect();
    let mut boards: Vec<&str> = Board::ALL.iter().map(|board| board.name()).collect();
    boards.sort_unstable();
    assert_eq!(names, boards);
    let mut compressed = 0;
    for board in Board::ALL {
        let firmware = Firmware::prebuilt(board).unwrap_or_else(|error| panic!("{error}"));
        let (said, size) = (&manifest.boards[board.name()], firmware.size());
        assert_eq!(said.digest, firmware.digest(), "{board:?}");
        assert_eq!(said.elf_bytes, firmware.elf().len() as u64, "{board:?}");
        assert_eq!(
            (said.code_bytes, said.engine_bytes, said.static_ram_bytes),
            (size.code_bytes, size.engine_bytes, size.static_ram_bytes),
            "{board:?}"
        );
        compressed += said.file_bytes;
        // Folder names of the build machine must not be published.
        let text = String::from_utf8_lossy(firmware.elf());
        for folder in ["/root", "/home", "/Users", "registry/src", repository().to_str().unwrap()] {
            assert!(!text.contains(folder), "{board:?} names {folder}");
        }
    }
    assert!(compressed < 600_000, "{compressed} bytes");
}

/// Returns true if two builds of the same sources may have these sizes.
fn differ_by_padding(one: FirmwareSize, other: FirmwareSize) -> bool {
    one.code_bytes.abs_diff(other.code_bytes) <= PADDING_BYTES
        && (one.engine_bytes, one.static_ram_bytes) == (other.engine_bytes, other.static_ram_bytes)
}

#[test]
fn builds_differ_by_padding_alone() {
    let size = FirmwareSize { code_bytes: 40_000, engine_bytes: 20_000, static_ram_bytes: 9_000 };
    let code = |code_bytes| FirmwareSize { code_bytes, ..size };
    for (other, may_be) in [
        (size, true),
        (code(39_936), true),
        (code(40_064), true),
        (code(39_935), false),
        (code(40_065), false),
        (FirmwareSize { engine_bytes: 20_001, ..size }, false),
        (FirmwareSize { static_ram_bytes: 8_999, ..size }, false),
    ] {
        assert_eq!(differ_by_padding(other, size), may_be, "{other:?}");
    }
    // The padding is small: a bound that hides a new function must not pass.
    for board in Board::ALL {
        assert!(PADDING_BYTES * 500 < Firmware::prebuilt(board).unwrap().size().code_bytes, "{board:?}");
    }
}

/// For every core, the linker finds no path from the parser of model files to a panic. The control has one, and is not linked.
#[test]
fn parsing_cannot_panic() {
    let folder = repository().join("tests").join("no-panic");
    for board in [Board::Qemu, Board::QemuM0plus, Board::QemuM33] {
        for (features, links) in [(None, true), (Some("--features=control"), false)] {
            let mut cargo = match cargo(board, repository()) {
                Ok(cargo) => cargo,
                Err(error @ FirmwareError::NoToolchain { .. }) if std::env::var_os(REQUIRED).is_none() => {
                    println!("not linked for {board:?}: {error}");
                    continue;
                }
                Err(error) => panic!("{error}"),
            };
            cargo.args(["build", "--release", "--locked", "--target", board.target(), "--target-dir"]);
            cargo.arg(repository().join("target").join("firmware")).args(features).current_dir(&folder);
            let ran = cargo.output().unwrap();
            let stderr = String::from_utf8_lossy(&ran.stderr);
            let panics = stderr.contains("undefined symbol: a_panic_can_be_reached");
            assert_eq!((ran.status.success(), panics), (links, !links), "{board:?}, {features:?}: {stderr}");
        }
    }
}

/// The program that is linked for [`parsing_cannot_panic`] is compiled as the firmware is.
#[test]
fn the_linked_parser_is_compiled_as_the_firmwares() {
    let release = |manifest: &str| -> toml::Table {
        let text = std::fs::read_to_string(repository().join(manifest)).unwrap();
        let profiles = text.parse::<toml::Table>().unwrap()["profile"].clone();
        let mut release = profiles["release"].as_table().unwrap().clone();
        // Not in the image.
        release.remove("debug");
        release
    };
    assert_eq!(release("tests/no-panic/Cargo.toml"), release("firmware/Cargo.toml"));
}

/// Tests that pass on the prebuilt firmware pass on newly built firmware too, with the same instruction counts. The two
/// differ in the order of functions, which depends on the checkout's folder, or in the compiler, which the manifest
/// names.
#[test]
fn firmware_built_now_is_as_good() {
    let facts = match toolchain_facts(Board::default()) {
        Ok(facts) => facts,
        Err(error @ FirmwareError::NoToolchain { .. }) if std::env::var_os(REQUIRED).is_none() => {
            println!("not tested on firmware built from source: {error}");
            return;
        }
        Err(error) => panic!("{error}"),
    };
    let same_compiler = facts == manifest().toolchain;
    let mut others = Vec::new();
    for board in Board::ALL {
        let built = Firmware::build(board).unwrap_or_else(|error| panic!("{error}"));
        let prebuilt = Firmware::prebuilt(board).unwrap();
        if built.digest() == prebuilt.digest() {
            continue;
        }
        others.push(board.name());
        if same_compiler {
            let [built, prebuilt] = [built.size(), prebuilt.size()];
            assert!(differ_by_padding(built, prebuilt), "{board:?}: {built:?}, prebuilt {prebuilt:?}");
        }
        if board.is_emulated() {
            for name in ["drawn", "conv-50-tiny"] {
                let path = repository().join("data/models").join(name).join("model.pinhole");
                let file = ModelFile::read(&path).unwrap();
                let [built, prebuilt] = [&built, &prebuilt]
                    .map(|firmware| bench_on(firmware.clone(), &file, &path).unwrap_or_else(|error| panic!("{error}")));
                println!("{name}, {board:?}: {} instructions, prebuilt {}", built.instructions, prebuilt.instructions);
                assert!(built == prebuilt || !same_compiler, "{name}, {board:?}: {built:?}, prebuilt {prebuilt:?}");
            }
        }
    }
    if others.is_empty() {
        println!("firmware built from source is the prebuilt one, byte for byte: the other tests are about both");
        return;
    }
    println!("{others:?}, built by {}, differ from the prebuilt: the end-to-end tests run on them too", facts.rustc);
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.args(["test", "--workspace"]).args(END_TO_END.iter().flat_map(|test| ["--test", test]));
    cargo.env("PINHOLE_BUILD_FIRMWARE", "1").current_dir(repository());
    Ran::of(&mut cargo).ok();
}
