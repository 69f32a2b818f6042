//! Software bill of materials of the program, in CycloneDX JSON, version 1.5.
//!
//! # Source
//! CycloneDX specification 1.5, JSON schema (`bom-1.5.schema.json`); package-url specification, type `cargo`.

use miette::{IntoDiagnostic as _, Result, miette};
use serde::Serialize;

use super::inventory::{Inventory, RUST_LICENSE, RustLibrary};
use super::licenses;
use super::packages::CargoPackage;

/// The document, with the names of the specification.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Bill {
    bom_format: &'static str,
    spec_version: &'static str,
    /// Of this document: it is never revised.
    version: u32,
    metadata: Metadata,
    components: Vec<Component>,
    dependencies: Vec<Dependency>,
}

#[derive(Debug, Serialize)]
struct Metadata {
    component: Component,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Component {
    #[serde(rename = "type")]
    kind: Kind,
    #[serde(rename = "bom-ref")]
    bom_ref: String,
    name: String,
    version: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    hashes: Vec<Hash>,
    licenses: [License; 1],
    #[serde(skip_serializing_if = "Option::is_none")]
    purl: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    external_references: Vec<Reference>,
}

#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "lowercase")]
enum Kind {
    Application,
    Firmware,
    Library,
}

#[derive(Debug, Serialize)]
struct Hash {
    alg: &'static str,
    content: String,
}

#[derive(Debug, Serialize)]
struct License {
    expression: String,
}

#[derive(Debug, Serialize)]
struct Reference {
    #[serde(rename = "type")]
    kind: &'static str,
    url: String,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Dependency {
    #[serde(rename = "ref")]
    of: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    depends_on: Vec<String>,
}

/// Returns the bill as JSON. It contains no date and no random number, so the same inventory gives the same bytes.
///
/// # Errors
/// Those of [`licenses::expression`]; also if a checksum is none.
pub(super) fn json(inventory: &Inventory) -> Result<Vec<u8>> {
    let root = inventory.root();
    let mut program = of_package(root)?;
    program.kind = Kind::Application;
    program.hashes = sha256(&inventory.program_sha256)?;
    let mut components = Vec::new();
    let mut dependencies = Vec::new();
    for package in inventory.packages.values() {
        let mut needed: Vec<String> = package.dependencies.iter().cloned().collect();
        if package.id() == root.id() {
            needed.extend(inventory.firmware.iter().map(|firmware| firmware.name()));
            needed.push(inventory.rust.id());
        } else {
            components.push(of_package(package)?);
        }
        dependencies.push(Dependency { of: package.id(), depends_on: needed });
    }
    for firmware in &inventory.firmware {
        let name = firmware.name();
        let mut component = component(Kind::Firmware, name.clone(), &name, &root.version, RUST_LICENSE);
        component.hashes = sha256(&firmware.sha256)?;
        components.push(component);
        dependencies.push(Dependency { of: name, depends_on: vec![firmware.package.clone(), firmware.rust.id()] });
    }
    for rust in inventory.rust() {
        components.push(component(Kind::Library, rust.id(), RustLibrary::NAME, &rust.version, RUST_LICENSE));
        dependencies.push(Dependency { of: rust.id(), depends_on: Vec::new() });
    }
    let metadata = Metadata { component: program };
    let bill = Bill { bom_format: "CycloneDX", spec_version: "1.5", version: 1, metadata, components, dependencies };
    let mut json = serde_json::to_vec_pretty(&bill).into_diagnostic()?;
    json.push(b'\n');
    Ok(json)
}

fn component(kind: Kind, bom_ref: String, name: &str, version: &str, license: &str) -> Component {
    Component {
        kind,
        bom_ref,
        name: name.to_owned(),
        version: version.to_owned(),
        hashes: Vec::new(),
        licenses: [License { expression: license.to_owned() }],
        purl: None,
        external_references: Vec::new(),
    }
}

fn of_package(package: &CargoPackage) -> Result<Component> {
    let (name, version) = (&package.name, &package.version);
    let license = match &package.checksum {
        None => RUST_LICENSE.to_owned(),
        Some(_) => licenses::expression(package)?.as_ref().to_owned(),
    };
    let mut component = component(Kind::Library, package.id(), name, version, &license);
    if let Some(checksum) = &package.checksum {
        component.hashes = sha256(checksum)?;
        // Of the characters of names and versions, only this one is written otherwise there.
        component.purl = Some(format!("pkg:cargo/{name}@{}", version.replace('+', "%2B")));
    }
    // Anything else would not be a URL, as the schema wants it.
    let is_url =
        |url: &&String| url.starts_with("https://") && !url.contains(|c: char| c.is_whitespace() || c.is_control());
    if let Some(url) = package.repository.as_ref().filter(is_url) {
        component.external_references.push(Reference { kind: "vcs", url: url.clone() });
    }
    Ok(component)
}

fn sha256(digits: &str) -> Result<Vec<Hash>> {
    if digits.len() != 64 || !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        return Err(miette!("{digits:?} is not a SHA-256 as CycloneDX writes it"));
    }
    Ok(vec![Hash { alg: "SHA-256", content: digits.to_owned() }])
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::super::inventory::BoardFirmware;
    use super::super::tests::package;
    use super::*;

    fn inventory() -> Inventory {
        let own = |name: &str, needs: &[&str]| CargoPackage {
            checksum: None,
            license: None,
            dependencies: needs.iter().map(|&need| need.to_owned()).collect(),
            ..package(name, "0.1.0")
        };
        let packages = [own("pinhole", &["a@1.0.0"]), own("pinhole-qemu", &["b@2.0.0"]), package("a", "1.0.0")];
        let packages = packages.into_iter().chain([package("b", "2.0.0")]);
        Inventory {
            packages: packages.map(|package| (package.id(), package)).collect(),
            program_sha256: "0".repeat(64),
            rust: RustLibrary { version: "1.95.0".to_owned() },
            firmware: vec![BoardFirmware {
                board: "qemu",
                package: "pinhole-qemu@0.1.0".to_owned(),
                sha256: "1".repeat(64),
                rust: RustLibrary { version: "1.96.0".to_owned() },
            }],
        }
    }

    #[test]
    fn everything_is_in_it_and_leads_to_something_in_it() {
        let bytes = json(&inventory()).unwrap();
        let list: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
        assert_eq!(list["bomFormat"], "CycloneDX");
        assert_eq!(list["specVersion"], "1.5");
        let program = &list["metadata"]["component"];
        assert_eq!((&program["type"], &program["bom-ref"]), (&"application".into(), &"pinhole@0.1.0".into()));
        let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
        let mut known: BTreeSet<String> =
            list["components"].as_array().unwrap().iter().map(|component| text(&component["bom-ref"])).collect();
        let expected =
            ["a@1.0.0", "b@2.0.0", "firmware-qemu", "pinhole-qemu@0.1.0", "rust-std@1.95.0", "rust-std@1.96.0"];
        assert_eq!(known, expected.map(str::to_owned).into());
        known.insert("pinhole@0.1.0".to_owned());
        let edges = list["dependencies"].as_array().unwrap();
        assert_eq!(edges.iter().map(|edge| text(&edge["ref"])).collect::<BTreeSet<_>>(), known);
        for edge in edges {
            for needed in edge["dependsOn"].as_array().into_iter().flatten() {
                assert!(known.contains(&text(needed)), "{edge}");
            }
        }
        let a = list["components"].as_array().unwrap().iter().find(|component| component["name"] == "a").unwrap();
        assert_eq!(a["purl"], "pkg:cargo/a@1.0.0");
        assert_eq!(a["licenses"][0]["expression"], "MIT");
        assert_eq!(a["hashes"][0]["content"], "a".repeat(64));
    }

    #[test]
    fn no_list_of_what_may_not_be_given_away() {
        let mut inventory = inventory();
        inventory.packages.get_mut("a@1.0.0").unwrap().license = Some("GPL-3.0-only".to_owned());
        let complaint = json(&inventory).unwrap_err().to_string();
        assert!(complaint.contains("a@1.0.0"), "{complaint}");
    }

    #[test]
    fn a_list_against_the_specification_is_refused() {
        let mut inventory = inventory();
        inventory.program_sha256 = "no checksum".to_owned();
        let complaint = json(&inventory).unwrap_err().to_string();
        assert!(complaint.contains("CycloneDX"), "{complaint}");
    }
}
