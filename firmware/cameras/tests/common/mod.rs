//! Helpers for the tests of both drivers.
#![allow(dead_code, unreachable_pub)]

use pinhole_app::camera::Camera;
use pinhole_cameras::model::Photo;

/// Returns photos that differ everywhere, in levels that no exposure clips, with different rows.
pub fn photo(number: u8) -> Photo {
    Photo::from_fn(160, 120, |x, y| {
        let [x, y, number] = [x as u32, y as u32, u32::from(number)];
        let noise = (x * 2654 + y * 40503 + number * 977).wrapping_mul(2_654_435_761) >> 28;
        (30 + (x * (3 + number) + y * 5 + number * 41) % 180 + noise) as u8
    })
}

/// Captures a picture and returns all its luma bytes.
pub fn picture<C: Camera>(camera: &mut C) -> Result<Vec<u8>, C::Error> {
    let frame = camera.start()?;
    let mut row = vec![0; frame.row_bytes()];
    let mut luma = Vec::new();
    for _ in 0..frame.size.height {
        camera.read_row(&mut row)?;
        luma.extend(row.iter().step_by(2));
    }
    Ok(luma)
}

/// Compares a transcript with `golden/NAME.txt`. If the environment variable `PINHOLE_REGENERATE` is set, writes the
/// file instead.
pub fn assert_golden(name: &str, transcript: &str) {
    let path = format!("{}/tests/golden/{name}.txt", env!("CARGO_MANIFEST_DIR"));
    if std::env::var_os("PINHOLE_REGENERATE").is_some() {
        std::fs::write(&path, transcript).unwrap();
    }
    let golden = std::fs::read_to_string(&path).unwrap();
    if let Some((line, (got, kept))) =
        transcript.lines().zip(golden.lines()).enumerate().find(|(_, (got, kept))| got != kept)
    {
        panic!("line {} of {path} is\n  {kept}\nnow it is\n  {got}", line + 1);
    }
    assert_eq!(transcript.lines().count(), golden.lines().count(), "{path}");
}
