//! Every link and every path in the documents exists.

use std::fs;
use std::path::{Path, PathBuf};

use pinhole::board::Board;
use pinhole::firmware::prebuilt::FirmwareManifest;
use pinhole_tests::repository;

/// Folders of the repository at the start of a path in a document.
const TOP: [&str; 7] = [".ci/", "data/", "docs/", "firmware/", "host/", "shared/", "tests/"];

/// Documents about earlier versions: their links are checked, not the paths in their text.
const HISTORY: [&str; 1] = ["CHANGELOG.md"];

fn documents(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() {
            // Ignored by git, or not ours.
            if name != "target" && (!name.starts_with('.') || name == ".ci") {
                documents(&path, found);
            }
        } else if name.ends_with(".md") {
            found.push(path);
        }
    }
}

/// Returns the targets of Markdown links: `[text](target)` and `![text](target)`.
fn links(text: &str) -> Vec<&str> {
    text.split("](").skip(1).filter_map(|rest| rest.split_once(')')).map(|(target, _)| target).collect()
}

/// Returns the text between single backticks, outside of code blocks.
fn inline_code(text: &str) -> Vec<&str> {
    let mut found = Vec::new();
    for line in text.lines().filter(|line| !line.starts_with("    ")) {
        found.extend(line.split('`').skip(1).step_by(2));
    }
    found
}

/// Expands `a/{b,c}` to `a/b` and `a/c`; a path without braces is unchanged.
fn expanded(path: &str) -> Vec<String> {
    let Some((before, rest)) = path.split_once('{') else { return vec![path.to_owned()] };
    let Some((choices, after)) = rest.split_once('}') else { return vec![path.to_owned()] };
    choices.split(',').map(|choice| format!("{before}{choice}{after}")).collect()
}

/// Returns true if a path exists; a final `*`, or a line number after a colon, is ignored.
fn is_there(path: &str) -> bool {
    let path = path.split_once('*').map_or(path, |(folder, _)| folder);
    let path = path.split_once(':').map_or(path, |(file, _)| file);
    repository().join(path).exists()
}

#[test]
fn links_and_paths_are_there() {
    let mut all = Vec::new();
    documents(repository(), &mut all);
    assert!(all.len() > 5, "{all:?}");
    let (mut wrong, mut checked) = (Vec::new(), 0);
    for document in all {
        let text = fs::read_to_string(&document).unwrap();
        let name = document.strip_prefix(repository()).unwrap().display().to_string();
        let folder = document.parent().unwrap();
        for link in links(&text) {
            let path = link.split('#').next().unwrap_or_default();
            if path.is_empty() || path.contains("://") || path.starts_with("mailto:") {
                continue;
            }
            checked += 1;
            if !folder.join(path).exists() {
                wrong.push(format!("{name}: the link {link}"));
            }
        }
        if HISTORY.contains(&name.as_str()) {
            continue;
        }
        for code in inline_code(&text) {
            let is_path = TOP.iter().any(|top| code.starts_with(top)) && !code.contains(' ') && !code.contains('<');
            if is_path {
                checked += 1;
                wrong
                    .extend(expanded(code).iter().filter(|path| !is_there(path)).map(|path| format!("{name}: {path}")));
            }
        }
    }
    println!("{checked} links and paths");
    assert!(wrong.is_empty(), "not there:\n{}", wrong.join("\n"));
    assert!(checked > 50, "{checked}");
}

/// Every promise names a test, and the test is in the file that the line names.
#[test]
fn promises_under_faults_have_their_tests() {
    let text = fs::read_to_string(repository().join("docs/faults.md")).unwrap();
    let is_row = |line: &&str| line.starts_with("| ") && !line.starts_with("| **") && !line.starts_with("| fault ");
    let rows: Vec<&str> = text.lines().filter(is_row).collect();
    for row in &rows {
        let cell = row.trim_end_matches(" |").rsplit_once(" | ").unwrap().1;
        let mut file = None;
        for code in inline_code(cell) {
            if code.contains('/') {
                let source =
                    fs::read_to_string(repository().join(code)).unwrap_or_else(|error| panic!("{code}: {error}"));
                assert!(source.contains("#[test]"), "{code} has no test");
                file = Some((code, source));
            } else {
                let (name, source) = file.as_ref().unwrap_or_else(|| panic!("no file before {code}"));
                assert!(
                    ["", "    "].iter().any(|indent| source.contains(&format!("#[test]\n{indent}fn {code}()"))),
                    "{code} is not in {name}"
                );
            }
        }
        assert!(file.is_some(), "no test: {row}");
    }
    assert!(rows.len() > 20, "{}", rows.len());
}

/// A number with commas between its thousands, as documents write it.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let groups: Vec<&str> =
        digits.as_bytes().rchunks(3).rev().map(|group| std::str::from_utf8(group).unwrap()).collect();
    groups.join(",")
}

/// The table of boards has the sizes of the prebuilt firmware.
#[test]
fn sizes_of_firmware_are_those_of_the_manifest() {
    let manifest = FirmwareManifest::inside().unwrap().unwrap();
    let text = fs::read_to_string(repository().join("docs/boards-and-cameras.md")).unwrap();
    let real = Board::ALL.into_iter().filter(|board| !board.is_emulated() && !board.is_test_equipment());
    let mut rows = 0;
    for board in real {
        let row = text.lines().find(|line| line.starts_with('|') && line.contains(&format!("`{}`", board.name())));
        let size = format!("| {} B |", grouped(manifest.boards[board.name()].code_bytes));
        assert!(row.is_some_and(|row| row.contains(&size)), "{}: {size} is not in {row:?}", board.name());
        rows += 1;
    }
    assert!(rows >= 3, "{rows} boards");
    let engine = manifest.boards[Board::Qemu.name()].engine_bytes;
    assert!(text.contains(&format!("takes {}", grouped(engine))), "the engine takes {engine} bytes");
    assert_eq!(grouped(1_234_567), "1,234,567");
}

#[test]
fn what_is_looked_for_is_found() {
    let text = "See [a](docs/a.md#b), ![c](c.svg), `host/{core,train}/src` and `firmware/boards/*`.\n    `not/this`\n";
    assert_eq!(links(text), ["docs/a.md#b", "c.svg"]);
    assert_eq!(inline_code(text), ["host/{core,train}/src", "firmware/boards/*"]);
    assert_eq!(expanded("host/{core,train}/src"), ["host/core/src", "host/train/src"]);
    assert!(is_there("firmware/boards/*") && is_there("host/src/lib.rs:10"));
    assert!(!is_there("host/src/no_such_file.rs"));
}
