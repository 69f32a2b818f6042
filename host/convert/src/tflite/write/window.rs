//! Windows in TensorFlow Lite's terms, and limits of a layer's outputs: what several layer kinds share.

use pinhole_shared::model::Tensor;
use pinhole_shared::shape::{Padding, Shape, Window};

use super::ActivationTensor;
use super::graph::GraphBuilder;
use super::operators::{WindowOptions, maximum, minimum, pad, pad_v2};
use crate::tflite::quantization::QuantizationParameters;
use crate::tflite::schema::{FusedActivation, TflitePadding};

/// Returns the options of a window with this padding.
pub(super) fn window_options(window: &Window, padding: TflitePadding) -> WindowOptions {
    WindowOptions { padding, strides: [window.stride_y, window.stride_x] }
}

/// Returns TensorFlow Lite's padding that puts the window at the same positions as Pinhole, if there is one.
pub(super) fn padding_of(window: &Window, input: Shape, output: Shape) -> Option<TflitePadding> {
    // Padding at the end matters only by the positions that it adds.
    let valid = |size: u16, before: u8, side: u8, stride: u8, to: u16| {
        before == 0 && u32::from(to - 1) * u32::from(stride) + u32::from(side) <= u32::from(size)
    };
    let same = |size: u16, before: u8, side: u8, stride: u8, to: u16| {
        let reach = u32::from(to - 1) * u32::from(stride) + u32::from(side);
        to == size.div_ceil(stride.into()) && u32::from(before) == reach.saturating_sub(size.into()) / 2
    };
    let both = |along: &dyn Fn(u16, u8, u8, u8, u16) -> bool| {
        along(input.height, window.padding.top, window.height, window.stride_y, output.height)
            && along(input.width, window.padding.left, window.width, window.stride_x, output.width)
    };
    // VALID has as many positions as fit, and so does Pinhole.
    if both(&valid) {
        Some(TflitePadding::Valid)
    } else if both(&same) {
        Some(TflitePadding::Same)
    } else {
        None
    }
}

/// Returns the fused activation function of a layer with this range, and the range after that function.
pub(super) fn fused_activation((activation_min, _): (u8, u8), to: &Tensor) -> (FusedActivation, (u8, u8)) {
    if activation_min == to.zero_point {
        (FusedActivation::Relu, (to.zero_point, u8::MAX))
    } else {
        (FusedActivation::None, (0, u8::MAX))
    }
}

/// Returns the dimensions of a tensor of this shape, with a batch of 1.
pub(super) fn dimensions(shape: Shape) -> Vec<i32> {
    vec![1, shape.height.into(), shape.width.into(), shape.channels.into()]
}

/// Returns a shape with its padding.
pub(super) fn padded_shape(padding: Padding, shape: Shape) -> Shape {
    Shape {
        height: shape.height + u16::from(padding.top) + u16::from(padding.bottom),
        width: shape.width + u16::from(padding.left) + u16::from(padding.right),
        channels: shape.channels,
    }
}

/// Value that a padding is filled with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PadValue {
    /// The zero point.
    ZeroPoint,
    /// The least value, which is never the largest of several.
    Least,
}

impl GraphBuilder {
    /// Adds the constant with the padding of PAD, a pair for each dimension, and returns its index.
    pub(super) fn paddings(&mut self, Padding { top, left, bottom, right }: Padding) -> i32 {
        let sides = [0, 0, top, bottom, left, right, 0, 0].map(i32::from);
        self.int32_constant("paddings", vec![4, 2], &sides)
    }

    /// Returns a window's input and TensorFlow Lite's padding. The input is the tensor itself, or a padded copy.
    pub(super) fn padded(
        &mut self,
        from: ActivationTensor,
        window: &Window,
        (input, output): (Shape, Shape),
        pad_value: PadValue,
    ) -> (i32, TflitePadding) {
        if let Some(padding) = padding_of(window, input, output) {
            return (from.tensor, padding);
        }
        let constant = self.paddings(window.padding);
        let padded = self.int8_tensor("padded", dimensions(padded_shape(window.padding, input)), from.quantization);
        if pad_value == PadValue::ZeroPoint {
            self.add_operator(pad(), vec![from.tensor, constant], padded);
        } else {
            let least = self.int8_scalar("least", i8::MIN, from.quantization);
            self.add_operator(pad_v2(), vec![from.tensor, constant, least], padded);
        }
        (padded, TflitePadding::Valid)
    }

    /// Clamps the output of the layer `index`, whose bytes have the range `has`, to `range`, and returns the index of the result.
    pub(super) fn clamped(
        &mut self,
        (index, tensor): (usize, i32),
        range: (u8, u8),
        has: (u8, u8),
        of: &Tensor,
    ) -> i32 {
        let quantization = QuantizationParameters::of(of);
        let mut clamped = tensor;
        for (end, had, operator, name) in
            [(range.0, has.0, maximum(), "at_least"), (range.1, has.1, minimum(), "at_most")]
        {
            if end != had {
                let limit = self.int8_scalar("limit", QuantizationParameters::integer(end), quantization);
                let to = self.int8_tensor(&format!("{name}_{index}"), dimensions(of.shape), quantization);
                self.add_operator(operator, vec![clamped, limit], to);
                clamped = to;
            }
        }
        clamped
    }
}
