//! Randomly changed files with a correct checksum, as a hostile or buggy writer would make them, and random bytes:
//! refused or sound.

use std::collections::BTreeMap;

use pinhole::model_file::portable::run_all;
use pinhole::model_file::{ModelFile, Packing};
use pinhole::random::Random;
use pinhole::recipe::WEIGHT_BITS;
use pinhole_shared::fixed::sigmoid_q15;
use pinhole_shared::kernel::{Dsp, DualMac, PortableDsp, PortableDualMac, Scalar};
use pinhole_shared::model::{Activation, HEADER_BYTES, Layer, MAGIC, Model, Output, VERSION};
use proptest::prelude::*;
use rayon::prelude::*;

use crate::refusals::name_of;
use crate::samples::{Draft, big, packed_samples, record, small, small_with};

/// Computes outputs of every layer in integers too wide to overflow, from the documentation of the format. Asserts the
/// bounds that parsing has proven.
fn exact_stages(model: &Model<'_>, input: &[u8]) -> Vec<Vec<i32>> {
    let mut values: Vec<i64> = input.iter().map(|&pixel| i64::from(pixel)).collect();
    let mut stages = vec![input.iter().map(|&pixel| i32::from(pixel)).collect()];
    for layer in model.layers() {
        let Layer::Dense(dense) = &layer else { panic!("no sample has a layer of the kind {}", layer.kind()) };
        let weights = dense.weighted.operands.weights;
        assert_eq!(weights.inputs(), values.len(), "a layer takes what the one before it gives");
        values = (0..weights.outputs())
            .zip(dense.weighted.multipliers)
            .map(|(row, &multiplier)| {
                let bias = dense.weighted.bias(row);
                let products = values.iter().enumerate().map(|(column, value)| {
                    let weight = weights.get(row, column);
                    assert!(weight.unsigned_abs() <= weights.layout().max_weight() as u8, "a weight out of range");
                    i64::from(weight) * value
                });
                let accumulator = i64::from(bias) + products.sum::<i64>();
                assert!(accumulator.unsigned_abs() <= u64::from(dense.weighted.accumulator_bound), "beyond its bound");
                // Twice the factor's denominator, so that the rounding half is an integer.
                let scaled = (i128::from(accumulator) * i128::from(multiplier)) << (dense.weighted.pre_shift + 1);
                let scaled = (scaled + (1 << 32)).div_euclid(1 << 33) as i64;
                assert!(scaled.abs() <= 1 << 30, "requantized to {scaled}");
                let sigmoid = || i64::from(sigmoid_q15(scaled as i32));
                match (dense.activation, dense.output) {
                    (_, Output::Logits) => scaled,
                    (Activation::Sigmoid, Output::U8) => (sigmoid() * 255 + (1 << 14)).div_euclid(1 << 15),
                    (Activation::Sigmoid, Output::I16) => sigmoid(),
                    (Activation::Relu | Activation::Linear, Output::U8) => scaled.clamp(0, 255),
                    (Activation::Relu, Output::I16) => scaled.clamp(0, 32_767),
                    (Activation::Linear, Output::I16) => scaled.clamp(-32_768, 32_767),
                }
            })
            .collect();
        stages.push(values.iter().map(|&value| value as i32).collect());
    }
    stages
}

/// Runs an accepted file on extreme inputs and noise.
fn assert_sound(draft: &Draft) {
    let file = ModelFile::from_bytes(draft.bytes()).expect("accepted a moment ago");
    let mut engine = file.engine();
    let model = file.model();
    let classes = usize::from(model.classes());
    assert_eq!(model.class_names().count(), classes);
    let mut random = Random::seeded(u64::from(model.checksum()));
    let noise = (0..model.inputs()).map(|_| random.below(256) as u8).collect();
    for input in [vec![0; model.inputs()], vec![255; model.inputs()], noise] {
        let inference = engine.run_all(&input);
        let exact = exact_stages(&model, &input);
        assert_eq!(inference.stages, exact);
        let packed = draft.parse().expect("accepted a moment ago");
        assert_eq!(exact_stages(&packed, &input), exact);
        let kernels = [run_all::<Scalar>, run_all::<Dsp<PortableDsp>>, run_all::<DualMac<PortableDualMac>>];
        for inference in kernels.iter().filter_map(|kernel| kernel(&packed, &input)) {
            assert_eq!(inference.stages, exact);
        }
        for (values, layer) in inference.stages[1..].iter().zip(model.layers()) {
            let (low, high) = layer.output().range();
            assert!(values.iter().all(|value| (low..=high).contains(value)), "{:?}: {values:?}", layer.output());
        }
        let logits = &inference.stages[model.layers().len()];
        let class = usize::from(inference.decision.class);
        assert!(
            logits.iter().all(|&logit| logit <= logits[class]) && logits[..class].iter().all(|&l| l < logits[class])
        );
        // The largest probability is at least 1 / classes, and at most certainty.
        let probability = inference.decision.probability.0 as usize;
        assert!((65_536 / classes..=65_536).contains(&probability), "{probability} of {classes} classes");
        // Again, with memory used by the first run.
        assert_eq!(engine.run_all(&input), inference);
        assert_eq!(engine.run(&input), inference.decision);
    }
}

/// Changes 1 to 8 bytes of header, layer table and sections, with equal probability, and renews the checksum.
fn mutate(draft: &mut Draft, random: &mut Random) {
    // All samples have three layers.
    let (table_end, end) = (record(3), draft.bytes().len());
    for _ in 0..=random.below(8) {
        let (from, to) = [(0, HEADER_BYTES), (HEADER_BYTES, table_end), (table_end, end)][random.below(3)];
        let place = from + random.below(to - from);
        if random.chance(0.2) {
            // A plausible offset or length: a multiple of 16 up to about the file's own length.
            let word = 16 * random.below(end / 16 + 2) as u32;
            draft.put_u32(place & !3, word);
        } else {
            let byte = &mut draft.bytes_mut()[place];
            let choices =
                [*byte ^ (1 << random.below(8)), byte.wrapping_add(1), byte.wrapping_sub(1), 0, 1, 2, 127, 255];
            *byte = choices[random.below(choices.len())];
        }
    }
    draft.seal();
}

/// A packed model equals its original: unpacked, run as packed, and packed again.
#[test]
fn packing_loses_nothing() {
    for bits in WEIGHT_BITS {
        let file = small_with(bits);
        for packing in [Packing::Rows, Packing::CortexM4, Packing::CortexM0Plus] {
            let packed = file.packed(packing).unwrap().bytes().to_vec();
            let unpacked = ModelFile::from_bytes(&packed).unwrap();
            assert_eq!(unpacked.bytes(), file.bytes(), "{bits} bits, {packing:?}");
            assert_eq!(unpacked.packed(packing).unwrap().bytes(), packed, "{bits} bits, {packing:?}");
            assert_sound(&Draft::of(&packed));
        }
    }
    // A model of the usual size, whose rows are in chunks.
    for packing in [Packing::CortexM4, Packing::CortexM0Plus] {
        let packed = big().packed(packing).unwrap().bytes().to_vec();
        assert_eq!(ModelFile::from_bytes(&packed).unwrap().bytes(), big().bytes());
        assert_sound(&Draft::of(&packed));
        let of_other = Draft::of(&packed);
        let model = of_other.parse().unwrap();
        let runs = [run_all::<Dsp<PortableDsp>>, run_all::<DualMac<PortableDualMac>>]
            .map(|kernel| kernel(&model, &vec![7; model.inputs()]).is_some());
        assert_eq!(runs, [packing == Packing::CortexM4, packing == Packing::CortexM0Plus], "a kernel runs its own");
        // A board's parsing checks this too.
        assert_eq!(Model::parse_of::<Dsp<PortableDsp>>(of_other.bytes()).is_ok(), packing == Packing::CortexM4);
    }
}

#[test]
fn resealed_mutants_are_refused_or_sound() {
    const MUTANTS: u64 = 40_000;
    let outcomes: BTreeMap<&'static str, u32> = (0..MUTANTS)
        .into_par_iter()
        .map(|seed| {
            let mut random = Random::seeded(seed);
            let samples = packed_samples();
            let mut draft = samples[seed as usize % samples.len()].clone();
            mutate(&mut draft, &mut random);
            // Half of them from a consistent writer, which gets further.
            if random.chance(0.5) {
                draft.restate();
            }
            let outcome = draft.parse().map(|_| ()).map_err(name_of);
            if outcome.is_ok() {
                assert_sound(&draft);
            }
            outcome.err().unwrap_or("accepted")
        })
        .fold(BTreeMap::new, |mut counts: BTreeMap<_, u32>, outcome| {
            *counts.entry(outcome).or_default() += 1;
            counts
        })
        .reduce(BTreeMap::new, |mut left, right| {
            right.into_iter().for_each(|(outcome, count)| *left.entry(outcome).or_default() += count);
            left
        });
    // The mutants must be useful: most checks of parsing refuse some, and many reach the engine.
    assert!(outcomes.get("accepted").is_some_and(|&count| count > 2_000), "{outcomes:?}");
    assert!(outcomes.len() >= 14, "{outcomes:?}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn random_bytes_are_refused(bytes in proptest::collection::vec(any::<u8>(), 0..2_000)) {
        prop_assert!(ModelFile::from_bytes(&bytes).is_err());
        prop_assert!(Draft::of(&bytes).parse().is_err());
    }

    /// Random bytes that pass the checksum, so that only the later checks can refuse them.
    #[test]
    fn random_bytes_behind_a_right_start_are_refused_or_sound(
        bytes in proptest::collection::vec(any::<u8>(), 16..2_000),
        fields in proptest::collection::vec(any::<bool>(), HEADER_BYTES / 4),
    ) {
        let mut draft = Draft::of(&bytes);
        draft.resize(bytes.len().next_multiple_of(16).max(HEADER_BYTES));
        // Some header words from a real file, so that not all of these files fail at the first field.
        for (word, keep) in fields.into_iter().enumerate() {
            if keep {
                draft.put(4 * word, &small().bytes()[4 * word..][..4]);
            }
        }
        draft.put(0, &MAGIC);
        draft.put_u16(4, VERSION);
        draft.put_u32(8, draft.bytes().len() as u32);
        draft.seal();
        if draft.parse().is_ok() {
            assert_sound(&draft);
        }
    }
}
