//! Tests of writing files.

use super::*;

#[test]
fn files_are_replaced_whole_and_failures_leave_the_old_one() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.txt");
    write_file(&path, b"one").unwrap();
    write_file(&path, b"two").unwrap();
    assert_eq!(std::fs::read(&path).unwrap(), b"two");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "no temporary file is left");
    let missing = folder.path().join("no/such/folder/a.txt");
    let complaint = write_file(&missing, b"x").unwrap_err().to_string();
    let expected = format!("{} cannot be written: ", missing.display());
    // The reason must not name the temporary file. This test's own folder is temporary too, so its path is cut off first.
    let reason = complaint.strip_prefix(&expected).unwrap_or_else(|| panic!("{complaint}"));
    assert!(reason.contains("os error 2") && !reason.contains("tmp"), "{complaint}");
}

/// The owner has chosen them, and did so again by not changing them.
#[cfg(unix)]
#[test]
fn a_replaced_file_keeps_its_permissions() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    let mode = |name: &str| folder.path().join(name).metadata().unwrap().permissions().mode() & 0o777;
    // What the umask leaves of a new file, as the system itself makes it.
    std::fs::write(folder.path().join("plain"), "").unwrap();
    for name in ["one", "group"] {
        let path = folder.path().join(name);
        let write = || match name {
            "one" => write_file(&path, b"x").unwrap(),
            _ => write_files(folder.path(), &[(name, "x")]).unwrap(),
        };
        write();
        assert_eq!(mode(name), mode("plain"), "{name}");
        for kept in [0o600, 0o640, 0o444, 0o777] {
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(kept)).unwrap();
            write();
            assert_eq!(mode(name), kept, "{name}");
        }
    }
}

#[test]
fn help_says_what_is_left_of_an_earlier_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.txt");
    let full = || std::io::Error::from(std::io::ErrorKind::StorageFull);
    assert!(help_for_writing(&path, &full()).ends_with("no partial file was left"));
    std::fs::write(&path, "old").unwrap();
    assert!(help_for_writing(&path, &full()).ends_with("and the file that was there is unchanged"));
}
