//! The licenses of what the program is made of: which are acceptable, and their texts.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use miette::{IntoDiagnostic as _, Result, WrapErr as _, miette};
use spdx::{Expression, LicenseReq, Licensee};

use super::inventory::{Inventory, RUST_LICENSE};
use super::packages::Package;

/// Licenses under which a package may be part of what is given away, as SPDX identifiers. None asks for more than its text,
/// and for MPL-2.0 the address of the sources.
const ACCEPTED: [&str; 14] = [
    "MIT",
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "0BSD",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "CC0-1.0",
    "ISC",
    "MIT-0",
    "MPL-2.0",
    "Unicode-3.0",
    "Unlicense",
    "Zlib",
];

/// How names of files with license texts begin, in capitals.
const FILES: [&str; 5] = ["LICENSE", "LICENCE", "COPYING", "COPYRIGHT", "NOTICE"];

/// Folders of a package that hold other things than what is linked.
const LEFT_OUT: [&str; 5] = ["tests", "benches", "examples", "target", ".git"];

/// A package's license, as a valid SPDX expression.
///
/// # Errors
/// When it has none, or it is none, or nothing that it offers is acceptable.
pub(super) fn expression(package: &Package) -> Result<Expression> {
    let id = package.id();
    let text = package.license.as_deref().ok_or_else(|| miette!("{id} does not say what its license is"))?;
    let wrong = |error| miette!("the license of {id} is no SPDX expression: {error}");
    let canonical = Expression::canonicalize(text).map_err(wrong)?;
    let expression = Expression::parse(canonical.as_deref().unwrap_or(text)).map_err(wrong)?;
    if !expression.evaluate(is_accepted) {
        return Err(miette!(
            help = "see whether it can be accepted, and add it to the list in host/xtask/src/release/licenses.rs",
            "the license of {id} is not among the accepted ones: {text}"
        ));
    }
    Ok(expression)
}

fn is_accepted(license: &LicenseReq) -> bool {
    ACCEPTED.iter().any(|accepted| Licensee::parse(accepted).is_ok_and(|accepted| accepted.satisfies(license)))
}

/// The text file with the licenses of all packages but our own: a list of them, then each text once.
///
/// # Errors
/// Those of [`expression`]; when a file cannot be read.
pub(super) fn document(title: &str, inventory: &Inventory) -> Result<String> {
    let mut list = String::new();
    // By text; the packages it is of.
    let mut texts: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for rust in inventory.rust() {
        let name = format!("Rust's standard library {}", rust.version);
        let _ = writeln!(list, "{name}, with the packages in it\n    license: {RUST_LICENSE}");
        let expression = Expression::parse(RUST_LICENSE).into_diagnostic()?;
        for text in standard_texts(&expression, "the Rust project's contributors") {
            texts.entry(text).or_default().insert(name.clone());
        }
    }
    for package in inventory.packages.values().filter(|package| !package.is_own()) {
        let expression = expression(package)?;
        let source = package.repository.as_deref().unwrap_or("the package itself, in Rust's registry of packages");
        let _ = writeln!(list, "{} {}\n    license: {expression}\n    source: {source}", package.name, package.version);
        for text in texts_of(package, &expression)? {
            texts.entry(text).or_default().insert(format!("{} {}", package.name, package.version));
        }
    }
    let mut document = format!("{title}\n{}\n\n{list}", "=".repeat(title.len()));
    for (text, users) in &texts {
        let users: Vec<&str> = users.iter().map(String::as_str).collect();
        let _ = write!(document, "\n{}\nOf {}\n\n{text}\n", "-".repeat(80), users.join(", "));
    }
    Ok(document)
}

/// The texts that come with a package, in C code inside of it too; of one that comes without, the standard texts of its
/// licenses and who wrote it.
fn texts_of(package: &Package, expression: &Expression) -> Result<BTreeSet<String>> {
    let mut texts = BTreeSet::new();
    collect(&package.folder, &mut texts)?;
    if !texts.is_empty() {
        return Ok(texts);
    }
    let authors = match package.authors.as_slice() {
        [] => format!("the authors of {}", package.name),
        authors => authors.join(", "),
    };
    Ok(standard_texts(expression, &authors))
}

/// The standard texts of the accepted ones among licenses.
fn standard_texts(expression: &Expression, authors: &str) -> BTreeSet<String> {
    let accepted = expression.requirements().map(|requirement| &requirement.req).filter(|license| is_accepted(license));
    let texts = accepted.filter_map(|license| Some(license.license.id()?.text()));
    texts.map(|text| format!("Copyright: {authors}\n\n{}", tidy(text))).collect()
}

fn collect(folder: &Path, texts: &mut BTreeSet<String>) -> Result<()> {
    let wrong = || folder.display().to_string();
    for entry in fs::read_dir(folder).into_diagnostic().wrap_err_with(wrong)? {
        let entry = entry.into_diagnostic().wrap_err_with(wrong)?;
        let (path, name) = (entry.path(), entry.file_name().to_string_lossy().into_owned());
        if path.is_dir() {
            if !LEFT_OUT.contains(&name.as_str()) {
                collect(&path, texts)?;
            }
        } else if is_license_file(&name) {
            let bytes = fs::read(&path).into_diagnostic().wrap_err_with(|| path.display().to_string())?;
            texts.insert(tidy(&String::from_utf8_lossy(&bytes)));
        }
    }
    Ok(())
}

/// Also `LICENSE-MIT` and `LICENSE.md`; no source file such as `license.rs`.
fn is_license_file(name: &str) -> bool {
    let name = name.to_uppercase();
    let is_text =
        name.rsplit_once('.').is_none_or(|(_, extension)| ["TXT", "MD", "MIT", "APACHE"].contains(&extension));
    is_text && (name == "UNLICENSE" || FILES.iter().any(|start| name.starts_with(start)))
}

/// The same text, however its lines end.
fn tidy(text: &str) -> String {
    let lines: Vec<&str> = text.trim_start_matches('\u{FEFF}').lines().map(str::trim_end).collect();
    lines.join("\n").trim_matches('\n').to_owned()
}

#[cfg(test)]
mod tests {
    use super::super::packages::Packages;
    use super::super::tests::package;
    use super::*;

    #[test]
    fn alternatives_are_accepted_where_one_of_them_is() {
        let of = |license: &str| expression(&Package { license: Some(license.to_owned()), ..package("a", "1.0.0") });
        for license in [
            "MIT",
            "MIT/Apache-2.0",
            "Apache-2.0 / MIT",
            "MIT OR GPL-3.0-only",
            "(MIT OR Apache-2.0) AND Unicode-3.0",
            "Apache-2.0 WITH LLVM-exception",
        ] {
            of(license).unwrap_or_else(|error| panic!("{license}: {error}"));
        }
        for license in ["GPL-3.0-only", "MIT AND GPL-2.0-or-later", "Proprietary", ""] {
            let complaint = of(license).expect_err(license).to_string();
            assert!(complaint.contains("a@1.0.0"), "{complaint}");
        }
        assert!(expression(&Package { license: None, ..package("a", "1.0.0") }).is_err());
    }

    #[test]
    fn each_text_is_there_once_with_all_it_is_of() {
        let folder = tempfile::tempdir().unwrap();
        let mut packages = Packages::new();
        for (name, file, text) in [
            ("a", "LICENSE-MIT", "one text\r\nof two lines\r\n"),
            ("b", "LICENSE.md", "one text\nof two lines"),
            ("c", "vendored/COPYING", "of C code"),
            ("d", "src/license.rs", "// no text"),
        ] {
            let path = folder.path().join(name).join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
            let package = Package { folder: folder.path().join(name), ..package(name, "1.0.0") };
            packages.insert(package.id(), package);
        }
        let inventory = Inventory::of_program(packages, "0".repeat(64)).unwrap();
        let document = document("Title", &inventory).unwrap();
        assert_eq!(document.matches("one text\nof two lines").count(), 1, "{document}");
        assert!(document.contains("Of a 1.0.0, b 1.0.0\n\none text"), "{document}");
        assert!(document.contains("Of c 1.0.0\n\nof C code"), "{document}");
        assert!(document.contains("Of d 1.0.0\n\nCopyright: someone"), "{document}");
        assert!(document.contains("Permission is hereby granted"), "the standard text of MIT:\n{document}");
        assert!(!document.contains("no text"), "{document}");
    }
}
