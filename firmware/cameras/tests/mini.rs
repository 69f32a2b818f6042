//! The driver of the ArduCAM Mini against its model.
#![cfg(feature = "model")]

use pinhole_app::camera::Camera;
use pinhole_cameras::arducam_mini::{ArducamMini, Config};
use pinhole_cameras::model::{Bench, BusSettings, MiniBoard, MiniModel, Module, Photo, expected_rows};

#[test]
fn a_picture() {
    let photo = Photo::from_fn(133, 120, |x, y| (x * 2 + y * 3) as u8 ^ 0x11);
    let bench = Bench::new(MiniModel::new(MiniBoard::PLUS, BusSettings::default(), photo.clone(), 1));
    let config = Config::square(100).unwrap();
    let mut camera = ArducamMini::new(bench.spi(), bench.i2c(), bench.delay(), config);
    let expected = expected_rows(&photo, &config.window(), false, false);
    for _ in 0..5 {
        let frame = camera.start().unwrap();
        let mut row = vec![0; frame.row_bytes()];
        for expected in expected.chunks(100) {
            camera.read_row(&mut row).unwrap();
            let luma: Vec<u8> = row.iter().step_by(2).copied().collect();
            assert_eq!(luma, expected);
        }
        println!("{} ms", bench.module().now_ns() / 1_000_000);
    }
}
