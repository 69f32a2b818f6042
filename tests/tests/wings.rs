//! Dependencies between the host's crates, from their manifests and sources: each must be allowed by ARCHITECTURE.md.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use pinhole_tests::repository;

/// Allowed dependencies of each crate. `boards` never depends on `train` or `lab`, `train` never on `boards` or `lab`,
/// `convert` only on `core`.
const MAY: [(&str, &[&str]); 6] = [
    ("core", &[]),
    ("train", &["core"]),
    ("boards", &["core"]),
    ("convert", &["core"]),
    ("lab", &["boards", "core", "train"]),
    ("pinhole", &["boards", "convert", "core", "lab", "train"]),
];

/// Additional dependencies allowed in tests only.
const MAY_IN_TESTS: [(&str, &[&str]); 1] = [("convert", &["train"])];

fn folder(name: &str) -> std::path::PathBuf {
    let host = repository().join("host");
    if name == "pinhole" { host } else { host.join(name) }
}

/// Returns the host's crates in a table of a manifest.
fn named(manifest: &toml::Table, table: &str) -> BTreeSet<String> {
    let names = manifest.get(table).and_then(toml::Value::as_table).into_iter().flat_map(toml::Table::keys);
    let ours: BTreeSet<&str> = MAY.iter().map(|(name, _)| *name).collect();
    names
        .filter_map(|name| name.strip_prefix("pinhole-").or((name == "pinhole").then_some("pinhole")))
        .filter(|name| ours.contains(name))
        .map(str::to_owned)
        .collect()
}

/// Counts the host's crates named in code of the sources.
fn used(folder: &Path, arrows: &mut BTreeMap<String, usize>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            used(&path, arrows);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            let text = fs::read_to_string(&path).unwrap();
            let code = text.lines().filter(|line| !line.trim_start().starts_with("//"));
            for line in code {
                for (name, _) in MAY {
                    let count = line.matches(&format!("pinhole_{name}::")).count();
                    if count > 0 {
                        *arrows.entry(name.to_owned()).or_default() += count;
                    }
                }
            }
        }
    }
}

#[test]
fn every_arrow_is_allowed_and_every_dependency_used() {
    for (name, may) in MAY {
        let text = fs::read_to_string(folder(name).join("Cargo.toml")).unwrap();
        let manifest: toml::Table = text.parse().unwrap();
        let in_tests = MAY_IN_TESTS.iter().find(|(of, _)| *of == name).map_or(&[][..], |(_, may)| may);
        let (depends, tests) = (named(&manifest, "dependencies"), named(&manifest, "dev-dependencies"));
        for other in &depends {
            assert!(may.contains(&other.as_str()), "{name} may not depend on {other}");
        }
        for other in &tests {
            assert!(in_tests.contains(&other.as_str()), "the tests of {name} may not depend on {other}");
        }
        let mut arrows = BTreeMap::new();
        used(&folder(name).join("src"), &mut arrows);
        println!("{name} -> {arrows:?}");
        for other in arrows.keys() {
            assert!(
                depends.contains(other) || tests.contains(other),
                "{name} uses {other}, which it does not depend on"
            );
        }
        for other in depends.union(&tests) {
            assert!(arrows.contains_key(other), "{name} depends on {other} and does not use it");
        }
    }
}

/// Every library in a manifest is used in code; others would be compiled for nothing.
#[test]
fn every_library_is_used() {
    for name in MAY.iter().map(|(name, _)| *name).chain(["xtask"]) {
        let text = fs::read_to_string(folder(name).join("Cargo.toml")).unwrap();
        let manifest: toml::Table = text.parse().unwrap();
        let mut code = String::new();
        for part in ["src", "benches", "build.rs"] {
            code_of(&folder(name).join(part), &mut code);
        }
        let words: BTreeSet<&str> = code.split(|c: char| !c.is_alphanumeric() && c != '_').collect();
        let mut libraries = 0;
        for table in ["dependencies", "dev-dependencies", "build-dependencies"] {
            for library in manifest.get(table).and_then(toml::Value::as_table).into_iter().flat_map(toml::Table::keys) {
                let word = library.replace('-', "_");
                assert!(words.contains(word.as_str()), "{name} has {library} in its {table} and does not use it");
                libraries += 1;
            }
        }
        assert!(libraries > 3, "{name}: {libraries} libraries");
    }
}

/// Appends the code of a file, or of all Rust files below a folder, without comments.
fn code_of(path: &Path, code: &mut String) {
    if path.is_dir() {
        for entry in fs::read_dir(path).unwrap() {
            code_of(&entry.unwrap().path(), code);
        }
    } else if path.extension().is_some_and(|ending| ending == "rs") && path.is_file() {
        let text = fs::read_to_string(path).unwrap();
        for line in text.lines().filter(|line| !line.trim_start().starts_with("//")) {
            code.push_str(line);
            code.push('\n');
        }
    }
}

/// Every folder with a manifest is a crate of the table above, or the repository's commands.
#[test]
fn every_crate_is_known() {
    let entries = fs::read_dir(repository().join("host")).unwrap().map(|entry| entry.unwrap().path());
    let crates: BTreeSet<String> = entries
        .filter(|path| path.join("Cargo.toml").is_file())
        .map(|path| path.file_name().unwrap().to_string_lossy().into_owned())
        .collect();
    let known = MAY.iter().map(|(name, _)| *name).filter(|name| *name != "pinhole").chain(["xtask"]);
    assert_eq!(crates, known.map(str::to_owned).collect());
}

/// Use cases serve any front end: no arguments, no printing, no progress bars and no Ctrl-C in their sources.
#[test]
fn use_cases_know_no_command_line() {
    const FRONT_END: [&str; 8] =
        ["clap", "crate::cli", "ctrlc", "indicatif", "ratatui", "println!", "stdout()", "stderr()"];
    let mut folders = vec![repository().join("host/src/app")];
    let mut sources = 0;
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            sources += 1;
            let text = fs::read_to_string(&path).unwrap();
            let code = text.lines().filter(|line| !line.trim_start().starts_with("//"));
            for line in code {
                let word = FRONT_END.into_iter().find(|word| line.contains(word));
                assert_eq!(word, None, "{}: {line}", path.display());
            }
        }
    }
    assert!(sources >= 10, "only {sources} files");
}
