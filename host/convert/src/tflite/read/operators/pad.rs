//! PAD and PADV2, as padding of the layer that follows.

use pinhole_shared::shape::Padding;

use crate::import::Reason;
use crate::tflite::read::graph::FileOperator;
use crate::tflite::read::importer::{Importer, refuse};
use crate::tflite::schema::TensorType;

/// Keeps the padding for the layer that follows.
pub(super) fn read<'f>(importer: &mut Importer<'_, 'f>, operator: &FileOperator<'f>) -> Result<(), Reason> {
    let sides = sides(importer, operator)?;
    let fill = match importer.optional(operator, 2)? {
        None => importer.input.kind.zero_point,
        Some(number) => match (number.quantization(), number.data) {
            (Some(_), &[byte]) => byte.wrapping_add(128),
            _ => return Err(refuse(operator, "whose padding value is not one int8")),
        },
    };
    importer.padding = Some((sides, fill));
    importer.go_on_with_same(operator)
}

/// Returns the rows and columns of a PAD.
pub(super) fn sides(importer: &Importer<'_, '_>, operator: &FileOperator<'_>) -> Result<Padding, Reason> {
    let amounts = importer.graph.tensor(operator.input(1))?;
    let amounts = if amounts.tensor_type == Some(TensorType::Int32) { amounts.integers(4) } else { None };
    let sides = amounts.and_then(|amounts| match amounts[..] {
        [0, 0, top, bottom, left, right, 0, 0] => {
            let side = |side| u8::try_from(side).ok();
            Some(Padding { top: side(top)?, left: side(left)?, bottom: side(bottom)?, right: side(right)? })
        }
        _ => None,
    });
    sides.ok_or_else(|| refuse(operator, "whose padding is not at most 255 rows and columns"))
}
