//! Arena planning: the offset of each layer's tensor in the arena, so that the arena is small.
//!
//! A tensor is live from the layer that writes it to the last layer that reads it. Tensors that are live at the same time
//! must not overlap; others may share bytes. The largest tensor is placed first, each at the lowest offset where it overlaps
//! no live tensor. For a chain of layers the arena is the sum of the two largest neighbors, which no plan can beat.
//!
//! # Source
//! The order and rule of "greedy by size", Y. Pisarchyk and J. Lee, "Efficient memory management for deep neural net
//! inference", arXiv 2001.03288, 2020, section 5.

use super::QuantizedLayer;

/// Alignment of offsets, bytes.
const OFFSET_ALIGNMENT: usize = 4;

/// Offsets of the tensors in the arena.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ArenaPlan {
    /// Offset of each layer's tensor; 0 if the layer writes none.
    pub(super) offsets: Vec<u32>,
    /// Size of the arena: the end of its last tensor.
    pub(super) arena_bytes: u32,
}

/// A tensor and the first and last layer at which it is live, both included.
struct Needed {
    layer: usize,
    until: usize,
    bytes: usize,
}

impl ArenaPlan {
    pub(super) fn of(layers: &[QuantizedLayer]) -> Self {
        let mut needed: Vec<Needed> = layers
            .iter()
            .enumerate()
            .filter_map(|(layer, parts)| {
                let adds = |(at, later): (usize, &QuantizedLayer)| (later.earlier() == Some(layer)).then_some(at);
                let until = layers.iter().enumerate().filter_map(adds).max().unwrap_or(0).max(layer + 1);
                Some(Needed { layer, until, bytes: parts.output()?.shape.elements() })
            })
            .collect();
        // A stable sort: of tensors of equal size, the first stays first.
        needed.sort_by_key(|tensor| std::cmp::Reverse(tensor.bytes));
        let mut plan = Self { offsets: vec![0; layers.len()], arena_bytes: 0 };
        let mut placed: Vec<(usize, &Needed)> = Vec::new();
        for tensor in &needed {
            let meets = |other: &Needed| tensor.layer <= other.until && other.layer <= tensor.until;
            let mut offset = 0;
            for &(start, other) in placed.iter().filter(|(_, other)| meets(other)) {
                if offset + tensor.bytes > start {
                    offset = offset.max((start + other.bytes).next_multiple_of(OFFSET_ALIGNMENT));
                }
            }
            placed.push((offset, tensor));
            // Sorted by offset, so that the loop above finds the lowest gap.
            placed.sort_by_key(|&(offset, _)| offset);
            plan.offsets[tensor.layer] = offset as u32;
            plan.arena_bytes = plan.arena_bytes.max((offset + tensor.bytes) as u32);
        }
        plan
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use pinhole_shared::model::PoolKind;

    use crate::model_file::QuantizedTensor;
    use pinhole_shared::shape::{Shape, Window};

    fn layer(bytes: u16, from: Option<usize>) -> QuantizedLayer {
        let shape = Shape { height: 1, width: 1, channels: bytes };
        let output = QuantizedTensor { shape, zero_point: 0, scale: 1.0, range: (0, 255) };
        match from {
            None => QuantizedLayer::Pool { kind: PoolKind::Max, window: Window::tiles(1), output },
            Some(from) => QuantizedLayer::Add {
                multiplier: 1,
                other_multiplier: 1,
                bias: 0,
                shift: 0,
                from,
                input_scale: 1.0,
                output,
            },
        }
    }

    #[test]
    fn a_chain_takes_its_two_largest_neighbors() {
        let plan = ArenaPlan::of(&[100, 40, 60, 8].map(|bytes| layer(bytes, None)));
        assert_eq!(plan, ArenaPlan { offsets: vec![0, 100, 0, 60], arena_bytes: 140 });
    }

    #[test]
    fn places_are_multiples_of_four() {
        let plan = ArenaPlan::of(&[13, 6].map(|bytes| layer(bytes, None)));
        assert_eq!(plan, ArenaPlan { offsets: vec![0, 16], arena_bytes: 22 });
    }

    /// A tensor that is added later is not overwritten before.
    #[test]
    fn a_tensor_that_is_added_later_stays() {
        let plan =
            ArenaPlan::of(&[layer(40, None), layer(20, None), layer(40, None), layer(40, Some(0)), layer(8, None)]);
        // Tensors 0 and 2 are both live at layer 3, with tensor 3. Tensor 1 is not live there.
        assert_eq!(plan, ArenaPlan { offsets: vec![0, 80, 40, 80, 0], arena_bytes: 120 });
    }

    #[test]
    fn nothing_takes_nothing() {
        assert_eq!(ArenaPlan::of(&[]), ArenaPlan { offsets: vec![], arena_bytes: 0 });
    }
}
