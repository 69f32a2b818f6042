//! Software bill of materials of the program, in CycloneDX JSON, version 1.5.

use cyclonedx_bom::external_models::uri::Uri;
use cyclonedx_bom::models::component::Classification;
use cyclonedx_bom::models::dependency::{Dependencies, Dependency};
use cyclonedx_bom::models::external_reference::{ExternalReference, ExternalReferenceType, ExternalReferences};
use cyclonedx_bom::models::hash::{Hash, HashAlgorithm, HashValue, Hashes};
use cyclonedx_bom::models::license::{LicenseChoice, Licenses};
use cyclonedx_bom::prelude::*;
use miette::{IntoDiagnostic as _, Result, miette};

use super::inventory::{Inventory, RUST_LICENSE, RustLibrary};
use super::licenses;
use super::packages::CargoPackage;

/// Returns the bill as JSON. It contains no date and no random number, so the same inventory gives the same bytes.
///
/// # Errors
/// Those of [`licenses::expression`]; also if the bill violates CycloneDX's specification.
pub(super) fn json(inventory: &Inventory) -> Result<Vec<u8>> {
    let root = inventory.root();
    let mut program = of_package(root)?;
    program.component_type = Classification::Application;
    program.hashes = Some(sha256(&inventory.program_sha256));
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
        dependencies.push(Dependency { dependency_ref: package.id(), dependencies: needed });
    }
    for firmware in &inventory.firmware {
        let name = firmware.name();
        let mut component = Component::new(Classification::Firmware, &name, &root.version, Some(name.clone()));
        component.hashes = Some(sha256(&firmware.sha256));
        component.licenses = Some(license(RUST_LICENSE));
        components.push(component);
        let needed = vec![firmware.package.clone(), firmware.rust.id()];
        dependencies.push(Dependency { dependency_ref: name, dependencies: needed });
    }
    for rust in inventory.rust() {
        components.push(of_rust(rust));
        dependencies.push(Dependency { dependency_ref: rust.id(), dependencies: Vec::new() });
    }
    let metadata = Metadata { component: Some(program), ..Metadata::default() };
    let bom = Bom {
        spec_version: SpecVersion::V1_5,
        serial_number: None,
        metadata: Some(metadata),
        components: Some(Components(components)),
        dependencies: Some(Dependencies(dependencies)),
        ..Bom::default()
    };
    let checked = bom.validate_version(SpecVersion::V1_5);
    if checked.has_errors() {
        return Err(miette!("the list is not valid CycloneDX 1.5: {checked:?}"));
    }
    let mut json = Vec::new();
    bom.output_as_json_v1_5(&mut json).into_diagnostic()?;
    json.push(b'\n');
    Ok(json)
}

fn of_package(package: &CargoPackage) -> Result<Component> {
    let (name, version) = (&package.name, &package.version);
    let mut component = Component::new(Classification::Library, name, version, Some(package.id()));
    match &package.checksum {
        None => component.licenses = Some(license(RUST_LICENSE)),
        Some(checksum) => {
            component.licenses = Some(license(licenses::expression(package)?.as_ref()));
            component.hashes = Some(sha256(checksum));
            component.purl = Some(Purl::new("cargo", name, version).into_diagnostic()?);
        }
    }
    if let Some(uri) = package.repository.clone().and_then(|repository| Uri::try_from(repository).ok()) {
        let reference = ExternalReference::new(ExternalReferenceType::Vcs, uri);
        component.external_references = Some(ExternalReferences(vec![reference]));
    }
    Ok(component)
}

fn of_rust(rust: &RustLibrary) -> Component {
    let mut component = Component::new(Classification::Library, RustLibrary::NAME, &rust.version, Some(rust.id()));
    component.licenses = Some(license(RUST_LICENSE));
    component
}

fn license(expression: &str) -> Licenses {
    Licenses(vec![LicenseChoice::Expression(SpdxExpression::new(expression))])
}

fn sha256(digits: &str) -> Hashes {
    Hashes(vec![Hash { alg: HashAlgorithm::SHA_256, content: HashValue(digits.to_owned()) }])
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
