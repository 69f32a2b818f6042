#[cfg(unix)]
use super::super::tests::script;
use super::*;

/// Creates a copy whose emulator is a shell script that prints these machines.
#[cfg(unix)]
fn fake_copy(folder: &Path, machines: &str) {
    let program = Path::new(ROOT).join(PROGRAMS).join(PROGRAM);
    let path = folder.join(&program);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    script(&path, &format!("printf 'QEMU emulator version 9.8.7\\n{machines}'"));
    let libraries = vec![Path::new(ROOT).join("usr/lib")];
    let manifest = CopyManifest { program, libraries, packages: Vec::new() };
    fs::write(folder.join(MANIFEST), toml::to_string(&manifest).unwrap()).unwrap();
}

#[cfg(unix)]
const MACHINES: &str = "mps2-an385 x\\nmps2-an386 x\\nmps2-an505 x\\n";

#[cfg(unix)]
#[test]
fn a_copy_is_used_only_when_it_is_complete_and_works() {
    let place = tempfile::tempdir().unwrap();
    let folder = place.path().join("with a space").join("copy");
    assert_eq!(find(&folder), None);
    fake_copy(&folder, MACHINES);
    let emulator = find(&folder).unwrap();
    assert_eq!(emulator.origin(), EmulatorOrigin::PrivateCopy);
    assert_eq!(emulator.path(), folder.join("root/usr/bin").join(PROGRAM));
    assert_eq!(emulator.libraries(), [folder.join("root/usr/lib")]);

    fs::remove_file(folder.join(MANIFEST)).unwrap();
    assert_eq!(find(&folder), None, "no manifest");
    fake_copy(&folder, "mps2-an385 x\\n");
    assert_eq!(find(&folder), None, "too few machines");
    fake_copy(&folder, MACHINES);
    fs::remove_file(folder.join("root/usr/bin").join(PROGRAM)).unwrap();
    assert_eq!(find(&folder), None, "no program");
    fake_copy(&folder, MACHINES);
    fs::write(folder.join(MANIFEST), "program = \"root").unwrap();
    assert_eq!(find(&folder), None, "half a manifest");
}

/// The emulator gets the copy's libraries; this process does not.
#[cfg(unix)]
#[test]
fn libraries_are_for_the_emulator_alone() {
    let place = tempfile::tempdir().unwrap();
    fake_copy(place.path(), MACHINES);
    let emulator = find(place.path()).unwrap();
    let command = emulator.command();
    let (name, value) = command.get_envs().next().unwrap();
    assert_eq!(name, super::super::LIBRARY_PATH);
    let first = std::env::split_paths(value.unwrap()).next();
    assert_eq!(first.as_deref(), Some(&*place.path().join("root/usr/lib")));
    assert_ne!(std::env::var_os(name).as_deref(), value);
    let installed =
        EmulatorProgram { path: emulator.path().to_owned(), origin: EmulatorOrigin::Installed, libraries: Vec::new() };
    assert_eq!(installed.command().get_envs().count(), 0);
}

#[cfg(unix)]
#[test]
fn a_new_copy_takes_the_place_of_a_broken_one() {
    let place = tempfile::tempdir().unwrap();
    let [copy, folder, old] = ["new", "copy", "old"].map(|name| place.path().join(name));
    fake_copy(&copy, MACHINES);
    put_in_place(&copy, &folder, &old).unwrap();
    fs::remove_file(folder.join(MANIFEST)).unwrap();
    fake_copy(&copy, MACHINES);
    put_in_place(&copy, &folder, &old).unwrap();
    assert!(find(&folder).is_some() && old.is_dir() && !copy.exists());
}

#[test]
fn leftovers_are_removed_unless_a_process_is_at_it() {
    let cache = tempfile::tempdir().unwrap();
    assert_eq!(clean(cache.path()).unwrap(), 0);
    let parent = cache.path().join(FOLDER);
    let leftover = parent.join(".making-abc");
    fs::create_dir_all(leftover.join("lists")).unwrap();
    fs::create_dir_all(parent.join("debian-12-x86_64")).unwrap();
    assert_eq!(leftovers(cache.path()), std::slice::from_ref(&leftover));
    {
        let _lock = FileLock::wait(&parent.join(LOCK), || ()).unwrap();
        assert_eq!(clean(cache.path()).unwrap(), 0);
        assert!(leftover.is_dir());
    }
    assert_eq!(clean(cache.path()).unwrap(), 1);
    assert!(!leftover.exists() && parent.join("debian-12-x86_64").is_dir());
}

#[test]
fn library_folders_are_those_of_kinds_of_machines() {
    let root = tempfile::tempdir().unwrap();
    for folder in ["usr/lib/x86_64-linux-gnu", "usr/lib/qemu", "lib/arm-linux-gnueabihf", "usr/share/x-linux-gnu"] {
        fs::create_dir_all(root.path().join(folder)).unwrap();
    }
    let expected = ["lib/arm-linux-gnueabihf", "usr/lib/x86_64-linux-gnu"].map(|folder| root.path().join(folder));
    assert_eq!(libraries_in(root.path()), expected);
}

#[test]
fn the_announcement_says_where_and_how_much() {
    let unusable = vec![Unusable { path: "/opt/old".into(), reason: "too old".to_owned() }];
    let begin = CopyStep::Begin { folder: "/cache".into(), unusable }.to_string();
    for word in ["/cache", "/opt/old: too old", "nothing is installed"] {
        assert!(begin.contains(word), "{begin}");
    }
    let packages = CopyStep::Packages { count: 25, bytes: 15_800_000 }.to_string();
    assert!(packages.contains("25 packages, 15.8 MB"), "{packages}");
}
