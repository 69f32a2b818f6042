//! Instructions of compiled code in dense layers and in the decision.

use crate::budget::predict::counted_core::CountedCore;
use pinhole_shared::layout::{GROUP_COLUMNS, Layout};
use pinhole_shared::model::{Activation, Dense, Output};

use super::super::loops::{Ops, chunks};

/// Instructions of a core's compiled code, by cause.
pub(in crate::budget::predict) struct Compiled {
    /// Per layer.
    layer: u64,
    /// Per chunk of a packed layer.
    chunk: u64,
    /// Per group that is padded because pixels do not fill it.
    filled_up_group: u64,
    /// Per neuron: bias, requantization, and the activation function.
    neuron: Neuron,
    /// Converting a layer's inputs to the form that its loops read.
    inputs: Inputs,
    /// Scalar kernel of row-major layers: per multiplication, and per row.
    scalar: Scalar,
    /// Decision, per class.
    decision_class: u64,
    /// Share of loads, stores and taken branches; all other instructions take one cycle.
    mixture: Mixture,
}

/// Instructions per neuron, by its output.
struct Neuron {
    /// Linear outputs, and logits.
    linear: u64,
    relu: u64,
    /// On Cortex-M4 without the loop in assembly, as is the next.
    sigmoid_u8: u64,
    /// Without the loop in assembly.
    sigmoid_i16: u64,
}

/// Instructions for converting inputs; 0 if it is done in assembly or does not occur.
struct Inputs {
    /// Per pair of pixels, for weights of 4 bits.
    pixels4: u64,
    /// Per pair of activations.
    activations: u64,
    /// Per word of padding in the last group.
    filling: u64,
}

/// Instructions of [`pinhole_shared::kernel::Scalar`].
struct Scalar {
    weight8: u64,
    weight4: u64,
    row: u64,
}

/// Kinds of instructions, per 100.
struct Mixture {
    loads: u64,
    stores: u64,
    taken: u64,
}

const CORTEX_M4: Compiled = Compiled {
    layer: 395,
    chunk: 130,
    filled_up_group: 60,
    neuron: Neuron { linear: 20, relu: 22, sigmoid_u8: 11, sigmoid_i16: 2 },
    inputs: Inputs { pixels4: 0, activations: 2, filling: 9 },
    scalar: Scalar { weight8: 0, weight4: 0, row: 0 },
    decision_class: 90,
    mixture: Mixture { loads: 15, stores: 4, taken: 6 },
};

const CORTEX_M0PLUS: Compiled = Compiled {
    layer: 414,
    chunk: 132,
    filled_up_group: 0,
    neuron: Neuron { linear: 72, relu: 75, sigmoid_u8: 78, sigmoid_i16: 11 },
    inputs: Inputs { pixels4: 0, activations: 0, filling: 0 },
    scalar: Scalar { weight8: 8, weight4: 9, row: 29 },
    decision_class: 305,
    mixture: Mixture { loads: 25, stores: 10, taken: 4 },
};

impl Compiled {
    pub(in crate::budget::predict) fn of(core: CountedCore) -> &'static Self {
        match core {
            CountedCore::CortexM4 => &CORTEX_M4,
            CountedCore::CortexM0Plus => &CORTEX_M0PLUS,
        }
    }

    /// Returns the instructions around a layer's loops.
    pub(in crate::budget::predict) fn around(&self, dense: &Dense<'_>) -> Ops {
        let weights = &dense.weighted.operands.weights;
        let (inputs, rows) = (weights.inputs() as u64, weights.outputs() as u64);
        let neuron = match (dense.activation, dense.output) {
            (Activation::Linear, _) | (_, Output::Logits) => self.neuron.linear,
            (Activation::Relu, _) => self.neuron.relu,
            (Activation::Sigmoid, Output::U8) => self.neuron.sigmoid_u8,
            (Activation::Sigmoid, Output::I16) => self.neuron.sigmoid_i16,
        };
        let pair = match weights.layout() {
            Layout::Rows8 => {
                return self.ops(self.layer + rows * (neuron + self.scalar.row + inputs * self.scalar.weight8));
            }
            Layout::Rows4 => {
                return self.ops(self.layer + rows * (neuron + self.scalar.row + inputs * self.scalar.weight4));
            }
            Layout::DspWide8 | Layout::DspWide4 => self.inputs.activations,
            Layout::DspPixels8 | Layout::DualMacPixels8 | Layout::DualMacPixels7 => 0,
            // Dense layers never have these layouts.
            Layout::DspConvPool8
            | Layout::DspBand8
            | Layout::DualMacBand8
            | Layout::DspChannels8
            | Layout::DspChannels4 => 0,
            Layout::DspPixels4 | Layout::DualMacPixels4 => self.inputs.pixels4,
        };
        let mut all = self.layer + rows * neuron;
        for columns in chunks(weights) {
            let words = (columns.next_multiple_of(GROUP_COLUMNS) / 2) as u64;
            all += self.chunk;
            if matches!(weights.layout(), Layout::DspWide8 | Layout::DspWide4) {
                let whole = (columns / 2) as u64;
                all += whole * pair + (words - whole) * self.inputs.filling;
            } else {
                all += words * pair;
                if !columns.is_multiple_of(GROUP_COLUMNS) {
                    all += self.filled_up_group;
                }
            }
        }
        self.ops(all)
    }

    /// Returns the instructions of the decision between `classes` classes.
    pub(in crate::budget::predict) fn decision(&self, classes: usize) -> Ops {
        self.ops(self.decision_class * classes as u64)
    }

    fn ops(&self, instructions: u64) -> Ops {
        let Mixture { loads, stores, taken } = self.mixture;
        let of = |percent: u64| instructions * percent / 100;
        let (loads, stores, taken) = (of(loads), of(stores), of(taken));
        Ops { simple: instructions - loads - stores - taken, loads, stores, taken, ..Ops::NONE }
    }
}
