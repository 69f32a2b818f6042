//! Layers on tensors: counts the events of their compiled code, and the loops in between.
//!
//! Each module goes through a kind of layer as `pinhole_shared::layer` does, by shapes alone.

use crate::budget::predict::counted_core::CountedCore;
mod bands;
mod conv_pool;
mod convolution;
mod gather;
mod memory;
mod pool;
#[cfg(test)]
mod tests;

use std::ops::Range;

use pinhole_shared::layout::Layout;
use pinhole_shared::model::{Add, GlobalAverage, Layer};

use super::PredictedWork;
use super::compiled::CompiledEvent;
use super::loops::Ops;

/// Returns the work of a layer that is not dense. Rows of im2col are written from `patch_at` on in the arena. `None`
/// for a dense layer, and for a layout that the core's kernel does not run.
pub(super) fn work(layer: &Layer<'_>, patch_at: usize, core: CountedCore) -> Option<PredictedWork> {
    let mut tally = Tally { core, work: PredictedWork::NONE };
    match layer {
        Layer::Conv(conv) if conv.weighted.operands.weights.layout() == Layout::DspConvPool8 => {
            conv_pool::convolution(conv, &mut tally)?;
        }
        Layer::Conv(conv) if conv.weighted.operands.weights.layout().is_band() => {
            bands::convolution(conv, &mut tally)?;
        }
        Layer::Conv(conv) => convolution::dense(conv, patch_at, &mut tally)?,
        Layer::Depthwise(conv) => convolution::depthwise(conv, patch_at, &mut tally)?,
        Layer::MaxPool(pool) => pool::pooling(pool, false, &mut tally),
        Layer::AveragePool(pool) => pool::pooling(pool, true, &mut tally),
        Layer::GlobalAverage(average) => global_average(average, &mut tally),
        Layer::Add(add) => sum(add, &mut tally),
        // Dense layers, and kinds whose compiled code was not counted: the budget then shows no time.
        _ => return None,
    }
    Some(tally.work)
}

/// Work counted so far.
struct Tally {
    core: CountedCore,
    work: PredictedWork,
}

impl Tally {
    fn add(&mut self, event: CompiledEvent, times: usize) {
        self.work = self.work + times as u64 * event.work(self.core);
    }

    fn add_loops(&mut self, times: usize, ops: Ops) {
        self.work = self.work + PredictedWork::of(times as u64 * ops, self.core);
    }
}

fn global_average(average: &GlobalAverage, tally: &mut Tally) {
    let shape = average.input.shape;
    tally.add(CompiledEvent::Average, 1);
    tally.add(CompiledEvent::AveragePosition, shape.positions());
    tally.add(CompiledEvent::AverageValue, shape.elements());
    tally.add(CompiledEvent::AverageChannel, shape.channels.into());
}

fn sum(add: &Add, tally: &mut Tally) {
    tally.add(CompiledEvent::Sum, 1);
    tally.add(CompiledEvent::SumValue, add.output.shape.elements());
}

/// Returns the rows, or columns, of the input under the window at a position.
fn inside(at: usize, stride: u8, padding: u8, window: u8, size: u16) -> Range<usize> {
    let start = at * usize::from(stride);
    let end = (start + usize::from(window)).saturating_sub(padding.into()).min(size.into());
    start.saturating_sub(padding.into()).min(end)..end
}
