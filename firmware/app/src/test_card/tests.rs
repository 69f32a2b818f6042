//! Rows and pictures.

use super::*;

#[test]
fn rows_are_the_picture_of_their_number() {
    let mut camera = TestCard::new(4);
    let mut row = [0; 8];
    assert_eq!(camera.read_row(&mut row), Err(CameraFault::Misuse), "no picture was started");
    for picture in 0..3 {
        let frame = camera.start().unwrap();
        assert_eq!((frame.size.width, frame.size.height, frame.row_bytes()), (8, 8, 8));
        assert_eq!(camera.read_row(&mut row[..7]), Err(CameraFault::Misuse));
        for y in 0..8 {
            camera.read_row(&mut row).unwrap();
            let expected: [u8; 8] = core::array::from_fn(|x| TestCard::pixel(picture, 8, x as u16, y));
            assert_eq!(row, expected);
        }
        assert_eq!(camera.read_row(&mut row), Err(CameraFault::Misuse), "there are no more rows");
    }
}

#[test]
fn pictures_differ() {
    let of = |picture| core::array::from_fn::<_, 100, _>(|x| TestCard::pixel(picture, 100, x as u16, 50));
    assert_ne!(of(0), of(1));
    // By hand: offset (3, 4) from the center of picture 1, which is (3, 50).
    assert_eq!(TestCard::pixel(1, 100, 6, 54), 25 * 4 / 100);
}
