//! Files bundled inside the program: the repository's folder `data`.

use std::path::Path;

use include_dir::{Dir, include_dir};

static DATA: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../../data");

/// Returns a file of `data`, by its path there, with slashes.
pub fn file(path: &str) -> Option<&'static [u8]> {
    DATA.get_file(path).map(include_dir::File::contents)
}

/// Names of the folders right below a folder of `data`, sorted.
pub fn folders(path: &str) -> Vec<&'static str> {
    let folders = DATA.get_dir(path).into_iter().flat_map(Dir::dirs);
    let mut names: Vec<_> = folders.filter_map(|folder| folder.path().file_name()?.to_str()).collect();
    names.sort_unstable();
    names
}

/// Returns name and bytes of each synthetic picture of a set, `train` or `validation`.
pub fn pictures(set: &str) -> Vec<(&'static Path, &'static [u8])> {
    let files = DATA.get_dir(set).into_iter().flat_map(Dir::files);
    files.filter_map(|file| Some((Path::new(file.path().file_name()?), file.contents()))).collect()
}
