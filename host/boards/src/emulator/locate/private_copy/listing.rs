//! Parses the output of apt.

use serde::{Deserialize, Serialize};

/// A package and its version.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct SystemPackage {
    /// Its name, with `:architecture` if that is not the system's.
    pub(super) name: String,
    /// Its version.
    pub(super) version: String,
}

impl SystemPackage {
    /// Returns name and version as apt takes them.
    pub(super) fn selector(&self) -> String {
        format!("{}={}", self.name, self.version)
    }

    /// Returns true if this is part of the C library. A second C library does not work: it must be of the same build as
    /// the system's dynamic loader.
    pub(super) fn is_c_library(&self) -> bool {
        ["libc6", "libc-", "libc6.1"].iter().any(|start| self.name.starts_with(start))
    }
}

/// Returns the packages that a simulated installation (`apt-get install -s`) would add or upgrade. Lines of removals
/// and configurations are ignored: nothing is installed.
///
/// Format of a line: `Inst NAME [INSTALLED VERSION] (VERSION SOURCES [ARCHITECTURE])`; upgrades only have
/// `[INSTALLED VERSION]`.
pub(super) fn to_add(simulated: &str) -> Vec<SystemPackage> {
    let parse = |line: &str| {
        let (name, rest) = line.strip_prefix("Inst ")?.split_once(' ')?;
        let (_, inside) = rest.split_once('(')?;
        let version = inside.split([' ', ')']).next().filter(|version| !version.is_empty())?;
        Some(SystemPackage { name: name.to_owned(), version: version.to_owned() })
    };
    simulated.lines().filter_map(parse).collect()
}

/// Returns the download size (`apt-get download --print-uris`), bytes. Format of a line: `'URI' FILE BYTES HASH`.
pub(super) fn download_bytes(printed: &str) -> u64 {
    let bytes = |line: &str| {
        let (_, rest) = line.strip_prefix('\'')?.split_once("' ")?;
        rest.split(' ').nth(1)?.parse::<u64>().ok()
    };
    printed.lines().filter_map(bytes).sum()
}

/// Returns the names of installed packages (`dpkg-query -W -f '${db:Status-Abbrev} ${SystemPackage}\n'`).
pub(super) fn installed(printed: &str) -> Vec<&str> {
    printed.lines().filter_map(|line| line.strip_prefix("ii")).map(str::trim).collect()
}

/// Returns the index files that apt may download (`apt-config dump Acquire::IndexTargets`), each as `deb::NAME`.
pub(super) fn index_targets(dumped: &str) -> Vec<String> {
    let mut found = Vec::new();
    for line in dumped.lines() {
        let mut parts = line.strip_prefix("Acquire::IndexTargets::").unwrap_or_default().split("::");
        if let (Some(kind), Some(name), Some(_)) = (parts.next(), parts.next(), parts.next()) {
            let target = format!("{kind}::{name}");
            if !found.contains(&target) {
                found.push(target);
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    /// From a machine with qemu-utils of another release: shortened, and with an upgrade added.
    const SIMULATED: &str = "\
NOTE: This is only a simulation!
Reading package lists...
The following packages will be REMOVED:
  qemu-utils
The following NEW packages will be installed:
  libfdt1 qemu-system-arm
Remv qemu-utils [1:10.0.2+ds-2+deb13u1~bpo12+1]
Inst libfdt1 (1.6.1-4+b1 Debian:12.15/oldstable [amd64])
Inst libc6 [2.36-9] (2.36-9+deb12u10 Debian:12.15/oldstable [amd64]) []
Inst libslirp0:i386 (4.7.0-1 Debian:12.15/oldstable [i386])
Inst qemu-system-data (1:7.2+dfsg-7+deb12u18 Debian:12.15/oldstable [all])
Inst local (1.0)
Inst 
Inst broken
Conf libfdt1 (1.6.1-4+b1 Debian:12.15/oldstable [amd64])
";

    #[test]
    fn only_what_is_added_counts() {
        let selectors: Vec<String> = to_add(SIMULATED).iter().map(SystemPackage::selector).collect();
        let expected = [
            "libfdt1=1.6.1-4+b1",
            "libc6=2.36-9+deb12u10",
            "libslirp0:i386=4.7.0-1",
            "qemu-system-data=1:7.2+dfsg-7+deb12u18",
            "local=1.0",
        ];
        assert_eq!(selectors, expected);
        let c_library: Vec<bool> = to_add(SIMULATED).iter().map(SystemPackage::is_c_library).collect();
        assert_eq!(c_library, [false, true, false, false, false]);
        assert_eq!(to_add(""), []);
    }

    #[test]
    fn sizes_add_up() {
        let printed = "'http://host/a%2bb_1_amd64.deb' a+b_1_amd64.deb 90456 SHA256:7c8b\n\
                       'http://host/c_1%3a2_all.deb' c_1%3a2_all.deb 44 SHA256:41\nW: something\n";
        assert_eq!(download_bytes(printed), 90_500);
        assert_eq!(download_bytes(""), 0);
    }

    #[test]
    fn only_installed_packages_count() {
        assert_eq!(installed("ii  libc6\nrc  qemu-utils\niU  half\nii  zlib1g\n"), ["libc6", "zlib1g"]);
    }

    #[test]
    fn every_kind_of_list_is_named_once() {
        let dumped = "Acquire::IndexTargets \"\";\nAcquire::IndexTargets::deb::Packages \"\";\n\
                      Acquire::IndexTargets::deb::Packages::MetaKey \"a::b\";\n\
                      Acquire::IndexTargets::deb::DEP-11::MetaKey \"x\";\n\
                      Acquire::IndexTargets::deb::DEP-11::Description \"x\";\n\
                      Acquire::IndexTargets::deb-src::Sources::MetaKey \"x\";\n";
        assert_eq!(index_targets(dumped), ["deb::Packages", "deb::DEP-11", "deb-src::Sources"]);
    }
}
