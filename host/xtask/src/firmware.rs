//! `cargo xtask firmware`.

use std::collections::BTreeMap;
use std::fs;
use std::process::ExitCode;

use clap::Args;
use miette::{IntoDiagnostic as _, Result};
use pinhole::artifacts::write_file;
use pinhole::board::Board;
use pinhole::firmware::prebuilt::{BoardManifest, FOLDER, FirmwareManifest, MANIFEST, compress, file_name};
use pinhole::firmware::{self, checkout, source_digest, toolchain_facts};

const HEAD: &str =
    "# What the prebuilt firmware beside this file was built from. Written by `cargo xtask firmware`.\n\n";

/// `cargo xtask firmware`.
#[derive(Debug, Args)]
pub(super) struct FirmwareCommand;

impl FirmwareCommand {
    pub(super) fn run(&self) -> Result<ExitCode> {
        let checkout = checkout()?;
        let folder = checkout.join("data").join(FOLDER);
        let toolchain = toolchain_facts(Board::default())?;
        let mut files = Vec::new();
        let mut boards = BTreeMap::new();
        for board in Board::ALL {
            let built = firmware::Firmware::build(board)?;
            let file = compress(built.elf());
            let (size, elf) = (built.size(), built.elf());
            let manifest = BoardManifest {
                digest: built.digest().to_owned(),
                elf_bytes: elf.len() as u64,
                file_bytes: file.len() as u64,
                code_bytes: size.code_bytes,
                engine_bytes: size.engine_bytes,
                static_ram_bytes: size.static_ram_bytes,
            };
            println!("{:<14} {} ({} bytes compressed)", board.name(), built.short_digest(), file.len());
            boards.insert(board.name().to_owned(), manifest);
            files.push((file_name(board), file));
        }
        let source_digest = source_digest(&checkout, &toolchain).into_diagnostic()?;
        let manifest = FirmwareManifest { source_digest, toolchain, boards };
        fs::create_dir_all(&folder).into_diagnostic()?;
        for (name, file) in files {
            write_file(&folder.join(name), &file)?;
        }
        let text = HEAD.to_owned() + &toml::to_string(&manifest).into_diagnostic()?;
        write_file(&folder.join(MANIFEST), text.as_bytes())?;
        Ok(ExitCode::SUCCESS)
    }
}
