//! Output that would land among photos.

use std::ffi::OsStr;
use std::path::{Component, Path, PathBuf};

use super::WriteError;

/// Checks that a file or folder to write is not inside one of these folders of photos, and is none of them. Neither has to exist.
///
/// # Errors
/// [`WriteError::AmongPhotos`] with the first such folder.
pub fn check_outside<'a>(out: &Path, photos: impl IntoIterator<Item = &'a Path>) -> Result<(), WriteError> {
    let resolved = resolve(out);
    for photos in photos {
        if resolved.starts_with(resolve(photos)) {
            let name = out.file_name().filter(|_| resolved != resolve(photos)).unwrap_or(OsStr::new("run"));
            let outside = match photos.file_name() {
                Some(_) => photos.with_file_name(name),
                None if photos == Path::new(".") => Path::new("..").join(name),
                None => photos.join("..").join(name),
            };
            return Err(WriteError::AmongPhotos { out: out.to_owned(), photos: photos.to_owned(), outside });
        }
    }
    Ok(())
}

/// Returns the path without links and detours. Of a path that does not exist, the part that does is resolved so.
fn resolve(path: &Path) -> PathBuf {
    let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let existing = absolute.ancestors().find_map(|above| Some((above, above.canonicalize().ok()?)));
    let Some((above, mut resolved)) = existing else { return absolute };
    for part in absolute.strip_prefix(above).unwrap_or(Path::new("")).components() {
        match part {
            Component::ParentDir => drop(resolved.pop()),
            Component::CurDir => {}
            part => resolved.push(part),
        }
    }
    resolved
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn output_inside_a_folder_of_photos_is_refused() {
        let temp = tempfile::tempdir().unwrap();
        let photos = temp.path().join("photos");
        std::fs::create_dir_all(photos.join("cats")).unwrap();
        let check = |out: &Path| check_outside(out, [temp.path().join("none").as_path(), &photos]);
        for inside in [
            "photos",
            "photos/run",
            "photos/cats/run",
            "photos/cats/../run",
            "photos/new/deep/../run",
            "new/../photos/x",
        ] {
            let error = check(&temp.path().join(inside)).unwrap_err();
            assert!(matches!(&error, WriteError::AmongPhotos { photos: named, .. } if *named == photos), "{inside}");
        }
        let error = check(&photos.join("mine")).unwrap_err();
        assert!(matches!(error, WriteError::AmongPhotos { outside, .. } if outside == temp.path().join("mine")));
        for outside in ["run", "photos-run", "photos/../run", "photos/none/../../run"] {
            check(&temp.path().join(outside)).unwrap();
        }
        #[cfg(unix)]
        {
            let link = temp.path().join("link");
            std::os::unix::fs::symlink(&photos, &link).unwrap();
            check(&link.join("run")).unwrap_err();
        }
    }
}
