//! `cargo xtask release`.
//!
//! | module | content |
//! |---|---|
//! | `packages` | a package of a workspace -> all packages linked into it, according to cargo |
//! | `inventory` | content of the program: packages, Rust's standard library, firmware |
//! | `licenses` | checks of the licenses, and their texts |
//! | `sbom` | the software bill of materials |
//! | `program` | the program, and the files that it generates |
//! | `archive` | files -> one reproducible archive |

mod archive;
mod inventory;
mod licenses;
mod packages;
mod program;
mod sbom;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use archive::{ArchiveFile, Files, SUMS};
use clap::Args;
use inventory::{Inventory, host_target};
use miette::{IntoDiagnostic as _, Result, WrapErr as _};
use pinhole::artifacts::{create_folder, write_file};
use pinhole::firmware::checkout;
use program::Program;

/// Files of the checkout that are copied into the archive.
const DOCUMENTS: [&str; 8] = [
    "README.md",
    "ARCHITECTURE.md",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "LICENSE-APACHE",
    "LICENSE-MIT",
    "SECURITY.md",
    "data/README.md",
];
/// Folder of documents that are all copied into the archive.
const DOCS: &str = "docs";
const LICENSES: &str = "THIRD-PARTY-LICENSES.txt";
const SBOM: &str = "sbom.cdx.json";

/// `cargo xtask release`.
#[derive(Debug, Args)]
pub(super) struct Release {
    /// Folder to write the archive and its checksum to [default: target/release-archive of the checkout]
    #[arg(long, value_name = "FOLDER")]
    out: Option<PathBuf>,
    /// Program to use, compiled from this checkout [default: compile one that names no folder of this machine]
    #[arg(long, value_name = "FILE")]
    program: Option<PathBuf>,
    /// Target triple of the program [default: this machine's]
    #[arg(long, value_name = "TRIPLE")]
    target: Option<String>,
    /// Program of the same sources that runs on this machine, to write completions and man pages [default: the program]
    #[arg(long, value_name = "FILE")]
    helper: Option<PathBuf>,
}

impl Release {
    pub(super) fn run(&self) -> Result<ExitCode> {
        let checkout = checkout()?;
        let target = match &self.target {
            Some(target) => target.clone(),
            None => host_target()?,
        };
        let program = match &self.program {
            Some(path) => Program::of(path.clone()),
            None => Program::compile(&checkout, &target)?,
        };
        let bytes = program.read()?;
        let inventory = Inventory::read(&checkout, &target, archive::sha256(&bytes))?;
        let name = format!("pinhole-{}-{target}", inventory.root().version);
        let mut files = Files::new();
        files.insert(program.name(), ArchiveFile { bytes, is_program: true });
        for document in DOCUMENTS {
            files.insert(document.to_owned(), ArchiveFile::plain(read(&checkout.join(document))?));
        }
        for entry in std::fs::read_dir(checkout.join(DOCS)).into_diagnostic()? {
            let path = entry.into_diagnostic()?.path();
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            files.insert(format!("{DOCS}/{name}"), ArchiveFile::plain(read(&path)?));
        }
        let title = format!("Licenses of what is in {name}");
        let licenses = licenses::document(&title, &inventory)?;
        files.insert(LICENSES.to_owned(), ArchiveFile::plain(licenses));
        files.insert(SBOM.to_owned(), ArchiveFile::plain(sbom::json(&inventory)?));
        let helper = self.helper.clone().map_or(program, Program::of);
        files.extend(helper.completions()?);
        files.extend(helper.man_pages()?);
        files.insert(SUMS.to_owned(), ArchiveFile::plain(archive::sums(&files)));
        let archive = archive::archive(&name, &files)?;
        let out = self.out.clone().unwrap_or_else(|| checkout.join("target").join("release-archive"));
        create_folder(&out)?;
        let file = format!("{name}.tar.gz");
        write_file(&out.join(&file), &archive)?;
        let sum = archive::sums(&Files::from([(file.clone(), ArchiveFile::plain(archive))]));
        write_file(&out.join(format!("{file}.sha256")), sum.as_bytes())?;
        println!("{} ({} files, {} packages)", out.join(&file).display(), files.len(), inventory.packages.len());
        print!("{sum}");
        Ok(ExitCode::SUCCESS)
    }
}

fn read(path: &Path) -> Result<Vec<u8>> {
    fs::read(path).into_diagnostic().wrap_err_with(|| path.display().to_string())
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::process::Command;

    use pinhole::firmware::checkout;

    use super::inventory::{Inventory, host_target};
    use super::packages::{CargoPackage, Query};
    use super::sbom;

    /// Returns a published package without dependencies, under MIT.
    pub(super) fn package(name: &str, version: &str) -> CargoPackage {
        CargoPackage {
            name: name.to_owned(),
            version: version.to_owned(),
            license: Some("MIT".to_owned()),
            repository: None,
            authors: vec!["someone".to_owned()],
            checksum: Some("a".repeat(64)),
            folder: Path::new("nowhere").to_owned(),
            dependencies: Default::default(),
        }
    }

    /// Every package that cargo reports as linked is in the list, at the same version, with a license.
    #[test]
    fn the_list_has_every_package_of_cargo_tree() {
        let checkout = checkout().unwrap();
        let target = host_target().unwrap();
        let query = Query { workspace: &checkout, package: "pinhole", target: &target };
        let inventory = Inventory::of_program(query.read().unwrap(), "0".repeat(64)).unwrap();
        let list: serde_json::Value = serde_json::from_slice(&sbom::json(&inventory).unwrap()).unwrap();
        let mut cargo = Command::new(env!("CARGO"));
        cargo.args(["tree", "--locked", "--package", "pinhole", "--edges", "normal", "--target", &target]);
        let output = cargo.args(["--prefix", "depth"]).current_dir(&checkout).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let tree = String::from_utf8(output.stdout).unwrap();
        let mut count = 0;
        for line in tree.lines().map(|line| line.trim_start_matches(|letter: char| letter.is_ascii_digit())) {
            let mut words = line.split(' ');
            let (name, version) = (words.next().unwrap(), words.next().unwrap().trim_start_matches('v'));
            let mut components = list["components"].as_array().unwrap().iter().chain([&list["metadata"]["component"]]);
            let found = components.find(|component| component["name"] == name && component["version"] == version);
            let found = found.unwrap_or_else(|| panic!("{name} {version} is not in the list"));
            assert!(found["licenses"][0]["expression"].is_string(), "{found}");
            count += 1;
        }
        assert!(count > 100, "{count}");
    }
}
