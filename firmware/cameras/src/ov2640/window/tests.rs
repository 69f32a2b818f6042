//! Registers of every window, golden vectors among them.

use super::*;

fn window(array: Array, [x, y, width, height]: [u16; 4], divide: u8, [out_width, out_height]: [u16; 2]) -> Window {
    let (divide_x, divide_y) = (divide, divide);
    Window { array, x, y, width, height, divide_x, divide_y, out_width, out_height }.checked().unwrap()
}

/// Values in the order C0 C1 8C 50 51 52 53 54 55 57 5A 5B 5C. Those for the whole field are, bit for bit, in
/// ArduCAM's size tables; the 300 x 296 one is esp32-camera's choice for 96 x 96.
#[test]
fn golden_vectors() {
    let [uxga, svga] = [Array::Uxga, Array::Svga];
    let uxga_square = |side| Window::centered_square(uxga, side).unwrap();
    let uxga_whole = |out| window(uxga, [0, 0, 1600, 1200], 2, out);
    let svga_square = |side| Window { divide_x: 1, divide_y: 1, ..Window::centered_square(svga, side).unwrap() };
    let svga_whole = |divide, out| window(svga, [0, 0, 800, 600], divide, out);
    let cases: [(Window, &str); 12] = [
        (uxga_whole([96, 96]), "C8 96 00 92 90 2C 00 00 88 00 18 18 00"),
        (uxga_square(96), "C8 96 00 92 2C 2C C8 00 88 00 18 18 00"),
        (uxga_square(100), "C8 96 00 92 2C 2C C8 00 88 00 19 19 00"),
        (uxga_square(128), "C8 96 00 92 2C 2C C8 00 88 00 20 20 00"),
        (uxga_whole([160, 120]), "C8 96 00 92 90 2C 00 00 88 00 28 1E 00"),
        (uxga_whole([320, 240]), "C8 96 00 92 90 2C 00 00 88 00 50 3C 00"),
        (svga_square(96), "64 4B 00 89 96 96 64 00 00 00 18 18 00"),
        (svga_square(100), "64 4B 00 89 96 96 64 00 00 00 19 19 00"),
        (svga_whole(2, [160, 120]), "64 4B 00 92 C8 96 00 00 00 00 28 1E 00"),
        (svga_whole(1, [320, 240]), "64 4B 00 89 C8 96 00 00 00 00 50 3C 00"),
        (window(svga, [208, 108, 384, 384], 2, [96, 96]), "64 4B 00 92 60 60 D0 6C 00 00 18 18 00"),
        (window(Array::Cif, [50, 0, 300, 296], 0, [96, 96]), "32 25 00 80 4B 4A 32 00 00 00 18 18 00"),
    ];
    for (window, expected) in cases {
        let writes = window.writes();
        let value = |address| writes.iter().find(|(register, _)| *register == Register::Dsp(address)).unwrap().1;
        let order = [0xC0, 0xC1, 0x8C, 0x50, 0x51, 0x52, 0x53, 0x54, 0x55, 0x57, 0x5A, 0x5B, 0x5C];
        let got: Vec<String> = order.iter().map(|address| format!("{:02X}", value(*address))).collect();
        assert_eq!(got.join(" "), expected, "{window:?}");
        assert_eq!(Window::of_registers(window.array, value), window);
    }
}

#[test]
fn registers_hold_every_square_of_every_array() {
    for array in [Array::Uxga, Array::Svga, Array::Cif] {
        for side in (40..=array.height()).step_by(4) {
            let window = Window::centered_square(array, side).unwrap();
            let writes = window.writes();
            let value = |address| writes.iter().find(|(register, _)| *register == Register::Dsp(address)).unwrap().1;
            assert_eq!(Window::of_registers(array, value), window);
        }
    }
}

/// The first two are in ArduCAM's size tables: see the golden vectors.
#[test]
fn whole_pictures_have_the_arrays_shape() {
    let uxga = |width, height| Window::whole(Array::Uxga, width, height);
    for (width, height, out) in
        [(160, 120, [160, 120]), (300, 20, [304, 228]), (92, 56, [96, 72]), (20, 97, [144, 108]), (8, 8, [48, 36])]
    {
        assert_eq!(uxga(width, height).unwrap(), window(Array::Uxga, [0, 0, 1600, 1200], 2, out));
    }
    assert_eq!(uxga(401, 1).unwrap(), window(Array::Uxga, [0, 0, 1600, 1200], 1, [416, 312]));
    assert_eq!(uxga(1600, 1200).map(|window| window.out_width), Ok(1600));
    assert_eq!(uxga(1601, 1), Err(WindowError::Enlarges));
    assert_eq!(Window::whole(Array::Cif, 96, 96), Err(WindowError::Enlarges), "it is not 4:3");
}

#[test]
fn what_the_sensor_cannot_do_is_refused() {
    let square = |side| Window::centered_square(Array::Uxga, side).map(|_| ());
    assert_eq!(square(50), Err(WindowError::NotInFours));
    assert_eq!(square(36), Err(WindowError::TooSmall));
    assert_eq!(square(1204), Err(WindowError::Enlarges));
    let whole = Window::centered_square(Array::Uxga, 96).unwrap();
    assert_eq!(Window { x: 404, ..whole }.checked(), Err(WindowError::OutsideArray));
    assert_eq!(Window { divide_y: 4, ..whole }.checked(), Err(WindowError::TooSmall));
}
