//! Consistency checks: the libraries of host and firmware, the commands and their documents.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use pinhole_tests::{Ran, pinhole, repository};

/// A lock file: version and dependencies of each package, by name.
struct Lock {
    packages: BTreeMap<String, Vec<Package>>,
}

#[derive(Clone)]
struct Package {
    version: String,
    /// Name, and version if the lock file holds several of that name.
    dependencies: Vec<(String, Option<String>)>,
}

impl Lock {
    fn read(path: &Path) -> Self {
        let table: toml::Table = std::fs::read_to_string(path).unwrap().parse().unwrap();
        let mut packages: BTreeMap<String, Vec<Package>> = BTreeMap::new();
        for package in table["package"].as_array().unwrap() {
            let text = |field: &str| package[field].as_str().unwrap().to_owned();
            let dependencies = package.get("dependencies").and_then(toml::Value::as_array).into_iter().flatten();
            let dependencies = dependencies.map(|dependency| {
                let mut words = dependency.as_str().unwrap().split(' ').map(str::to_owned);
                (words.next().unwrap(), words.next())
            });
            let package = Package { version: text("version"), dependencies: dependencies.collect() };
            packages.entry(text("name")).or_default().push(package);
        }
        Self { packages }
    }

    fn get(&self, name: &str, version: Option<&String>) -> &Package {
        let all = &self.packages[name];
        let found = all.iter().find(|package| version.is_none_or(|version| &package.version == version));
        found.unwrap_or_else(|| panic!("no {name} {version:?} in the lock file"))
    }
}

/// Compares the dependencies of both sides recursively; returns the names met.
fn compare(host: (&Lock, &Package), firmware: (&Lock, &Package), met: &mut Vec<String>) {
    for (name, version) in &host.1.dependencies {
        let Some((_, other)) = firmware.1.dependencies.iter().find(|(other, _)| other == name) else { continue };
        let (here, there) = (host.0.get(name, version.as_ref()), firmware.0.get(name, other.as_ref()));
        assert_eq!(here.version, there.version, "host and firmware have different versions of {name}");
        if !met.contains(name) {
            met.push(name.clone());
            compare((host.0, here), (firmware.0, there), met);
        }
    }
}

/// Code that runs on both sides is the same, including its libraries: otherwise a proof on the host would not apply to
/// the device.
#[test]
fn host_and_firmware_stand_on_the_same_libraries() {
    let host = Lock::read(&repository().join("Cargo.lock"));
    let firmware = Lock::read(&repository().join("firmware").join("Cargo.lock"));
    let mut met = Vec::new();
    for root in ["pinhole-shared", "pinhole-app"] {
        compare((&host, host.get(root, None)), (&firmware, firmware.get(root, None)), &mut met);
    }
    for library in ["bytemuck", "cobs", "crc", "embedded-io", "heapless", "micromath", "postcard", "serde"] {
        assert!(met.iter().any(|name| name == library), "{library} is not shared any more? met: {met:?}");
    }
}

/// Returns the commands that `pinhole --help` lists.
fn commands() -> Vec<String> {
    let help = Ran::of(&mut pinhole(["--help"])).ok().stdout;
    let list = help.lines().skip_while(|line| *line != "Commands:").skip(1).take_while(|line| !line.is_empty());
    // Continued descriptions are indented further.
    let names = list.filter_map(|line| line.strip_prefix("  ").filter(|line| !line.starts_with(' ')));
    names.filter_map(|line| line.split(' ').next()).map(str::to_owned).filter(|name| name != "help").collect()
}

#[test]
fn the_readme_knows_every_command() {
    let commands = commands();
    assert!(commands.len() >= 10, "{commands:?}");
    let path = repository().join("README.md");
    let readme = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    for command in commands {
        assert!(readme.contains(&format!("pinhole {command}")), "README.md does not mention `pinhole {command}`");
    }
}

/// The workspace has several binaries; `cargo run` must start `pinhole`.
#[test]
fn cargo_run_is_pinhole() {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.args(["metadata", "--no-deps", "--offline", "--format-version", "1"]).current_dir(repository());
    let metadata = Ran::of(&mut cargo).ok().json();
    let packages = metadata["packages"].as_array().unwrap();
    let defaults: Vec<&str> = packages.iter().filter_map(|package| package["default_run"].as_str()).collect();
    assert_eq!(defaults, ["pinhole"]);
}
