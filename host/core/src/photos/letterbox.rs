//! The bars beside a picture in an input that it was fitted into by [`Fit::Letterbox`].

use pinhole_shared::pixels::{Fit, InputShape, LETTERBOX_LEVEL};

/// Changes what an input shows, and leaves the bars beside it: on a device they are always black. `change` takes pixels and their shape,
/// and returns as many pixels. Inputs of another fit have no bars: all is changed.
///
/// Bars are found by their level. A photo's own black edges count as bars if both opposite edges have them.
///
/// # Panics
/// If the input does not have the shape's bytes, or `change` returns another number of pixels.
pub fn change_inside(pixels: &[u8], input: InputShape, change: impl FnOnce(&[u8], InputShape) -> Vec<u8>) -> Vec<u8> {
    let (rows, columns) = inside(pixels, input);
    if (rows.len(), columns.len()) == (input.height.into(), input.width.into()) {
        return change(pixels, input);
    }
    let channels = usize::from(input.color.channels());
    let bytes = channels * columns.start..channels * columns.end;
    let part: Vec<u8> =
        lines(pixels, input)[rows.clone()].iter().flat_map(|line| &line[bytes.clone()]).copied().collect();
    let shape = InputShape { height: rows.len() as u16, width: columns.len() as u16, ..input };
    let changed = change(&part, shape);
    assert_eq!(changed.len(), part.len(), "other pixels than those of the part");
    let mut result = pixels.to_vec();
    let lines = result.chunks_exact_mut(input.row_bytes()).skip(rows.start);
    for (line, changed) in lines.zip(changed.chunks_exact(bytes.len())) {
        line[bytes.clone()].copy_from_slice(changed);
    }
    result
}

/// Returns the part of an input that shows a picture, without bars, and its shape.
///
/// # Panics
/// If the input does not have the shape's bytes.
pub(super) fn without_bars(pixels: &[u8], input: InputShape) -> (Vec<u8>, InputShape) {
    let mut part = (pixels.to_vec(), input);
    change_inside(pixels, input, |inside, shape| {
        part = (inside.to_vec(), shape);
        inside.to_vec()
    });
    part
}

fn lines(pixels: &[u8], input: InputShape) -> Vec<&[u8]> {
    assert_eq!(pixels.len(), input.bytes(), "an input of another shape");
    pixels.chunks_exact(input.row_bytes()).collect()
}

/// Returns the rows and columns between the bars, which are above and below, or left and right.
fn inside(pixels: &[u8], input: InputShape) -> (std::ops::Range<usize>, std::ops::Range<usize>) {
    let (height, width) = (usize::from(input.height), usize::from(input.width));
    let all = (0..height, 0..width);
    if input.fit != Fit::Letterbox {
        return all;
    }
    let lines = lines(pixels, input);
    let channels = usize::from(input.color.channels());
    let is_bar = |bytes: &[u8]| bytes.iter().all(|&level| level == LETTERBOX_LEVEL);
    let rows = between(height, |row| is_bar(lines[row]));
    let columns =
        between(width, |column| lines.iter().all(|line| is_bar(&line[column * channels..(column + 1) * channels])));
    // A picture fills its input one way or the other. One that is all black has no bars.
    match (rows, columns) {
        (Some(rows), _) if rows.len() < height => (rows, 0..width),
        (Some(_), Some(columns)) => (0..height, columns),
        _ => all,
    }
}

/// Returns the range of lines between the bars of `count` lines; `None` if all are bars. A picture is in the middle; of an odd number
/// of lines beside it, the last bar has one more.
fn between(count: usize, is_bar: impl Fn(usize) -> bool) -> Option<std::ops::Range<usize>> {
    let before = (0..count).take_while(|&line| is_bar(line)).count();
    if before == count {
        return None;
    }
    let after = (0..count).rev().take_while(|&line| is_bar(line)).count();
    let first = before.min(after);
    Some(first..count - after.min(first + 1))
}

#[cfg(test)]
mod tests {
    use pinhole_shared::pixels::{Color, PictureSize, PixelFormat};

    use super::*;
    use crate::photos::Picture;

    #[test]
    fn bars_stay_black_and_all_between_them_is_changed() {
        for color in Color::ALL {
            for (width, height) in [(40, 30), (30, 40), (40, 40), (80, 20), (41, 24), (25, 96)] {
                let input = InputShape { fit: Fit::Letterbox, color, ..InputShape::gray(16) };
                let size = PictureSize { width, height };
                let rows = vec![90; 3 * usize::from(width) * usize::from(height)];
                let picture = Picture::new(size, PixelFormat::Rgb888, rows).unwrap();
                let pixels = picture.shrink(input).unwrap();
                let (_, fitted) = input.fitted(size);
                let changed = change_inside(&pixels, input, |inside, shape| {
                    assert_eq!(shape, InputShape { width: fitted.width, height: fitted.height, ..input });
                    assert!(inside.iter().all(|&level| level == 90));
                    vec![200; inside.len()]
                });
                let expected: Vec<u8> = pixels.iter().map(|&level| if level == 90 { 200 } else { level }).collect();
                assert_eq!(changed, expected, "{width}x{height}, {color}");
            }
        }
    }

    #[test]
    fn other_inputs_are_changed_as_a_whole() {
        let negative = |inside: &[u8], _| inside.iter().map(|level| 255 - level).collect();
        let pixels = [0, 0, 0, 0, 9, 0, 0, 0, 0];
        assert_eq!(
            change_inside(&pixels, InputShape::gray(3), negative),
            [255, 255, 255, 255, 246, 255, 255, 255, 255]
        );
        let letterbox = InputShape { fit: Fit::Letterbox, ..InputShape::gray(3) };
        assert_eq!(change_inside(&[0; 9], letterbox, negative), [255; 9], "all black");
        // An edge is a bar if the opposite one is, too.
        assert_eq!(
            change_inside(&[0, 0, 0, 7, 7, 7, 7, 7, 7], letterbox, negative),
            [255, 255, 255, 248, 248, 248, 248, 248, 248]
        );
        assert_eq!(without_bars(&[0, 0, 0, 7, 7, 7, 0, 0, 0], letterbox).0, [7, 7, 7]);
    }
}
