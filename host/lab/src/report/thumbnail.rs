//! Small pictures of the original photos.

use std::collections::HashMap;
use std::io::Cursor;
use std::path::Path;

use image::codecs::jpeg::JpegEncoder;
use image::{RgbImage, imageops};
use pinhole_core::photos::decode;
use rayon::prelude::*;

use super::pictures::jpeg_uri;

/// Longer side of a thumbnail, px: sharp at the size of the page's cards, and some kilobytes.
const SIDE: u32 = 160;
/// Quality of the JPEG files.
const QUALITY: u8 = 72;

/// Thumbnails of photos, as data URIs.
#[derive(Debug, Default)]
pub(super) struct Thumbnails<'a>(HashMap<&'a Path, String>);

impl<'a> Thumbnails<'a> {
    /// Reads these photos and shrinks them, on all cores. Those that cannot be read any more have none.
    pub(super) fn of(paths: impl IntoIterator<Item = &'a Path>) -> Self {
        let mut paths: Vec<&Path> = paths.into_iter().collect();
        paths.sort_unstable();
        paths.dedup();
        Self(paths.into_par_iter().filter_map(|path| Some((path, thumbnail(path)?))).collect())
    }

    /// Returns the picture of a photo.
    pub(super) fn get(&self, path: &Path) -> Option<&str> {
        self.0.get(path).map(String::as_str)
    }
}

fn thumbnail(path: &Path) -> Option<String> {
    let photo = decode::read(path).ok()?;
    let (width, height) = (u32::from(photo.size().width), u32::from(photo.size().height));
    let rows: Vec<u8> = photo.rows().flatten().copied().collect();
    let photo = RgbImage::from_raw(width, height, rows)?;
    let longer = width.max(height);
    let small = if longer <= SIDE {
        photo
    } else {
        let shrunk = |side: u32| (side * SIDE / longer).max(1);
        imageops::thumbnail(&photo, shrunk(width), shrunk(height))
    };
    let mut file = Cursor::new(Vec::new());
    JpegEncoder::new_with_quality(&mut file, QUALITY).encode_image(&small).ok()?;
    Some(jpeg_uri(&file.into_inner()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::Engine as _;
    use base64::prelude::BASE64_STANDARD;

    #[test]
    fn photos_are_shrunk_by_their_longer_side_and_missing_ones_have_none() {
        let folder = tempfile::tempdir().unwrap();
        let [wide, small, missing] = ["wide.png", "small.png", "missing.png"].map(|name| folder.path().join(name));
        RgbImage::new(400, 100).save(&wide).unwrap();
        RgbImage::new(30, 20).save(&small).unwrap();
        let all = Thumbnails::of([&wide, &small, &missing, &wide].map(|path| path.as_path()));
        let size = |path: &Path| {
            let jpeg = all.get(path)?.strip_prefix("data:image/jpeg;base64,")?;
            let picture = image::load_from_memory(&BASE64_STANDARD.decode(jpeg).ok()?).ok()?;
            Some((picture.width(), picture.height()))
        };
        assert_eq!(size(&wide), Some((160, 40)));
        assert_eq!(size(&small), Some((30, 20)));
        assert_eq!(size(&missing), None);
    }
}
