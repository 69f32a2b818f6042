//! The engine on files that this crate's tests write.

use std::string::ToString as _;
use std::vec;
use std::vec::Vec;

use super::*;
use crate::fixed::sigmoid_q15;
use crate::kernel::{Dsp, PortableDsp, Scalar};
use crate::model::tests::writer::{LayerDraft, conv, dense, dense_only, every_kind, logits, weight, write};
use crate::model::{Model, seal};
use crate::pixels::InputShape;

/// Every layer's outputs, and the decision, in buffers of these sizes.
fn run<K: Kernel>(
    model: &Model<'_>,
    needs: ScratchNeeds,
    input: &[u8],
) -> Result<(Vec<Vec<i32>>, Decision), EngineError> {
    // Contents left from before must not matter.
    let (mut accumulators, mut activations) = (vec![0x5555_5555; needs.accumulators], vec![0x5555; needs.activations]);
    let (mut scratch, mut arena) = (vec![0x5555_5555; needs.scratch], vec![0x55; needs.arena]);
    let scratch = Scratch {
        accumulators: &mut accumulators,
        activations: &mut activations,
        scratch: &mut scratch,
        arena: &mut arena,
    };
    let mut engine = Engine::<K>::new(model, scratch)?;
    let mut stages = Vec::new();
    let decision = engine.run_observed(input, |layer, values| {
        assert_eq!(layer, stages.len());
        stages.push(integers(values));
    })?;
    assert_eq!(engine.run(input)?, decision, "again, in memory that was used");
    Ok((stages, decision))
}

fn integers(values: LayerValues<'_>) -> Vec<i32> {
    match values {
        LayerValues::Bytes(values) => values.iter().map(|&value| value.into()).collect(),
        LayerValues::Activations(values) => values.iter().map(|&value| value.into()).collect(),
        LayerValues::Logits(values) => values.to_vec(),
    }
}

/// The sums of a dense layer of the tests' weights, requantized: a quarter, rounded.
fn requantized(rows: usize, inputs: &[i32]) -> Vec<i32> {
    let sum =
        |row| inputs.iter().enumerate().map(|(column, value)| i64::from(weight(row, column)) * i64::from(*value)).sum();
    (0..rows).map(sum).map(|sum: i64| ((sum + 2) >> 2) as i32).collect()
}

#[test]
fn dense_layers_are_their_definition() {
    let mut draft = dense_only(Layout::Rows8);
    let model = draft.parse().unwrap();
    let needs = ScratchNeeds::of(&model);
    assert_eq!(needs, ScratchNeeds { accumulators: 5, activations: 5, scratch: 0, arena: 0 });
    assert_eq!(needs.bytes(), 4 * 5 + 2 * 5);
    let input: Vec<u8> = (0..16).map(|pixel| pixel * 17).collect();
    let pixels: Vec<i32> = input.iter().map(|&pixel| pixel.into()).collect();
    let hidden: Vec<i32> = requantized(5, &pixels).into_iter().map(|sum| sigmoid_q15(sum).into()).collect();
    let logits = requantized(2, &hidden);
    let (stages, decision) = run::<Scalar>(&model, needs, &input).unwrap();
    assert_eq!(decision, decide(&logits));
    assert_eq!(stages, [hidden, logits]);
}

/// All activation functions and types of outputs.
#[test]
fn activations_are_their_definition() {
    // Bright where the first row's weights are positive.
    let input: Vec<u8> = (0..16).map(|column| if weight(0, column) > 0 { 250 } else { 3 }).collect();
    let pixels: Vec<i32> = input.iter().map(|&pixel| pixel.into()).collect();
    let sums = requantized(5, &pixels);
    assert!(sums.iter().any(|&sum| sum < 0) && sums.iter().any(|&sum| sum > 255), "{sums:?}");
    for (activation, output) in (0..3).flat_map(|activation| [(activation, 0), (activation, 1)]) {
        let max_input = if output == 0 { 255 } else { 32_768 };
        let last = LayerDraft { max_input, ..logits(2, 5) };
        let mut draft = write(InputShape::gray(4), &[dense(5, 16, activation, output, Layout::Rows8), last]);
        let model = draft.parse().unwrap();
        let (stages, _) = run::<Scalar>(&model, ScratchNeeds::of(&model), &input).unwrap();
        let expected = sums.iter().map(|&sum| match (activation, output) {
            (2, 0) => (f64::from(sigmoid_q15(sum)) * 255.0 / 32_768.0 + 0.5).floor() as i32,
            (2, _) => sigmoid_q15(sum).into(),
            (_, 0) => sum.clamp(0, 255),
            (1, _) => sum.clamp(0, 32_767),
            _ => sum.clamp(-32_768, 32_767),
        });
        assert_eq!(stages[0], expected.collect::<Vec<_>>(), "activation {activation}, output {output}");
    }
}

#[test]
fn every_kind_runs_in_what_it_needs() {
    let mut draft = every_kind();
    let model = draft.parse().unwrap();
    let needs = ScratchNeeds::of(&model);
    // Twice the four rows of a pooled convolution; the patch of the depthwise one, and three bytes that its kernel may read.
    assert_eq!(needs, ScratchNeeds { accumulators: 8, activations: 3, scratch: 0, arena: 148 + 36 + 3 });
    assert_eq!(needs.bytes(), 4 * 8 + 2 * 3 + 148 + 36 + 3);
    let input: Vec<u8> = (0..36).map(|pixel| pixel * 7).collect();
    let (stages, _) = run::<Scalar>(&model, needs, &input).unwrap();
    assert_eq!(stages.iter().map(Vec::len).collect::<Vec<_>>(), [36, 36, 36, 36, 36, 4, 3, 2]);
    let hidden: Vec<i32> = requantized(3, &stages[5]).into_iter().map(|sum| sum.clamp(0, 255)).collect();
    assert_eq!(stages[6], hidden);
    assert_eq!(stages[7], requantized(2, &hidden));
    // More is fine, and one less of anything is not.
    let more = ScratchNeeds { accumulators: 9, activations: 4, scratch: 1, arena: 999 };
    assert_eq!(run::<Scalar>(&model, more, &input).unwrap().0, stages);
    for got in [
        ScratchNeeds { accumulators: needs.accumulators - 1, ..needs },
        ScratchNeeds { activations: needs.activations - 1, ..needs },
        ScratchNeeds { arena: needs.arena - 1, ..needs },
    ] {
        assert_eq!(run::<Scalar>(&model, got, &input), Err(EngineError::Scratch { expected: needs, got }));
    }
    for got in [0, 35, 37] {
        assert_eq!(run::<Scalar>(&model, needs, &vec![0; got]), Err(EngineError::InputLength { expected: 36, got }));
    }
}

/// Layers that are offered, with the lengths of what they read and write; and one of them that is computed: with ones.
struct Recording {
    computed: usize,
    offered: Vec<(usize, &'static str, usize, usize)>,
}

impl Overrides for Recording {
    fn dense(&mut self, index: usize, _: &Dense<'_>, input: &[u8], accumulators: &mut [i32]) -> bool {
        self.offered.push((index, "dense", input.len(), accumulators.len()));
        // Leaving the layer to the engine undoes this.
        accumulators.fill(1);
        index == self.computed
    }

    fn tensor(&mut self, index: usize, layer: &Layer<'_>, input: &[u8], output: &mut [u8]) -> bool {
        self.offered.push((index, layer.kind(), input.len(), output.len()));
        output.fill(1);
        index == self.computed
    }
}

/// All but sums with an earlier layer and dense layers of activations.
#[test]
fn layers_may_be_computed_by_the_caller() {
    let mut draft = every_kind();
    let model = draft.parse().unwrap();
    let needs = ScratchNeeds::of(&model);
    let input: Vec<u8> = (0..36).map(|pixel| pixel * 7).collect();
    let (expected, decision) = run::<Scalar>(&model, needs, &input).unwrap();
    let kinds: Vec<&str> = model.layers().map(|layer| layer.kind()).collect();
    let lengths = |index: usize| match index {
        0 => (36, 36),
        // Three rows.
        6 => (expected[5].len(), 3),
        _ => (expected[index - 1].len(), expected[index].len()),
    };
    let offered: Vec<_> = (0..7)
        .filter(|&index| kinds[index] != "add")
        .map(|index| (index, kinds[index], lengths(index).0, lengths(index).1))
        .collect();
    for computed in [0, 1, 3, 5, 6, 7, 99] {
        let (mut accumulators, mut activations) = (vec![0; needs.accumulators], vec![0; needs.activations]);
        let mut arena = vec![0; needs.arena];
        let scratch = Scratch {
            accumulators: &mut accumulators,
            activations: &mut activations,
            scratch: &mut [],
            arena: &mut arena,
        };
        let mut engine = Engine::<Scalar>::new(&model, scratch).unwrap();
        let mut recording = Recording { computed, offered: Vec::new() };
        let mut stages = Vec::new();
        let got = engine.run_with(&input, &mut recording, |_, values| {
            stages.push(integers(values));
        });
        assert_eq!(recording.offered, offered, "{computed}");
        match computed {
            0..6 => assert!(stages[computed].iter().all(|&value| value == 1), "{computed}: {stages:?}"),
            // A quarter of 1, rounded.
            6 => assert_eq!(stages[6], [0; 3]),
            _ => assert_eq!((&stages, got.unwrap()), (&expected, decision)),
        }
    }
}

/// Accumulators of the widest layer, twice with a pooling; activations of the widest hidden layer.
#[test]
fn needs_by_hand() {
    let needs = |layers: &[LayerDraft]| ScratchNeeds::of(&write(InputShape::gray(6), layers).parse().unwrap());
    let wide = [conv([6, 6, 9], 0, 3, 1, 9, Layout::Rows8), logits(2, 324)];
    assert_eq!(needs(&wide), ScratchNeeds { accumulators: 9, activations: 0, scratch: 0, arena: 324 + 9 });
    let pooled = [conv([3, 3, 9], 0, 3, 2, 9, Layout::Rows8), logits(2, 81)];
    assert_eq!(needs(&pooled), ScratchNeeds { accumulators: 18, activations: 0, scratch: 0, arena: 81 + 9 });
    let pointwise = [conv([6, 6, 2], 0, 1, 1, 1, Layout::Rows8), logits(2, 72)];
    assert_eq!(needs(&pointwise), ScratchNeeds { accumulators: 2, activations: 0, scratch: 0, arena: 72 });
    let many_classes = [dense(3, 36, 1, 0, Layout::Rows8), logits(11, 3)];
    assert_eq!(needs(&many_classes), ScratchNeeds { accumulators: 11, activations: 3, scratch: 0, arena: 0 });
}

#[test]
fn a_kernel_runs_its_own_layouts() {
    let mut draft = dense_only(Layout::DspPixels8);
    seal(draft.bytes_mut());
    let model = Model::parse(draft.bytes()).unwrap();
    let needs = ScratchNeeds::of(&model);
    assert_eq!(needs, ScratchNeeds { accumulators: 8, activations: 5, scratch: 4, arena: 0 });
    let error = |layer, got, kernel| Err(EngineError::Layout { layer, got, kernel });
    assert_eq!(run::<Scalar>(&model, needs, &[0; 16]), error(0, Layout::DspPixels8, Scalar::NAME));
    // The second layer lies in rows, which this kernel does not run after a dense one.
    let name = Dsp::<PortableDsp>::NAME;
    assert_eq!(run::<Dsp<PortableDsp>>(&model, needs, &[0; 16]), error(1, Layout::Rows8, name));
    // Where it runs both, it needs its scratch words.
    let mut last = dense(2, 5, 0, 2, Layout::DspWide8);
    last.max_input = 32_768;
    let layers = [dense(5, 16, 2, 1, Layout::DspPixels8), last];
    let mut draft = write(InputShape::gray(4), &layers);
    let model = draft.parse().unwrap();
    let needs = ScratchNeeds::of(&model);
    let rows = run::<Scalar>(&dense_only(Layout::Rows8).parse().unwrap(), needs, &[9; 16]).unwrap();
    assert_eq!(run::<Dsp<PortableDsp>>(&model, needs, &[9; 16]).unwrap(), rows);
    let got = ScratchNeeds { scratch: needs.scratch - 1, ..needs };
    assert_eq!(run::<Dsp<PortableDsp>>(&model, got, &[9; 16]), Err(EngineError::Scratch { expected: needs, got }));
}

#[test]
fn errors_say_what_is_needed_and_what_there_is() {
    let expected = ScratchNeeds { accumulators: 1, activations: 2, scratch: 3, arena: 4 };
    let got = ScratchNeeds { accumulators: 5, activations: 6, scratch: 7, arena: 8 };
    assert_eq!(
        EngineError::Scratch { expected, got }.to_string(),
        "the model needs 1 accumulators, 2 activations, 3 scratch and 4 bytes of arena, there is room for 5, 6, 7 and 8"
    );
    assert_eq!(
        EngineError::Layout { layer: 3, got: Layout::DspWide8, kernel: "scalar" }.to_string(),
        "the weights of layer 3 lie as DspWide8, which this board's kernel scalar does not run: pack the model for this board"
    );
    assert_eq!(EngineError::InputLength { expected: 9, got: 8 }.to_string(), "the model takes 9 pixels, got 8");
}
