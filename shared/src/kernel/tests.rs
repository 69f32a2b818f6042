//! Tests of every packed kernel's portable version against a naive reference.

use std::vec;
use std::vec::Vec;

use super::*;
use crate::layout::{GROUP_COLUMNS, pack};
use proptest::prelude::*;

/// A layer with known weights and biases.
#[derive(Clone, Debug)]
struct Case {
    inputs: usize,
    outputs: usize,
    chunk: usize,
    weights: Vec<i8>,
    biases: Vec<i32>,
}

impl Case {
    fn drawn(inputs: usize, outputs: usize, chunk: usize, mut draw: impl FnMut() -> i8) -> Self {
        let weights = (0..inputs * outputs).map(|_| draw()).collect();
        let biases = (0..outputs as i32).map(|row| row * 1_000 - 3_000).collect();
        Self { inputs, outputs, chunk, weights, biases }
    }

    /// Computes the sums in 64 bits: a definition too simple to be wrong.
    fn expected<A: Copy + Into<i64>>(&self, input: &[A]) -> Vec<i32> {
        let rows = self.weights.chunks(self.inputs).zip(&self.biases);
        let sums = rows.map(|(row, &bias)| {
            let products = row.iter().zip(input).map(|(&weight, &x)| i64::from(weight) * x.into());
            i64::from(bias) + products.sum::<i64>()
        });
        sums.map(|sum| i32::try_from(sum).unwrap()).collect()
    }

    /// Packs, folds and runs. `None` if a row exceeds the layout's sums.
    fn run(&self, layout: Layout, kernel: impl Fn(DenseOperands<'_>, Work<'_>)) -> Option<Vec<i32>> {
        let Self { inputs, outputs, chunk, .. } = *self;
        // The bytes of an i32 slice start at a multiple of 4.
        let mut memory = vec![0_i32; Weights::bytes_of(layout, inputs, outputs).unwrap().div_ceil(4) as usize];
        let bytes = &mut bytemuck::cast_slice_mut::<i32, u8>(&mut memory)
            [..Weights::bytes_of(layout, inputs, outputs).unwrap() as usize];
        pack(layout, (inputs, outputs), chunk, |row, column| self.weights[row * inputs + column], bytes);
        let weights = Weights::new(layout, bytes, inputs, outputs, chunk).unwrap();
        let biases: Option<Vec<i32>> =
            (0..outputs).map(|row| Some(self.biases[row].wrapping_add(weights.fold(row)?))).collect();
        let mut accumulators = vec![0x5555_5555; weights.padded_outputs()];
        // Contents left from the previous chunk must not matter.
        let mut scratch = vec![0xAAAA_AAAA; weights.scratch_words()];
        let work = Work { accumulators: &mut accumulators, scratch: &mut scratch };
        kernel(DenseOperands { weights, biases: &biases? }, work);
        accumulators.truncate(outputs);
        Some(accumulators)
    }

    fn pixels<K: Kernel>(&self, layout: Layout, input: &[u8]) -> Option<Vec<i32>> {
        assert!(K::runs(layout, KernelInput::Pixels));
        self.run(layout, |operands, work| K::dense_u8(operands, input, work))
    }

    fn activations<K: Kernel>(&self, layout: Layout, input: &[i16]) -> Option<Vec<i32>> {
        assert!(K::runs(layout, KernelInput::Activations));
        self.run(layout, |operands, work| K::dense_i16(operands, input, work))
    }
}

/// Runs a case on pixels.
type Pixels = fn(&Case, &[u8]) -> Option<Vec<i32>>;

/// All kernels that take pixels, with the largest weight of their layout.
const PIXELS: [(&str, i8, Pixels); 7] = [
    ("dsp 8", 127, |case, x| case.pixels::<Dsp<PortableDsp>>(Layout::DspPixels8, x)),
    ("dsp 4", 7, |case, x| case.pixels::<Dsp<PortableDsp>>(Layout::DspPixels4, x)),
    ("pairs 8", 127, |case, x| case.pixels::<DualMac<PortableDualMac>>(Layout::DualMacPixels8, x)),
    ("pairs 7", 63, |case, x| case.pixels::<DualMac<PortableDualMac>>(Layout::DualMacPixels7, x)),
    ("pairs 4", 7, |case, x| case.pixels::<DualMac<PortableDualMac>>(Layout::DualMacPixels4, x)),
    ("scalar 8", 127, |case, x| case.pixels::<Scalar>(Layout::Rows8, x)),
    ("scalar 4", 7, |case, x| case.pixels::<Scalar>(Layout::Rows4, x)),
];

/// A linear congruential generator, for weights and inputs.
fn generator(mut state: u32) -> impl FnMut() -> u32 {
    move || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state >> 8
    }
}

fn weight(random: u32, max: i8) -> i8 {
    // One third at each end of the range, the rest in between.
    let max = i32::from(max);
    (random as i32 % (3 * max) - 3 * max / 2).clamp(-max, max) as i8
}

/// Every shape up to two and a half blocks of rows and five groups of columns, in chunks of one, two and all groups.
#[test]
fn all_small_shapes() {
    for inputs in 1..=40 {
        for outputs in 1..=10 {
            for chunk in [GROUP_COLUMNS, 2 * GROUP_COLUMNS, 64] {
                let mut random = generator((inputs * 1_000 + outputs * 10 + chunk) as u32);
                let pixels: Vec<u8> = (0..inputs).map(|_| (random() % 300).min(255) as u8).collect();
                for (name, max, run) in PIXELS {
                    let case = Case::drawn(inputs, outputs, chunk, || weight(random(), max));
                    let got = run(&case, &pixels).unwrap();
                    assert_eq!(got, case.expected(&pixels), "{name}, {inputs} x {outputs} in chunks of {chunk}");
                }
                let case = Case::drawn(inputs, outputs, chunk, || weight(random(), 127));
                let wide: Vec<i16> = (0..inputs).map(|_| random() as i16).collect();
                let got = case.activations::<Dsp<PortableDsp>>(Layout::DspWide8, &wide).unwrap();
                assert_eq!(got, case.expected(&wide), "wide, {inputs} x {outputs} in chunks of {chunk}");
                let got = case.activations::<DualMac<PortableDualMac>>(Layout::Rows8, &wide).unwrap();
                assert_eq!(got, case.expected(&wide), "rows, {inputs} x {outputs}");
                let case = Case::drawn(inputs, outputs, chunk, || weight(random(), 7));
                let got = case.activations::<Dsp<PortableDsp>>(Layout::DspWide4, &wide).unwrap();
                assert_eq!(got, case.expected(&wide), "wide 4, {inputs} x {outputs} in chunks of {chunk}");
            }
        }
    }
}

/// Largest weights with every sign in all four rows, on the darkest, brightest and striped pictures, in the longest
/// chunk that is safe for any weights.
#[test]
fn extremes() {
    for (name, max, run) in PIXELS {
        for signs in 0..256_u32 {
            // Bits 0 to 3: the signs of the rows; 4 and 5: the columns with the opposite sign; 6 and 7: the picture.
            let mut place = 0;
            let case = Case::drawn(1032, 4, 256, || {
                let (row, column) = (place / 1032, place % 1032);
                place += 1;
                let other = [false, column % 2 == 0, column % 4 < 2, column < 512][(signs >> 4 & 3) as usize];
                if (signs >> row & 1 == 1) ^ other { max } else { -max }
            });
            let pixels: Vec<u8> = (0..1032)
                .map(|column| match signs >> 6 {
                    0 => 0,
                    1 => 255,
                    2 => u8::from(column % 2 == 0) * 255,
                    _ => u8::from(column % 4 < 2) * 255,
                })
                .collect();
            assert_eq!(run(&case, &pixels).unwrap(), case.expected(&pixels), "{name}, {signs:#b}");
        }
    }
    // 8-bit and 16-bit values of a layer after the first.
    for x in [i16::MIN, i16::MAX, 0] {
        for max in [127, -127] {
            let case = Case::drawn(500, 5, 512, || max);
            let input = vec![x; 500];
            let got = case.activations::<Dsp<PortableDsp>>(Layout::DspWide8, &input).unwrap();
            assert_eq!(got, case.expected(&input));
        }
        // The longest chunks of 4-bit weights; longer ones are refused.
        for max in [7, -7] {
            let case = Case::drawn(1100, 5, 512, || max);
            let input = vec![x; 1100];
            let got = case.activations::<Dsp<PortableDsp>>(Layout::DspWide4, &input).unwrap();
            assert_eq!(got, case.expected(&input));
            let case = Case { chunk: 520, ..case };
            assert_eq!(case.activations::<Dsp<PortableDsp>>(Layout::DspWide4, &input), None);
        }
    }
}

/// A chunk that is too long for its weights is refused; one column group less is accepted.
#[test]
fn chunks_are_as_long_as_the_proof_allows() {
    // 255 * 127 * 256 * columns within 2^31, if the lower row is 0: 258 columns.
    for (columns, fits) in [(256, true), (264, false)] {
        let case = Case::drawn(columns, 1, 1024, || 127);
        assert_eq!(case.pixels::<Dsp<PortableDsp>>(Layout::DspPixels8, &vec![255; columns]).is_some(), fits);
    }
    // Pixels less 128 have no such limit; nor do weights with evenly mixed signs.
    let mut sign = false;
    let mut mixed = || {
        sign = !sign;
        if sign { 127 } else { -127 }
    };
    let case = Case::drawn(512, 1, 1024, &mut mixed);
    assert!(case.pixels::<Dsp<PortableDsp>>(Layout::DspPixels8, &[255; 512]).is_some());
    let case = Case::drawn(520, 1, 1024, mixed);
    assert!(case.pixels::<Dsp<PortableDsp>>(Layout::DspPixels8, &[255; 520]).is_none());
}

proptest! {
    /// Random shapes, chunks and values, some of them too large for a layout.
    #[test]
    fn whatever_comes(inputs in 1..300_usize, outputs in 1..20_usize, groups in 1..40_usize, seed: u32) {
        let mut random = generator(seed);
        let pixels: Vec<u8> = (0..inputs).map(|_| random() as u8).collect();
        for (name, max, run) in PIXELS {
            let case = Case::drawn(inputs, outputs, groups * GROUP_COLUMNS, || weight(random(), max));
            if let Some(got) = run(&case, &pixels) {
                prop_assert_eq!(got, case.expected(&pixels), "{}", name);
            }
        }
    }
}
