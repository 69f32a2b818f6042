//! Quantization parameters of an int8 tensor.

use pinhole_shared::model::Tensor;

/// Scale and zero point of an int8 tensor: an integer's real value is `scale * (integer - zero_point)`.
///
/// The bytes of Pinhole's tensors are these integers plus 128, with the same scale.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct QuantizationParameters {
    /// Real value of one unit, above 0.
    pub(crate) scale: f32,
    /// Zero point, -128..=127.
    pub(crate) zero_point: i8,
}

impl QuantizationParameters {
    /// Those of the network's input: the integer is the pixel minus 128, its real value the pixel / 255.
    pub(crate) const PIXELS: Self = Self { scale: 1.0 / 255.0, zero_point: i8::MIN };

    /// Those of a sigmoid's output, the only ones that TensorFlow Lite allows for LOGISTIC.
    ///
    /// # Source
    /// TensorFlow Lite's 8-bit quantization specification, LOGISTIC.
    pub(crate) const SIGMOID: Self = Self { scale: 1.0 / 256.0, zero_point: i8::MIN };

    /// Returns those of a tensor whose bytes minus 128 are the integers.
    pub(crate) fn of(tensor: &Tensor) -> Self {
        Self { scale: tensor.scale, zero_point: Self::integer(tensor.zero_point) }
    }

    /// Returns the integer of a byte of Pinhole's tensors: the byte minus 128.
    pub(crate) fn integer(byte: u8) -> i8 {
        (i16::from(byte) - 128) as i8
    }

    /// Returns the zero point as a byte of Pinhole's tensors: plus 128.
    pub(crate) fn zero_point_byte(self) -> u8 {
        (i16::from(self.zero_point) + 128) as u8
    }

    /// Returns those of a sigmoid's input. The range begins where the int8 output is no longer 0: at half a unit,
    /// `ln (0.5 / 255.5)`. It ends where the output reaches the greatest int8: one and a half units from 1,
    /// `ln (254.5 / 1.5)`. Clipping beyond changes nothing, so no photo is needed to find the range.
    pub(crate) fn before_sigmoid() -> Self {
        Self::covering((0.5_f64 / 255.5).ln(), (254.5_f64 / 1.5).ln())
    }

    /// Returns those of the range 0 to `largest`, which is above 0.
    pub(crate) fn positive(largest: f64) -> Self {
        Self { scale: (largest / 255.0) as f32, zero_point: i8::MIN }
    }

    /// Returns those of the range `-largest` to nearly `largest`, which is above 0; the zero point is 0.
    pub(crate) fn symmetric(largest: f64) -> Self {
        Self { scale: (largest / 128.0) as f32, zero_point: 0 }
    }

    /// Returns those of the range `low` to `high`, widened to include 0, and by up to half a unit for the rounded zero point.
    pub(crate) fn covering(low: f64, high: f64) -> Self {
        let (low, high) = (low.min(0.0), high.max(0.0));
        // A network whose outputs are all 0 still needs a scale.
        let scale = if high > low { (high - low) / 255.0 } else { 1.0 };
        // Within -128..=127, since low is in -255 units..=0.
        Self { scale: scale as f32, zero_point: (-128.0 - low / scale).round() as i8 }
    }

    /// Returns the smallest and largest real value.
    pub(crate) fn range(self) -> (f64, f64) {
        let real = |integer: i8| f64::from(self.scale) * (f64::from(integer) - f64::from(self.zero_point));
        (real(i8::MIN), real(i8::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_hold_what_they_are_for() {
        for (low, high) in [(-3.0, 5.0), (0.5, 2.0), (-2.0, -0.5), (0.0, 0.0), (-1e-6, 3e4)] {
            let int8 = QuantizationParameters::covering(low, high);
            let (lowest, highest) = int8.range();
            let half = 0.51 * f64::from(int8.scale);
            assert!(lowest <= low + half && highest >= high - half, "{low} {high}: {int8:?}");
        }
        let (low, high) = QuantizationParameters::positive(2.0).range();
        assert!(low == 0.0 && (high - 2.0).abs() < 1e-6);
        assert_eq!(QuantizationParameters::symmetric(1.0).range(), (-1.0, 127.0 / 128.0));
        assert_eq!(
            QuantizationParameters::covering(0.0, 0.0),
            QuantizationParameters { scale: 1.0, zero_point: i8::MIN }
        );
    }

    /// Outside the range, the sigmoid's int8 is the one at the range's end.
    #[test]
    fn nothing_is_lost_before_a_sigmoid() {
        let int8 = |x: f64| (256.0 / (1.0 + (-x).exp())).round().min(255.0);
        let (low, high) = QuantizationParameters::before_sigmoid().range();
        // The rounded zero point moves the ends by at most half a unit, and the sigmoid there by less than one.
        assert!(int8(low) <= 1.0 && int8(high) >= 254.0, "{low} {high}");
        assert_eq!((int8((0.499_f64 / 255.5).ln()), int8((254.6_f64 / 1.4).ln())), (0.0, 255.0));
    }
}
