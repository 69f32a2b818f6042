//! The packages linked into a program, according to cargo.

use std::collections::{BTreeMap, BTreeSet};
use std::env;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use miette::{IntoDiagnostic as _, Result, WrapErr as _, miette};
use serde::Deserialize;

/// One package.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct CargoPackage {
    pub(super) name: String,
    pub(super) version: String,
    /// License as an SPDX expression, or nearly one (`MIT/Apache-2.0`).
    pub(super) license: Option<String>,
    /// Address of its sources.
    pub(super) repository: Option<String>,
    /// Authors, from its manifest.
    pub(super) authors: Vec<String>,
    /// SHA-256 of the published package, hexadecimal; `None` for packages of this repository.
    pub(super) checksum: Option<String>,
    /// Folder of its sources on this machine.
    pub(super) folder: PathBuf,
    /// Packages of the same [`Packages`] that it links, by [`id`](Self::id).
    pub(super) dependencies: BTreeSet<String>,
}

impl CargoPackage {
    /// Returns name and version, `name@version`.
    pub(super) fn id(&self) -> String {
        id(&self.name, &self.version)
    }

    /// Returns true for packages of this repository.
    pub(super) fn is_own(&self) -> bool {
        self.checksum.is_none()
    }
}

fn id(name: &str, version: &str) -> String {
    format!("{name}@{version}")
}

/// Packages by [`CargoPackage::id`].
pub(super) type Packages = BTreeMap<String, CargoPackage>;

/// Selects the packages to read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Query<'a> {
    /// Folder of a workspace.
    pub(super) workspace: &'a Path,
    /// Name of one of its packages.
    pub(super) package: &'a str,
    /// Target triple.
    pub(super) target: &'a str,
}

impl Query<'_> {
    /// Reads the package and all packages linked into it, including macros: those of `cargo tree --edges normal`.
    ///
    /// # Errors
    /// If cargo fails, or its output cannot be parsed.
    pub(super) fn read(&self) -> Result<Packages> {
        let metadata = self.metadata()?;
        let checksums = checksums(&self.workspace.join("Cargo.lock"))?;
        let ids: BTreeMap<&str, String> = metadata
            .packages
            .iter()
            .map(|package| (package.id.as_str(), id(&package.name, &package.version)))
            .collect();
        let linked = self.linked()?;
        let mut packages = Packages::new();
        for package in &metadata.packages {
            let own_id = &ids[package.id.as_str()];
            if !linked.contains(own_id) {
                continue;
            }
            let node = metadata.resolve.nodes.iter().find(|node| node.id == package.id);
            let edges = node.into_iter().flat_map(|node| &node.deps);
            let normal = edges.filter(|edge| edge.dep_kinds.iter().any(|kind| kind.kind.is_none()));
            let dependencies = normal.filter_map(|edge| ids.get(edge.pkg.as_str())).filter(|id| linked.contains(*id));
            let read = CargoPackage {
                name: package.name.clone(),
                version: package.version.clone(),
                license: package.license.clone(),
                repository: package.repository.clone(),
                authors: package.authors.clone(),
                checksum: checksums.get(own_id).cloned(),
                folder: package.manifest_path.parent().unwrap_or(Path::new("")).to_owned(),
                dependencies: dependencies.cloned().collect(),
            };
            packages.insert(own_id.clone(), read);
        }
        match linked.iter().find(|id| !packages.contains_key(*id)) {
            None => Ok(packages),
            Some(id) => Err(miette!("`cargo metadata` does not know {id}, which `cargo tree` lists")),
        }
    }

    fn linked(&self) -> Result<BTreeSet<String>> {
        let arguments = ["tree", "--edges", "normal", "--prefix", "none", "--format", "{p}", "--package", self.package];
        let text = self.cargo(&arguments, "--target")?;
        // "name v1.2.3", optionally followed by text in parentheses.
        let id_of = |line: &str| {
            let (name, rest) = line.split_once(" v")?;
            Some(id(name, rest.split(' ').next()?))
        };
        text.lines()
            .map(|line| id_of(line).ok_or_else(|| miette!("the output of `cargo tree` cannot be read: {line:?}")))
            .collect()
    }

    fn metadata(&self) -> Result<Metadata> {
        let text = self.cargo(&["metadata", "--format-version", "1"], "--filter-platform")?;
        serde_json::from_str(&text).into_diagnostic().wrap_err("the output of `cargo metadata` cannot be read")
    }

    fn cargo(&self, arguments: &[&str], target_option: &str) -> Result<String> {
        let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo")));
        cargo.args(arguments).args([target_option, self.target, "--locked"]).current_dir(self.workspace);
        let output = cargo.output().into_diagnostic().wrap_err("cargo cannot be started")?;
        if !output.status.success() {
            return Err(miette!("{cargo:?} failed:\n{}", String::from_utf8_lossy(&output.stderr)));
        }
        String::from_utf8(output.stdout).into_diagnostic()
    }
}

/// Returns the checksums in a lock file, by [`CargoPackage::id`].
fn checksums(lock: &Path) -> Result<BTreeMap<String, String>> {
    #[derive(Deserialize)]
    struct CargoLock {
        package: Vec<Locked>,
    }
    #[derive(Deserialize)]
    struct Locked {
        name: String,
        version: String,
        checksum: Option<String>,
    }
    let text = fs::read_to_string(lock).into_diagnostic().wrap_err_with(|| lock.display().to_string())?;
    let lock: CargoLock = toml::from_str(&text).into_diagnostic().wrap_err_with(|| lock.display().to_string())?;
    let with_checksum = lock.package.into_iter().filter_map(|locked| {
        let checksum = locked.checksum?;
        Some((id(&locked.name, &locked.version), checksum))
    });
    Ok(with_checksum.collect())
}

/// The used part of `cargo metadata`'s format 1.
#[derive(Deserialize)]
struct Metadata {
    packages: Vec<MetadataPackage>,
    resolve: Resolve,
}

#[derive(Deserialize)]
struct MetadataPackage {
    id: String,
    name: String,
    version: String,
    license: Option<String>,
    repository: Option<String>,
    authors: Vec<String>,
    manifest_path: PathBuf,
}

#[derive(Deserialize)]
struct Resolve {
    nodes: Vec<DependencyNode>,
}

#[derive(Deserialize)]
struct DependencyNode {
    id: String,
    deps: Vec<Edge>,
}

#[derive(Deserialize)]
struct Edge {
    pkg: String,
    dep_kinds: Vec<EdgeKind>,
}

#[derive(Deserialize)]
struct EdgeKind {
    /// `None` for normal dependencies, which are linked.
    kind: Option<String>,
}
