//! Layer kinds. Each has a file of its own; this one names them all.
//!
//! Training knows a kind in four forms, and its file has them all:
//! - in a recipe: `LayerSettings`, which create its node;
//! - in training: `LayerNode`, with its variables, forward passes and optimizer state;
//! - as plain numbers: `FloatKind`, what a [`FloatLayer`] holds, which is folded and quantized;
//! - in a model file: a function that returns it as a `Dequantized` layer.
//!
//! All other files treat kinds alike. A new kind takes a file here, a variant of [`FloatLayer`], and an arm in each
//! `match` below.

mod add;
mod batch_norm;
mod conv;
mod dense;
mod global_average;
mod pool;

use std::sync::{Arc, Mutex};

use candle_core::{Result, Tensor, Var};
use pinhole_core::model_file::QuantizedLayer;
use pinhole_core::model_file::scales::InputKind;
use pinhole_core::recipe::{ActivationName, LayerShape, RecipeLayer};
use pinhole_shared::model::{self, PoolKind};
use pinhole_shared::shape::Window;

use crate::accelerator::Left;
use crate::dense::Factors;
use crate::optimizer::{Moments, OptimizerStep};
use crate::quantize::{QuantizationContext, RowError};
use crate::spatial::{BatchStatistics, Clamp};

pub use self::add::FloatAdd;
pub use self::batch_norm::BatchNorm;
pub use self::conv::FloatConv;
pub use self::dense::FloatDense;
pub(crate) use self::dense::places_first;
pub use self::global_average::FloatGlobalAverage;
pub use self::pool::FloatPool;

use self::conv::ConvSettings;

/// One layer of a network, as plain numbers.
#[derive(Clone, Debug, PartialEq)]
pub enum FloatLayer {
    /// Fully connected layer. A tensor is read row by row, channels last.
    Dense(FloatDense),
    /// Convolution, standard or depthwise.
    Conv(FloatConv),
    /// Max or average pooling of each channel.
    Pool(FloatPool),
    /// Global average pooling: the mean of each channel.
    GlobalAverage(FloatGlobalAverage),
    /// Sum of the previous layer's outputs and those of an earlier layer.
    Add(FloatAdd),
}

/// Evaluates an expression on what a [`FloatLayer`] holds, of whatever kind.
macro_rules! on_kind {
    ($layer:expr, $kind:ident => $value:expr) => {
        match $layer {
            FloatLayer::Dense($kind) => $value,
            FloatLayer::Conv($kind) => $value,
            FloatLayer::Pool($kind) => $value,
            FloatLayer::GlobalAverage($kind) => $value,
            FloatLayer::Add($kind) => $value,
        }
    };
}

/// Returns the settings of a recipe's layer.
pub(crate) fn settings(layer: &RecipeLayer) -> Box<dyn LayerSettings + '_> {
    let pool = |kind, window| Box::new(FloatPool { kind, window });
    match layer {
        RecipeLayer::Dense(layer) => Box::new(layer),
        RecipeLayer::Conv(layer) => Box::new(ConvSettings { channels: Some(layer.channels), filter: &layer.filter }),
        RecipeLayer::Depthwise(filter) => Box::new(ConvSettings { channels: None, filter }),
        RecipeLayer::MaxPool(layer) => pool(PoolKind::Max, layer.window),
        RecipeLayer::AveragePool(layer) => pool(PoolKind::Average, layer.window),
        RecipeLayer::GlobalAverage(_) => Box::new(FloatGlobalAverage),
        RecipeLayer::Add(layer) => Box::new(FloatAdd { from: layer.from - 1, activation: layer.activation }),
    }
}

/// Converts a layer of a model file, whose inputs have these units, back to floating point.
pub(crate) fn dequantize(layer: &model::Layer<'_>, input: &Units) -> Dequantized {
    match layer {
        model::Layer::Dense(layer) => dense::dequantize(layer, input),
        model::Layer::Conv(layer) => conv::dequantize(layer, false, input),
        model::Layer::Depthwise(layer) => conv::dequantize(layer, true, input),
        model::Layer::MaxPool(layer) => pool::dequantize(PoolKind::Max, layer),
        model::Layer::AveragePool(layer) => pool::dequantize(PoolKind::Average, layer),
        model::Layer::GlobalAverage(layer) => global_average::dequantize(layer),
        model::Layer::Add(layer) => add::dequantize(layer),
    }
}

impl FloatLayer {
    /// Returns true for a dense layer, whose outputs are no tensor.
    pub(crate) fn is_dense(&self) -> bool {
        matches!(self, Self::Dense(_))
    }

    /// Returns what it holds, of whatever kind.
    pub(crate) fn kind(&self) -> &dyn FloatKind {
        on_kind!(self, kind => kind)
    }

    /// Returns [`FloatLayer::kind`], to change.
    pub(crate) fn kind_mut(&mut self) -> &mut dyn FloatKind {
        on_kind!(self, kind => kind)
    }

    /// Returns the layer's tensors with their names in a weights file, in ascending order of the names.
    pub(crate) fn values_mut(&mut self) -> Vec<(&'static str, &mut Vec<f32>)> {
        self.kind_mut().values_mut()
    }
}

/// A layer in a recipe.
pub(crate) trait LayerSettings {
    /// Creates the layer's node. A layer with weights gets its parameters from `numbers`.
    ///
    /// # Errors
    /// A candle error of `numbers`, or if there is not enough memory.
    fn node(&self, shape: &LayerShape, numbers: ParameterSource<'_>) -> Result<Box<dyn LayerNode>>;

    /// Returns the settings that the layer's parameters depend on, by their names in a recipe. Layers of one kind have
    /// the same names.
    fn structure(&self) -> Vec<(&'static str, String)>;
}

/// Returns the parameters that a layer asks for.
pub(crate) type ParameterSource<'a> = &'a mut dyn FnMut(&ParameterRequest) -> Result<Parameters>;

/// Parameters that a layer asks for.
pub(crate) struct ParameterRequest {
    /// Name of the layer's kind in a recipe.
    pub kind: &'static str,
    pub outputs: usize,
    /// Number of inputs that one output reads.
    pub fan_in: usize,
    /// True if weights are inputs x outputs, false if they are outputs x inputs.
    pub has_input_rows: bool,
    /// Largest magnitude of a weight before training.
    pub limit: f32,
    pub has_norm: bool,
}

impl ParameterRequest {
    /// Returns the dimensions of the weights.
    pub(crate) fn weights(&self) -> [usize; 2] {
        if self.has_input_rows { [self.fan_in, self.outputs] } else { [self.outputs, self.fan_in] }
    }

    /// Returns the index of a weight.
    pub(crate) fn index(&self, input: usize, output: usize) -> usize {
        if self.has_input_rows { input * self.outputs + output } else { output * self.fan_in + input }
    }
}

/// Parameters of a layer, of the sizes that [`ParameterRequest`] says.
pub(crate) struct Parameters {
    pub weights: Vec<f32>,
    pub biases: Vec<f32>,
    pub norm: Option<BatchNorm>,
}

/// A layer of a network in training, with its shape and dropout.
pub(crate) struct Node {
    pub kind: Box<dyn LayerNode>,
    pub shape: LayerShape,
    /// Fraction of outputs that dropout sets to 0 in training.
    pub dropout: f32,
}

/// A layer in training. Forward passes return its outputs before dropout: batch x elements, tensors as channel planes.
pub(crate) trait LayerNode: Send + Sync {
    /// Runs the layer for inference: batch normalization by running statistics, no gradients.
    fn infer(&self, values: &Tensor, earlier: Earlier<'_>) -> Result<Tensor>;

    /// Runs the layer in training. By default this is what [`LayerNode::infer`] does.
    fn learn(&self, values: &Tensor, earlier: Earlier<'_>, _part: TrainingPass<'_>) -> Result<Tensor> {
        self.infer(values, earlier)
    }

    /// Runs the layer in candle's own operations, on the device of the values; in training with `left`, where it leaves
    /// values for the backward pass.
    fn run_on_device(&self, values: &Tensor, earlier: Earlier<'_>, left: Option<&mut Left>) -> Result<Tensor>;

    /// Returns the variables with their names in a weights file, in ascending order of the names.
    fn variables(&self) -> Vec<(&'static str, &Var)> {
        Vec::new()
    }

    /// Returns the layer as plain numbers.
    fn float(&self) -> Result<FloatLayer>;

    /// Returns the index of the earlier layer whose outputs this one reads, counted from 0.
    fn earlier(&self) -> Option<usize> {
        None
    }

    /// Creates the optimizer's state before the first update; `None` for a layer without parameters.
    fn state(&self) -> Option<Box<dyn LayerState>> {
        None
    }
}

/// Outputs of earlier layers, after dropout; at least of those that [`LayerNode::earlier`] names.
pub(crate) type Earlier<'a> = &'a [Option<Tensor>];

/// A layer's part in a forward pass of training.
#[derive(Clone, Copy)]
pub(crate) struct TrainingPass<'a> {
    pub trace: &'a Trace,
    /// True if an earlier layer is trained too.
    pub input_gradient: bool,
}

/// Values that a layer leaves for the optimizer in training.
#[derive(Default)]
pub(crate) struct Trace {
    /// Factors of a dense layer's gradient.
    pub factors: Factors,
    /// Batch statistics of batch normalization.
    pub seen: Arc<Mutex<Option<BatchStatistics>>>,
}

/// Optimizer state of a layer, kept from one update to the next.
pub(crate) trait LayerState: Send + Sync {
    /// Returns the optimizer's numbers for each of the layer's tensors.
    fn moments(&self) -> Vec<&Mutex<Moments>>;

    /// Updates the layer once, from what the forward and backward passes left in `trace`.
    ///
    /// # Errors
    /// A candle error if a gradient is missing.
    fn update(&self, step: OptimizerStep, trace: &Trace, gradient: Gradient<'_>) -> Result<()>;
}

/// Returns the loss's gradient by one of a layer's variables, given its name and itself.
pub(crate) type Gradient<'a> = &'a dyn Fn(&'static str, &Var) -> Option<Tensor>;

/// A layer as plain numbers.
pub(crate) trait FloatKind {
    /// Returns the layer's tensors with their names in a weights file, in ascending order of the names.
    fn values_mut(&mut self) -> Vec<(&'static str, &mut Vec<f32>)> {
        Vec::new()
    }

    /// Returns copies of the parameters, or `None` if the layer has none or is not of this kind in a recipe.
    fn numbers(&self, _kind: &str) -> Option<Parameters> {
        None
    }

    /// Folds batch normalization into weights and biases.
    fn fold(&mut self) {}

    /// Returns the number of mean inputs that quantization takes: one per input of a dense layer, one per channel of a
    /// convolution. `None` for a layer without weights.
    fn mean_inputs(&self) -> Option<usize> {
        None
    }

    /// Quantizes the layer. Returns it with the units of its outputs, which the next layer reads.
    ///
    /// # Errors
    /// [`RowError`] with the index of the row.
    fn quantize(&self, context: &QuantizationContext<'_>)
    -> std::result::Result<(QuantizedLayer, InputKind), RowError>;
}

/// A layer of a model file in floating point.
pub(crate) struct Dequantized {
    pub float: FloatLayer,
    /// Its layer in a recipe, with neither dropout nor penalties.
    pub recipe: RecipeLayer,
    pub output: Units,
}

/// Real values of the integers that a layer outputs.
pub(crate) struct Units {
    /// Real value of one unit.
    pub scale: f64,
    /// Zero point: the integer that stands for 0.
    pub zero_point: i32,
    /// Least and largest integer, if the layer clips its outputs to them.
    pub limits: Option<(i32, i32)>,
}

impl Units {
    /// Units of the first layer's input: a picture's pixels.
    pub(crate) const PIXELS: Self = Self { scale: 1.0 / 255.0, zero_point: 0, limits: None };

    fn of_tensor(tensor: &model::Tensor, limits: Option<(u8, u8)>) -> Self {
        let limits = limits.map(|(low, high)| (low.into(), high.into()));
        Self { scale: tensor.scale.into(), zero_point: tensor.zero_point.into(), limits }
    }

    /// Returns the real value of an integer.
    pub(crate) fn real(&self, integer: i32) -> f32 {
        (f64::from(integer - self.zero_point) * self.scale) as f32
    }
}

/// Returns a window's settings for [`LayerSettings::structure`].
fn window_structure(name: &'static str, window: Window) -> Vec<(&'static str, String)> {
    let Window { height, width, stride_y, stride_x, padding } = window;
    let padding = format!("[{}, {}, {}, {}]", padding.top, padding.left, padding.bottom, padding.right);
    vec![(name, format!("[{height}, {width}]")), ("stride", format!("[{stride_y}, {stride_x}]")), ("padding", padding)]
}

/// Returns the bounds of an activation function. Checked recipes have only these functions on tensors.
const fn clamp(activation: ActivationName) -> Clamp {
    match activation {
        ActivationName::Relu => Clamp::Relu,
        ActivationName::Relu6 => Clamp::Relu6,
        ActivationName::Linear | ActivationName::Sigmoid => Clamp::Linear,
    }
}

fn numbers(variable: &Var) -> Result<Vec<f32>> {
    variable.as_tensor().flatten_all()?.to_vec1()
}
