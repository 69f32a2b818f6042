use miette::Diagnostic as _;

use super::*;

/// Writes a shell script to an executable file.
#[cfg(unix)]
pub(super) fn script(path: &Path, text: &str) {
    use std::os::unix::fs::PermissionsExt;

    std::fs::write(path, format!("#!/bin/sh\n{text}\n")).unwrap();
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
    // A process that another test is just starting may have the file open for writing until it runs its own program.
    let busy =
        || Command::new(path).output().is_err_and(|error| error.kind() == std::io::ErrorKind::ExecutableFileBusy);
    while busy() {
        std::thread::sleep(std::time::Duration::from_millis(1));
    }
}

fn emulator(path: &str, origin: EmulatorOrigin) -> EmulatorProgram {
    EmulatorProgram { path: path.into(), origin, libraries: Vec::new() }
}

fn installed() -> EmulatorProgram {
    emulator("/usr/bin/qemu-system-arm", EmulatorOrigin::Installed)
}

fn private() -> EmulatorProgram {
    emulator("/cache/qemu-system-arm", EmulatorOrigin::PrivateCopy)
}

/// Debian with nothing installed and downloads allowed.
fn debian() -> EmulatorFindings {
    EmulatorFindings {
        folder: Some("/cache/copy".into()),
        system: OperatingSystem::Debian,
        has_apt: true,
        ..EmulatorFindings::default()
    }
}

fn used(findings: EmulatorFindings) -> EmulatorProgram {
    match plan(findings) {
        EmulatorPlan::Use(emulator) => emulator,
        other => panic!("{other:?}"),
    }
}

/// Returns the message and the advice for the user.
fn told(findings: EmulatorFindings) -> (String, String) {
    match plan(findings) {
        EmulatorPlan::Stop(error) => (error.to_string(), error.help().unwrap().to_string()),
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_named_one_comes_first_then_installed_ones_then_the_copy() {
    let named = emulator("/named", EmulatorOrigin::Named);
    let all = EmulatorFindings {
        named: Some(Ok(named.clone())),
        installed: Some(installed()),
        private_copy: Some(private()),
        ..debian()
    };
    assert_eq!(used(all.clone()), named);
    let unnamed = EmulatorFindings { named: None, ..all };
    assert_eq!(used(unnamed.clone()), installed());
    assert_eq!(used(EmulatorFindings { installed: None, ..unnamed.clone() }), private());
    // An existing copy can be used without a network.
    assert_eq!(used(EmulatorFindings { installed: None, offline: true, ..unnamed }), private());
}

#[test]
fn a_named_one_that_does_not_serve_is_an_error_even_where_another_would() {
    let named = Unusable { path: "/no emulator".into(), reason: "it is a folder".to_owned() };
    let (message, help) = told(EmulatorFindings { named: Some(Err(named)), installed: Some(installed()), ..debian() });
    assert!(message.contains("/no emulator") && message.contains("it is a folder"), "{message}");
    assert!(help.contains("--emulator"), "{help}");
}

#[test]
fn debian_gets_a_copy_unless_offline() {
    let made =
        |findings| matches!(plan(findings), EmulatorPlan::MakeCopy(folder) if folder == Path::new("/cache/copy"));
    assert!(made(debian()));
    let (message, help) = told(EmulatorFindings { offline: true, ..debian() });
    assert!(message.contains("not installed"), "{message}");
    for word in ["--offline", "/cache/copy", "sudo apt-get install qemu-system-arm", "--emulator"] {
        assert!(help.contains(word), "no {word} in {help}");
    }
    let (_, help) = told(EmulatorFindings { folder: None, ..debian() });
    assert!(help.contains("PINHOLE_CACHE"), "{help}");
    let (_, help) = told(EmulatorFindings { has_apt: false, ..debian() });
    assert!(!help.contains("private copy") && help.contains("apt-get"), "{help}");
}

#[test]
fn other_systems_are_told_their_own_command() {
    for (system, command) in [
        (OperatingSystem::Fedora, "run: sudo dnf install qemu-system-arm"),
        (OperatingSystem::MacOs, "run: brew install qemu"),
        (OperatingSystem::Windows, "run: winget install SoftwareFreedomConservancy.QEMU"),
    ] {
        // Fedora also has apt, as a package.
        let (_, help) = told(EmulatorFindings { system, ..debian() });
        assert!(help.contains(command) && help.contains("--emulator") && !help.contains("private copy"), "{help}");
    }
}

#[test]
fn an_installed_one_that_does_not_serve_is_told() {
    let unusable = vec![Unusable { path: "/usr/bin/qemu-system-arm".into(), reason: "it failed".to_owned() }];
    let (message, _) = told(EmulatorFindings { unusable, system: OperatingSystem::Fedora, ..debian() });
    assert!(message.contains("/usr/bin/qemu-system-arm: it failed"), "{message}");
}

#[test]
fn a_path_that_is_no_emulator_says_what_it_is() {
    let place = tempfile::tempdir().unwrap();
    let file = place.path().join("a file");
    std::fs::write(&file, "no program").unwrap();
    let reason = |path: &Path| check::named(path).unwrap_err().reason;
    assert_eq!(reason(place.path()), "it is a folder, not a program");
    assert_eq!(reason(&place.path().join("none")), "there is no such file");
    assert!(reason(&file).starts_with("it does not start: "), "{}", reason(&file));
    #[cfg(unix)]
    {
        assert_eq!(reason(Path::new("/bin/echo")), "it is not a qemu-system-arm");
        assert!(reason(Path::new("/bin/false")).starts_with("it failed"), "{}", reason(Path::new("/bin/false")));
        // A program by its bare name would be a different file from the one meant.
        assert_eq!(reason(Path::new("true")), "there is no such file");
    }
}

#[cfg(unix)]
#[test]
fn the_first_candidate_that_works_is_taken() {
    let place = tempfile::tempdir().unwrap();
    let script = |name: &str, text: &str| {
        let path = place.path().join(name);
        script(&path, text);
        path
    };
    let old = script("old", "echo 'QEMU emulator version 5.2.0 (x)'");
    let other = script("other", "echo 'QEMU emulator version 9.0.1'; echo 'mps2-an385 ARM MPS2'");
    let machines = "echo 'mps2-an385 x'; echo 'mps2-an386 x'; echo 'mps2-an505 x'";
    let good = script("good one", &format!("echo 'QEMU emulator version 6.0.0'; {machines}"));
    let never = place.path().join("never asked");
    let (emulator, unusable) = first_that_works([old.clone(), other.clone(), good.clone(), never]);
    assert_eq!(emulator.unwrap().path(), good);
    let reasons =
        ["QEMU 5.2.0 is too old; version 6.0 or newer is needed", "it lacks the machines mps2-an386, mps2-an505"];
    let expected = [old, other].into_iter().zip(reasons);
    let expected: Vec<Unusable> = expected.map(|(path, reason)| Unusable { path, reason: reason.to_owned() }).collect();
    assert_eq!(unusable, expected);
}
