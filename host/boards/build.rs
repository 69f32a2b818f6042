//! Collects the boards: every declaration in `firmware/boards` becomes a variant of `Board`.

use std::env;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use pinhole_declaration::Declaration;

/// Folder of the boards' crates, from this crate's folder.
const BOARDS: &str = "../../firmware/boards";

/// A declaration, and the path of its file relative to [`BOARDS`], with slashes.
struct Found {
    file: String,
    declaration: Declaration,
}

fn main() {
    println!("cargo::rerun-if-changed={BOARDS}");
    let mut boards = declarations(Path::new(BOARDS));
    // Emulated boards come first, and the first of them is the default. Test equipment comes last. Each group is sorted
    // by name.
    boards.sort_by_key(|Found { declaration, .. }| {
        let board = &declaration.board;
        (board.test_equipment, declaration.emulator.is_none(), board.name.clone())
    });
    for pair in boards.windows(2) {
        let [first, second] = [&pair[0], &pair[1]];
        assert_ne!(first.declaration.board.name, second.declaration.board.name, "{} and {}", first.file, second.file);
    }
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets it")).join("boards.rs");
    fs::write(&out, source(&boards)).unwrap_or_else(|error| panic!("{}: {error}", out.display()));
}

/// Reads all TOML files of the boards' folders but Cargo's.
fn declarations(folder: &Path) -> Vec<Found> {
    let entries = |folder: &Path| -> Vec<PathBuf> {
        let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
        entries.map(|entry| entry.expect("the folder can be read").path()).collect()
    };
    let mut found = Vec::new();
    for board in entries(folder).into_iter().filter(|path| path.is_dir()) {
        for path in entries(&board) {
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            if !name.ends_with(".toml") || name == "Cargo.toml" {
                continue;
            }
            let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            let declaration = Declaration::parse(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            let board = board.file_name().unwrap_or_default().to_string_lossy();
            found.push(Found { file: format!("{board}/{name}"), declaration });
        }
    }
    found
}

/// Converts a name to a variant: `qemu-m0plus` to `QemuM0plus`.
fn variant(name: &str) -> String {
    let upper = |word: &str| word[..1].to_uppercase() + &word[1..];
    name.split('-').filter(|word| !word.is_empty()).map(upper).collect()
}

fn source(boards: &[Found]) -> String {
    let mut variants = String::new();
    let (mut all, mut emulated, mut texts) = (Vec::new(), Vec::new(), Vec::new());
    for (index, Found { file, declaration }) in boards.iter().enumerate() {
        let name = variant(&declaration.board.name);
        let default = if index == 0 { "    #[default]\n" } else { "" };
        let _ = write!(variants, "    /// {}.\n{default}    {name},\n", declaration.board.description);
        if declaration.emulator.is_some() {
            emulated.push(format!("Emulated(Board::{name})"));
        }
        all.push(format!("Self::{name}"));
        texts.push(format!("include_str!(concat!(env!(\"CARGO_MANIFEST_DIR\"), \"/{BOARDS}/{file}\"))"));
    }
    let (count, all, emulated, texts) = (boards.len(), all.join(", "), emulated.join(", "), texts.join(", "));
    format!(
        "/// A board.\n#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]\npub enum Board {{\n{variants}}}\n\n\
         impl Board {{\n    /// All boards: emulated ones first, test equipment last.\n    \
         pub const ALL: [Self; {count}] = [{all}];\n}}\n\n\
         const EMULATED: &[Emulated] = &[{emulated}];\n\n\
         const DECLARATIONS: [&str; {count}] = [{texts}];\n"
    )
}
