//! Sizes by hand.

use super::*;

#[test]
fn shapes_are_written_by_height_width_and_channels() {
    assert_eq!(std::format!("{}", Shape { height: 7, width: 10, channels: 3 }), "7x10x3");
}

#[test]
fn output_sizes_by_hand() {
    let input = Shape { height: 7, width: 10, channels: 3 };
    let one = Padding { top: 1, left: 1, bottom: 1, right: 1 };
    let window =
        |side, stride, padding| Window { height: side, width: side, stride_y: stride, stride_x: stride, padding };
    assert_eq!(window(3, 1, one).output_size(input), Some((7, 10)));
    assert_eq!(window(3, 2, one).output_size(input), Some((4, 5)));
    assert_eq!(window(3, 2, Padding { top: 0, left: 0, ..one }).output_size(input), Some((3, 5)));
    assert_eq!(Window::tiles(2).output_size(input), Some((3, 5)));
    assert_eq!(Window::tiles(7).output_size(input), Some((1, 1)));
    assert_eq!(Window::tiles(8).output_size(input), None, "fits nowhere");
    assert_eq!(window(3, 0, one).output_size(input), None, "no stride");
    assert_eq!(Window::tiles(0).output_size(input), None, "no size");
    assert_eq!(window(1, 1, one).output_size(input), None, "padding alone would fill it");
    for padding in [
        Padding { top: 3, ..Padding::default() },
        Padding { left: 3, ..Padding::default() },
        Padding { bottom: 3, ..Padding::default() },
        Padding { right: 3, ..Padding::default() },
    ] {
        assert_eq!(window(3, 1, padding).output_size(input), None, "a window that could lie outside: {padding:?}");
    }
    // One side may be longer than the other.
    let tall = Window { height: 3, width: 1, stride_y: 2, stride_x: 1, padding: Padding::default() };
    assert_eq!(tall.output_size(input), Some((3, 10)));
}
