//! Survey of the photos in a folder or a list: numbers of photos, sizes and colors. A network for them is chosen by these.

use pinhole_shared::pixels::PictureSize;
use rayon::prelude::*;

use super::dataset::check_classes;
use super::{PhotoError, Picture, Source, decode, scan, thinned};

/// Most photos that are decoded.
const SAMPLE: usize = 200;

/// Difference between the largest and the smallest of a pixel's red, green and blue from which it is colored, of 255.
const COLORED: u8 = 32;

/// A photo is colored if one of so many of its pixels is.
const ONE_IN: usize = 20;

/// Greatest ratio of two photos' width by height that is about the same shape.
const ONE_SHAPE: f64 = 1.5;

/// Survey of the labeled photos in a folder or a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Survey {
    /// Class names and the number of photo files of each, by name.
    pub classes: Vec<(String, usize)>,
    /// Sizes of the photos that were decoded, px, by area.
    pub sizes: Vec<PictureSize>,
    /// Number of the photos that were decoded and are colored.
    pub colored: usize,
}

impl Survey {
    /// Surveys a folder or a list. All photos that [`scan`] finds are counted. At most 200 of them, spread evenly, are decoded for
    /// sizes and colors, except those that cannot be read.
    ///
    /// # Errors
    /// Those of [`scan`], and [`PhotoError`] if there are fewer than two classes.
    pub fn of<'a>(source: impl Into<Source<'a>>) -> Result<Self, PhotoError> {
        let source = source.into();
        let found = scan(source)?;
        check_classes(&found, source.path, false)?;
        let mut classes: Vec<(String, usize)> = found.classes.into_iter().map(|class| (class, 0)).collect();
        for photo in &found.photos {
            classes[photo.class].1 += 1;
        }
        let sample = thinned(found.photos, Some(SAMPLE));
        let read: Vec<(PictureSize, bool)> = sample
            .par_iter()
            .filter_map(|photo| decode::read(&photo.path).ok())
            .map(|picture| (picture.size(), is_colored(&picture)))
            .collect();
        let colored = read.iter().filter(|(_, is_colored)| *is_colored).count();
        let mut sizes: Vec<PictureSize> = read.into_iter().map(|(size, _)| size).collect();
        sizes.sort_by_key(|size| (u32::from(size.width) * u32::from(size.height), size.width));
        Ok(Self { classes, sizes, colored })
    }

    /// Returns true if most of the photos that were decoded are colored.
    pub fn is_colored(&self) -> bool {
        2 * self.colored > self.sizes.len()
    }

    /// Returns the medians of width and height, px; `None` if no photo can be read.
    pub fn median_size(&self) -> Option<PictureSize> {
        let median = |side: fn(&PictureSize) -> u16| {
            let mut sides: Vec<u16> = self.sizes.iter().map(side).collect();
            sides.sort_unstable();
            sides.get(sides.len() / 2).copied()
        };
        Some(PictureSize { width: median(|size| size.width)?, height: median(|size| size.height)? })
    }

    /// Returns the median of the shorter sides, px; `None` if no photo can be read.
    pub fn median_side(&self) -> Option<u16> {
        let mut sides: Vec<u16> = self.sizes.iter().map(|size| size.square()).collect();
        sides.sort_unstable();
        sides.get(sides.len() / 2).copied()
    }

    /// Returns true if the photos have about the same shape: without the tenth that is narrowest and the tenth that is widest
    /// for its height, width by height differs by at most a factor of 1.5.
    pub fn is_one_shape(&self) -> bool {
        let mut shapes: Vec<f64> =
            self.sizes.iter().map(|size| f64::from(size.width) / f64::from(size.height)).collect();
        shapes.sort_unstable_by(f64::total_cmp);
        let tenth = shapes.len() / 10;
        let middle = &shapes[tenth..shapes.len() - tenth];
        middle.first().zip(middle.last()).is_some_and(|(narrowest, widest)| *widest <= ONE_SHAPE * narrowest)
    }

    /// Returns the number of photo files.
    pub fn photos(&self) -> usize {
        self.classes.iter().map(|(_, count)| count).sum()
    }

    /// Returns the numbers of photo files of the smallest and the largest class; zeros without a class.
    pub fn range(&self) -> (usize, usize) {
        let counts = || self.classes.iter().map(|(_, count)| *count);
        (counts().min().unwrap_or(0), counts().max().unwrap_or(0))
    }
}

/// Returns true if at least one in twenty pixels is far from gray.
fn is_colored(picture: &Picture) -> bool {
    let format = picture.format();
    let (mut colored, mut all) = (0, 0);
    for row in picture.rows() {
        for pixel in row.chunks_exact(format.pixel_bytes()) {
            let [red, green, blue] = format.rgb(pixel);
            let range = red.max(green).max(blue) - red.min(green).min(blue);
            colored += usize::from(range >= COLORED);
            all += 1;
        }
    }
    colored * ONE_IN >= all
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn write(folder: &Path, name: &str, width: u32, height: u32, pixel: [u8; 3]) {
        let path = folder.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        image::RgbImage::from_pixel(width, height, image::Rgb(pixel)).save(path).unwrap();
    }

    #[test]
    fn photos_are_counted_measured_and_looked_at() {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), "b/1.png", 40, 30, [200, 100, 100]);
        write(folder.path(), "a/1.png", 20, 25, [10, 10, 42]);
        write(folder.path(), "a/2.png", 60, 50, [10, 20, 41]);
        std::fs::write(folder.path().join("a/3.png"), b"no picture").unwrap();
        let survey = Survey::of(folder.path()).unwrap();
        assert_eq!(survey.classes, [("a".to_owned(), 3), ("b".to_owned(), 1)]);
        assert_eq!((survey.photos(), survey.range()), (4, (1, 3)));
        let size = |width, height| PictureSize { width, height };
        assert_eq!(survey.sizes, [size(20, 25), size(40, 30), size(60, 50)]);
        assert_eq!((survey.colored, survey.is_colored(), survey.median_side()), (2, true, Some(30)));
        assert_eq!(survey.median_size(), Some(size(40, 30)));
    }

    #[test]
    fn shapes_are_compared_without_the_extremes() {
        let one_shape = |sizes: &[(u16, u16)]| {
            let sizes = sizes.iter().map(|&(width, height)| PictureSize { width, height }).collect();
            Survey { classes: Vec::new(), sizes, colored: 0 }.is_one_shape()
        };
        assert!(!one_shape(&[]));
        assert!(one_shape(&[(160, 120)]) && one_shape(&[(20, 30), (30, 30)]));
        assert!(!one_shape(&[(160, 120), (120, 160)]) && !one_shape(&[(20, 31), (30, 30)]));
        let mut ten = [(160, 120); 10];
        (ten[0], ten[9]) = ((10, 100), (100, 10));
        assert!(one_shape(&ten));
        ten[1] = (10, 100);
        assert!(!one_shape(&ten));
    }

    #[test]
    fn a_small_colored_spot_does_not_count() {
        let mut rows = vec![100; 20 * 3 * 10];
        rows[..3 * 9].fill(0);
        let picture = |rows: &[u8]| {
            Picture::new(
                PictureSize { width: 20, height: 10 },
                pinhole_shared::pixels::PixelFormat::Rgb888,
                rows.to_vec(),
            )
            .unwrap()
        };
        assert!(!is_colored(&picture(&rows)), "black is gray");
        rows[..3 * 9].iter_mut().step_by(3).for_each(|red| *red = 255);
        assert!(!is_colored(&picture(&rows)), "nine pixels of 200");
        rows[..3 * 10].copy_from_slice(&[255, 0, 0].repeat(10));
        assert!(is_colored(&picture(&rows)), "ten pixels of 200");
    }
}
