//! Checks that a private copy of the emulator is complete, verified, and in the cache folder alone.
//!
//! Most of this runs on packages made here, without a network, with apt's own programs. The real package is downloaded
//! from this system's archive only if [`REQUIRED`] is set.

#![cfg(target_os = "linux")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use pinhole_tests::{Ran, bundled_model, names_in, program, synthetic, temporary};
use serde_json::Value;
use tempfile::TempDir;

/// Environment variable that enables the test of the real package, and makes it fail if it cannot run; `.ci/run` sets
/// it.
const REQUIRED: &str = "PINHOLE_REQUIRE_EMULATOR_COPY";

/// An emulator that starts only with the library path of its copy.
const FAKE_EMULATOR: &str = r#"#!/bin/sh
case "$LD_LIBRARY_PATH" in */usr/lib/fake-linux-gnu*) ;; *) echo "libfake.so.1 is missing" >&2; exit 127;; esac
case "$1" in
  --version) echo "QEMU emulator version 9.8.7 (test)";;
  *) echo "mps2-an385 a machine"; echo "mps2-an386 a machine"; echo "mps2-an505 a machine";;
esac
"#;

/// Returns true if the programs are present; reports missing ones.
fn has_apt() -> bool {
    let tools = ["/usr/bin/apt-get", "/usr/bin/apt-config", "/usr/bin/dpkg-deb", "/usr/bin/dpkg-query"];
    let has = tools.iter().all(|tool| Path::new(tool).is_file());
    if !has {
        assert!(std::env::var_os(REQUIRED).is_none(), "{REQUIRED} is set, and this system has no apt");
        println!("this system has no apt: the private copy of the emulator is not tested");
    }
    has
}

fn run(command: &mut Command) -> String {
    let output = command.stdin(Stdio::null()).output().unwrap();
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// A package archive, and an apt that knows no other and assumes that nothing is installed.
struct Archive {
    folder: TempDir,
}

impl Archive {
    /// Creates it with these options of the source, and this list of installed packages.
    fn new(options: &str, status: &str) -> Self {
        let archive = Self { folder: temporary() };
        let repository = archive.path("repository");
        fs::create_dir_all(&repository).unwrap();
        fs::create_dir_all(archive.path("nothing on the search path")).unwrap();
        let mut packages = String::new();
        for (package, depends, file, text) in [
            ("qemu-system-arm", "Depends: libfake\n", "usr/bin/qemu-system-arm", FAKE_EMULATOR),
            ("libfake", "", "usr/lib/fake-linux-gnu/libfake.so.1", "a library"),
        ] {
            packages += &archive.package(package, depends, file, text);
        }
        fs::write(repository.join("Packages"), packages).unwrap();
        let source = format!("deb {options} file:{} ./\n", repository.display());
        fs::write(archive.path("sources.list"), source).unwrap();
        fs::write(archive.path("status"), status).unwrap();
        let [list, parts, status] = ["sources.list", "no-sources.d", "status"].map(|name| archive.path(name));
        let settings = format!(
            "Dir::Etc::sourcelist \"{}\";\nDir::Etc::sourceparts \"{}\";\nDir::State::status \"{}\";\n",
            list.display(),
            parts.display(),
            status.display()
        );
        fs::write(archive.path("apt.conf"), settings).unwrap();
        archive
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Makes a package of one file; returns its paragraph of the archive's list.
    fn package(&self, package: &str, depends: &str, file: &str, text: &str) -> String {
        use std::os::unix::fs::PermissionsExt as _;

        let tree = self.path(package);
        let path = tree.join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        let control = format!(
            "Package: {package}\nVersion: 1:9.8.7-1\nArchitecture: all\n{depends}Maintainer: test <test@example.com>\n\
             Description: test\n"
        );
        fs::create_dir_all(tree.join("DEBIAN")).unwrap();
        fs::write(tree.join("DEBIAN/control"), &control).unwrap();
        let name = format!("{package}.deb");
        let deb = self.path("repository").join(&name);
        run(Command::new("dpkg-deb").args(["--root-owner-group", "--build"]).args([&tree, &deb]));
        let sum = run(Command::new("sha256sum").arg(&deb));
        let sum = sum.split(' ').next().unwrap();
        let size = fs::metadata(&deb).unwrap().len();
        format!("{control}Filename: ./{name}\nSize: {size}\nSHA256: {sum}\n\n")
    }

    /// Runs `pinhole` as a user without an emulator, with a home folder that does not exist yet.
    fn pinhole(&self, arguments: &[&str]) -> Ran {
        let mut command = Command::new(program());
        command.env_clear().env("PATH", self.path("nothing on the search path")).env("HOME", self.path("a home"));
        command.env("APT_CONFIG", self.path("apt.conf")).args(arguments).current_dir(self.folder.path());
        Ran::of(&mut command)
    }

    /// Returns the contents of the emulator's folder.
    fn copies(&self) -> Vec<String> {
        names_in(&self.path("a home/.cache/pinhole/emulator"))
    }

    /// Makes the copy, and checks that it works and that nothing else is there.
    fn gives_a_copy(&self) {
        let before = self.pinhole(&["doctor", "--json"]).ok().json();
        assert_eq!(state(&before, "emulator"), "on_demand");
        assert!(!self.path("a home").exists(), "doctor without --fix writes nothing");
        let fixed = self.pinhole(&["doctor", "--fix", "--json"]).ok();
        for word in ["downloading 2 packages", "nothing is installed on the system", "the copy works"] {
            assert!(fixed.stderr.contains(word), "{}", fixed.stderr);
        }
        let fixed = fixed.json();
        assert_eq!(state(&fixed, "emulator"), "ok");
        let found = &fixed["emulator"]["found"];
        assert_eq!((&found["version"], &found["origin"]), (&"9.8.7".into(), &"private copy".into()));
        let copies = self.copies();
        assert!(copies.len() == 2 && copies.contains(&"lock".to_owned()), "{copies:?}");
        let again = self.pinhole(&["doctor", "--offline", "--fix"]).ok();
        assert_eq!(again.stderr, "", "it is there");
    }
}

fn state<'v>(told: &'v Value, name: &str) -> &'v str {
    let checks = told["checks"].as_array().unwrap();
    checks.iter().find(|check| check["name"] == name).unwrap()["state"].as_str().unwrap()
}

#[test]
fn a_copy_is_made_of_packages_and_used() {
    if has_apt() {
        Archive::new("[trusted=yes]", "").gives_a_copy();
    }
}

/// apt installs nothing if installed packages are broken. A copy does not depend on them.
#[test]
fn a_copy_is_made_where_nothing_could_be_installed() {
    if !has_apt() {
        return;
    }
    let broken = "Package: broken\nStatus: install ok installed\nVersion: 1\nArchitecture: all\nDepends: not-there\n\
                  Maintainer: test <test@example.com>\nDescription: test\n\n";
    let archive = Archive::new("[trusted=yes]", broken);
    let mut install = Command::new("apt-get");
    install.env("APT_CONFIG", archive.path("apt.conf")).args(["--simulate", "install", "broken"]);
    install.arg(format!("--option=Dir::Log={}", archive.path("log").display()));
    assert_ne!(Ran::of(&mut install).code, Some(0), "apt does not mind");
    archive.gives_a_copy();
}

#[test]
fn packages_without_a_signature_are_refused() {
    if !has_apt() {
        return;
    }
    let archive = Archive::new("", "");
    fs::write(archive.path("repository/Release"), "Codename: test\n").unwrap();
    let ran = archive.pinhole(&["doctor", "--fix"]);
    assert_eq!(ran.code, Some(1), "{}", ran.stderr);
    for word in ["cannot be verified", "help: ", "--emulator"] {
        assert!(ran.stderr.contains(word), "no {word} in {}", ran.stderr);
    }
    assert_eq!(archive.copies(), ["lock"]);
}

#[test]
fn a_download_that_is_not_what_the_list_says_is_refused() {
    if !has_apt() {
        return;
    }
    let archive = Archive::new("[trusted=yes]", "");
    let deb = archive.path("repository/libfake.deb");
    let mut bytes = fs::read(&deb).unwrap();
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    fs::write(&deb, bytes).unwrap();
    let ran = archive.pinhole(&["doctor", "--fix"]);
    assert_eq!(ran.code, Some(1), "{}", ran.stderr);
    assert!(ran.stderr.contains("cannot be verified"), "{}", ran.stderr);
    assert_eq!(archive.copies(), ["lock"]);
}

/// By `doctor --fix`, and by any command that makes a copy.
#[test]
fn an_interrupted_download_is_cleaned_up() {
    if !has_apt() {
        return;
    }
    let [model, photo] = [bundled_model(), synthetic("train").join("muffin-1.jpg")];
    let simulate = ["simulate", model.to_str().unwrap(), photo.to_str().unwrap()];
    for arguments in [&["doctor", "--fix"][..], &simulate] {
        let archive = Archive::new("[trusted=yes]", "");
        let leftover = archive.path("a home/.cache/pinhole/emulator/.making-abc");
        fs::create_dir_all(leftover.join("lists")).unwrap();
        // The emulator of this archive runs no board; the failure of `simulate` does not matter here.
        let ran = archive.pinhole(arguments);
        assert!(ran.stderr.contains("the copy works"), "{}", ran.stderr);
        assert!(!leftover.exists(), "{arguments:?}");
    }
}

/// Two at once: one makes the copy, the other waits for it or finds it.
#[test]
fn two_processes_make_one_copy() {
    if !has_apt() {
        return;
    }
    let archive = Archive::new("[trusted=yes]", "");
    let ran: Vec<Ran> = std::thread::scope(|scope| {
        let both = [(); 2].map(|()| scope.spawn(|| archive.pinhole(&["doctor", "--fix"])));
        both.map(|thread| thread.join().unwrap()).into()
    });
    let made = ran.iter().filter(|ran| ran.stderr.contains("downloading 2 packages")).count();
    assert_eq!(made, 1, "{}\n{}", ran[0].stderr, ran[1].stderr);
    assert!(ran.iter().all(|ran| ran.code == Some(0)), "{}\n{}", ran[0].stderr, ran[1].stderr);
    assert_eq!(archive.copies().len(), 2);
}

/// The real package, from this system's archive: the board runs on it, and the system is unchanged.
#[test]
fn the_archives_emulator_runs_a_board() {
    if std::env::var_os(REQUIRED).is_none() {
        println!("{REQUIRED} is not set: the package of this system's archive is not tested");
        return;
    }
    assert!(has_apt());
    let installed = || run(Command::new("dpkg-query").args(["--show"]));
    let logs = || Path::new("/var/log/apt").read_dir().map(times).unwrap_or_default();
    let before = (installed(), logs());
    let temp = temporary();
    let nothing = temp.path().join("nothing");
    fs::create_dir(&nothing).unwrap();
    let mut command = Command::new(program());
    command.env_clear().env("PATH", &nothing).env("PINHOLE_CACHE", temp.path().join("a cache"));
    command.arg("prove").arg(bundled_model()).arg(synthetic("validation")).args(["--board", "qemu", "--limit", "1"]);
    let ran = Ran::of(&mut command).ok();
    assert!(ran.stdout.contains(": 0 mismatches"), "{}", ran.stdout);
    assert!(ran.stderr.contains("making a private copy"), "{}", ran.stderr);
    assert_eq!((installed(), logs()), before, "the system is as it was");
}

/// Returns the files of a folder, with their modification times.
fn times(folder: fs::ReadDir) -> BTreeSet<(PathBuf, std::time::SystemTime)> {
    let files = folder.map(|entry| entry.unwrap());
    files.map(|entry| (entry.path(), entry.metadata().unwrap().modified().unwrap())).collect()
}
