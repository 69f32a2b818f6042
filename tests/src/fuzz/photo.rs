//! Any bytes as a photo, through this program's own steps: the checks before decoding, orientation, and shrinking.

use pinhole::photos::read_unlabeled;
use pinhole_shared::pixels::InputShape;

/// Reads the bytes as a photo. Returns true if it is accepted.
///
/// # Panics
/// If an accepted photo has not as many pixels as the network's input.
pub fn case(data: &[u8]) -> bool {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("photo.jpg");
    std::fs::write(&path, data).expect("a small file can be written");
    let Ok((photos, _)) = read_unlabeled(&[path], InputShape::gray(8)) else { return false };
    assert!(photos.iter().all(|photo| photo.pixels.len() == 64));
    !photos.is_empty()
}
