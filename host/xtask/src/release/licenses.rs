//! Licenses of the program's packages: which are accepted, and their texts.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use miette::{IntoDiagnostic as _, Result, WrapErr as _, miette};
use spdx::{Expression, LicenseReq, Licensee};

use super::inventory::{Inventory, RUST_LICENSE};
use super::packages::CargoPackage;

/// Accepted licenses of distributed packages, as SPDX identifiers. They require only their text, and MPL-2.0 the
/// address of the sources.
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

/// Prefixes of the names of license files, in capitals.
const FILES: [&str; 5] = ["LICENSE", "LICENCE", "COPYING", "COPYRIGHT", "NOTICE"];

/// Folders of a package whose contents are not linked.
const LEFT_OUT: [&str; 5] = ["tests", "benches", "examples", "target", ".git"];

/// Returns a package's license, as a valid SPDX expression.
///
/// # Errors
/// If it has none, if it is invalid, or if none of its alternatives is accepted.
pub(super) fn expression(package: &CargoPackage) -> Result<Expression> {
    let id = package.id();
    let text = package.license.as_deref().ok_or_else(|| miette!("{id} names no license"))?;
    let wrong = |error| miette!("the license of {id} is not an SPDX expression: {error}");
    let canonical = Expression::canonicalize(text).map_err(wrong)?;
    let expression = Expression::parse(canonical.as_deref().unwrap_or(text)).map_err(wrong)?;
    if !expression.evaluate(is_accepted) {
        return Err(miette!(
            help = "check whether it can be accepted, and add it to the list in host/xtask/src/release/licenses.rs",
            "the license of {id} is not accepted: {text}"
        ));
    }
    Ok(expression)
}

fn is_accepted(license: &LicenseReq) -> bool {
    ACCEPTED.iter().any(|accepted| Licensee::parse(accepted).is_ok_and(|accepted| accepted.satisfies(license)))
}

/// Returns the text file with the licenses of all packages except our own: a list of packages, then each text once.
///
/// # Errors
/// Those of [`expression`]; also if a file cannot be read.
pub(super) fn document(title: &str, inventory: &Inventory) -> Result<String> {
    let mut list = String::new();
    // License text -> its packages.
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

/// Returns the license texts of a package, including those of C code inside it. A package without any gets the standard
/// texts of its licenses, with its authors.
fn texts_of(package: &CargoPackage, expression: &Expression) -> Result<BTreeSet<String>> {
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

/// Returns the standard texts of the accepted licenses.
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

/// Returns true for license files, also `LICENSE-MIT` and `LICENSE.md`, but not source files such as `license.rs`.
fn is_license_file(name: &str) -> bool {
    let name = name.to_uppercase();
    let is_text =
        name.rsplit_once('.').is_none_or(|(_, extension)| ["TXT", "MD", "MIT", "APACHE"].contains(&extension));
    is_text && (name == "UNLICENSE" || FILES.iter().any(|start| name.starts_with(start)))
}

/// Normalizes line ends and surrounding whitespace.
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
        let of =
            |license: &str| expression(&CargoPackage { license: Some(license.to_owned()), ..package("a", "1.0.0") });
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
        assert!(expression(&CargoPackage { license: None, ..package("a", "1.0.0") }).is_err());
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
            let package = CargoPackage { folder: folder.path().join(name), ..package(name, "1.0.0") };
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
