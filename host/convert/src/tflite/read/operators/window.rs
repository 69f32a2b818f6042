//! Shared by several operators: windows with their padding, and the limit of scales.

use pinhole_shared::shape::{Padding, Shape, Window};

use crate::import::Reason;
use crate::tflite::read::graph::FileOperator;
use crate::tflite::read::importer::{Importer, refuse};
use crate::tflite::schema::{TflitePadding, conv_options};

/// Largest ratio of an input's scale to the output's.
const MAX_RATIO: f64 = 4096.0;

/// Returns the window of an operator, with these sides, on a tensor of this shape. It takes PAD's padding.
pub(super) fn window(
    importer: &mut Importer<'_, '_>,
    operator: &FileOperator<'_>,
    sides: [i32; 2],
    shape: Shape,
) -> Result<Window, Reason> {
    let [horizontal, vertical] = [conv_options::STRIDE_W, conv_options::STRIDE_H].map(|slot| operator.word(slot, 0));
    let small = |side: i32| u8::try_from(side).ok().filter(|&side| side > 0);
    let sizes = (small(sides[0]), small(sides[1]), small(vertical?), small(horizontal?));
    let (Some(height), Some(width), Some(stride_y), Some(stride_x)) = sizes else {
        return Err(refuse(operator, "with a window or stride outside of 1 to 255"));
    };
    let is_same = match operator.byte(conv_options::PADDING)? {
        same if same == TflitePadding::Same as u8 => true,
        valid if valid == TflitePadding::Valid as u8 => false,
        _ => return Err(refuse(operator, "with a kind of padding that Pinhole does not know")),
    };
    let padding = match (importer.padding.take(), is_same) {
        (None, true) => {
            let around = |size: u16, side: u8, stride: u8| {
                let positions = u32::from(size).div_ceil(stride.into());
                let reach = (positions - 1) * u32::from(stride) + u32::from(side);
                let around = reach.saturating_sub(size.into());
                // Less than the window's side.
                ((around / 2) as u8, around.div_ceil(2) as u8)
            };
            let ((top, bottom), (left, right)) =
                (around(shape.height, height, stride_y), around(shape.width, width, stride_x));
            Padding { top, left, bottom, right }
        }
        (None, false) => Padding::default(),
        (Some((padding, _)), false) => padding,
        (Some(_), true) => return Err(refuse(operator, "with its own padding after a padding operator")),
    };
    let window = Window { height, width, stride_y, stride_x, padding };
    window.output_size(shape).map(|_| window).ok_or_else(|| refuse(operator, "whose window does not fit its input"))
}

/// Checks that the output's scale is not far smaller than the input's.
pub(super) fn check_ratio(operator: &FileOperator<'_>, input: f64, output: f32) -> Result<(), Reason> {
    let fits = input / f64::from(output) <= MAX_RATIO;
    if fits { Ok(()) } else { Err(refuse(operator, "whose output scale is far smaller than its input scale")) }
}
