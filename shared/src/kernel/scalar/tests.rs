//! Sums by hand.

use super::*;

#[test]
fn by_hand() {
    // Asymmetric on purpose: two rows, three columns, so that a transposition cannot go unnoticed.
    let bytes = [1_i8, -2, 3, 127, 0, -127].map(|weight| weight as u8);
    let weights = Weights::new(Layout::Rows8, &bytes, 3, 2, 0).unwrap();
    let operands = DenseOperands { weights, biases: &[10, -20] };
    let mut accumulators = [0; 2];
    Scalar::dense_u8(operands, &[255, 1, 2], Work { accumulators: &mut accumulators, scratch: &mut [] });
    assert_eq!(accumulators, [10 + 255 - 2 + 6, -20 + 127 * 255 - 127 * 2]);
    Scalar::dense_i16(operands, &[-32_768, 5, 32_767], Work { accumulators: &mut accumulators, scratch: &mut [] });
    assert_eq!(accumulators, [10 - 32_768 - 10 + 98_301, -20 - 127 * 32_768 - 127 * 32_767]);
}

#[test]
fn by_hand_in_four_bits() {
    // Rows 1, -2, 3 and 7, 0, -7; the last half byte of a row is ignored.
    let weights = Weights::new(Layout::Rows4, &[0xE1, 0xF3, 0x07, 0x09], 3, 2, 0).unwrap();
    assert_eq!([0, 1, 2].map(|column| weights.get(0, column)), [1, -2, 3]);
    assert_eq!([0, 1, 2].map(|column| weights.get(1, column)), [7, 0, -7]);
    let operands = DenseOperands { weights, biases: &[10, -20] };
    let mut accumulators = [0; 2];
    Scalar::dense_u8(operands, &[255, 1, 2], Work { accumulators: &mut accumulators, scratch: &mut [] });
    assert_eq!(accumulators, [10 + 255 - 2 + 6, -20 + 7 * 255 - 7 * 2]);
}
