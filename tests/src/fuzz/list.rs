//! Any bytes as a list of photos and their classes.

use pinhole::photos::scan;

/// Reads the bytes as a list. Returns true if it is accepted. The corpus names photos by absolute paths, which exist.
///
/// # Panics
/// If a photo of an accepted list has no class.
pub fn case(data: &[u8]) -> bool {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("list.csv");
    std::fs::write(&path, data).expect("a small file can be written");
    let Ok(found) = scan(&path) else { return false };
    assert!(!found.photos.is_empty());
    assert!(found.photos.iter().all(|photo| photo.class < found.classes.len()));
    true
}
