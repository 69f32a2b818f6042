//! Convolutions, standard and depthwise, with the batch normalization, activation and max pooling after them.

use std::sync::Mutex;

use candle_core::{Device, Module, Result, Tensor, Var, bail};
use pinhole_core::model_file::QuantizedLayer;
use pinhole_core::model_file::scales::{InputKind, accumulator_scales};
use pinhole_core::recipe::{ActivationName, ConvLayer, FilterLayer, LayerShape, RecipeLayer};
use pinhole_shared::model::Conv;
use pinhole_shared::shape::{Padding, Shape, Window};

use super::batch_norm::{BatchNorm, NormNode};
use super::{
    Dequantized, Earlier, FloatKind, FloatLayer, Gradient, LayerNode, LayerSettings, LayerState, ParameterRequest,
    ParameterSource, Parameters, Trace, TrainingPass, Units, clamp, numbers, window_structure,
};
use crate::accelerator::{Left, activated, largest, on_device, sum, under};
use crate::optimizer::{Moments, OptimizerStep, Penalty, TensorState};
use crate::quantize::rows::{self, OutputKind, RealRows};
use crate::quantize::{QuantizationContext, RowError, activation_of, real_rows, tensor, units};
use crate::spatial::{ActivateOp, ConvOp};

/// A convolution as plain numbers.
#[derive(Clone, Debug, PartialEq)]
pub struct FloatConv {
    /// True for a depthwise convolution: each channel has a filter of its own. In a standard one every output channel
    /// reads all input channels under a window.
    pub is_depthwise: bool,
    /// Size, stride and padding.
    pub window: Window,
    /// Shape of the input.
    pub input: Shape,
    /// Number of output channels.
    pub outputs: usize,
    /// Weights: output x kernel row x kernel column x input channel; depthwise: channel x kernel row x kernel column.
    pub weights: Vec<f32>,
    /// One bias per output; all 0 with batch normalization.
    pub biases: Vec<f32>,
    /// Batch normalization after weights and biases.
    pub norm: Option<BatchNorm>,
    /// Activation function: linear, relu or relu6.
    pub activation: ActivationName,
    /// Side of the max pooling windows after the activation, `pool` x `pool`.
    pub pool: u8,
}

impl FloatConv {
    /// Returns weights and biases of the same convolution with batch normalization folded, computed in f64. For each
    /// channel, the running mean is subtracted from the bias. Then weights and bias are multiplied by gamma over the
    /// root of the running variance (plus `EPSILON`), and beta is added to the bias.
    pub fn folded(&self) -> (Vec<f32>, Vec<f32>) {
        match &self.norm {
            Some(norm) => norm.folded(&self.weights, &self.biases),
            None => (self.weights.clone(), self.biases.clone()),
        }
    }
}

/// A convolution in a recipe.
pub(super) struct ConvSettings<'a> {
    /// Number of output channels; `None` if it is depthwise.
    pub channels: Option<u16>,
    pub filter: &'a FilterLayer,
}

struct ConvNode {
    is_depthwise: bool,
    window: Window,
    input: Shape,
    /// After the max pooling.
    output: Shape,
    /// Outputs x (kernel row, kernel column, input channel); depthwise channels x (kernel row, kernel column).
    weights: Var,
    /// One per output; 0 and not trained if there is `norm`.
    biases: Var,
    norm: Option<NormNode>,
    activation: ActivationName,
    pool: u8,
    penalty: Penalty,
}

/// Returns the kind's name in a recipe.
const fn kind(is_depthwise: bool) -> &'static str {
    if is_depthwise { "depthwise" } else { "conv" }
}

impl LayerSettings for ConvSettings<'_> {
    fn node(&self, shape: &LayerShape, numbers: ParameterSource<'_>) -> Result<Box<dyn LayerNode>> {
        let filter = self.filter;
        let is_depthwise = self.channels.is_none();
        let outputs = usize::from(shape.output.channels);
        let fan_in = shape.weights / outputs;
        // He's limits, without and with a rectifier.
        let squares = if filter.activation == ActivationName::Linear { 3.0 } else { 6.0 };
        let asked = ParameterRequest {
            kind: kind(is_depthwise),
            outputs,
            fan_in,
            has_input_rows: false,
            limit: (squares / fan_in as f32).sqrt(),
            has_norm: filter.batch_norm,
        };
        let Parameters { weights, biases, norm } = numbers(&asked)?;
        Ok(Box::new(ConvNode {
            is_depthwise,
            window: filter.window,
            input: shape.input,
            output: shape.output,
            weights: Var::from_vec(weights, (outputs, fan_in), &Device::Cpu)?,
            biases: Var::from_vec(biases, outputs, &Device::Cpu)?,
            norm: norm.map(NormNode::new).transpose()?,
            activation: filter.activation,
            pool: filter.pool,
            penalty: Penalty { l1: filter.l1, l2: filter.l2 },
        }))
    }

    fn structure(&self) -> Vec<(&'static str, String)> {
        let channels = self.channels.map(|channels| ("channels", channels.to_string()));
        let mut fields: Vec<_> = channels.into_iter().chain(window_structure("kernel", self.filter.window)).collect();
        fields.push(("batch_norm", self.filter.batch_norm.to_string()));
        fields.push(("activation", self.filter.activation.name().to_owned()));
        fields.push(("pool", self.filter.pool.to_string()));
        fields
    }
}

impl ConvNode {
    fn outputs(&self) -> usize {
        self.output.channels.into()
    }

    /// Returns the shape before the max pooling.
    fn convolved(&self) -> Result<Shape> {
        let Some((height, width)) = self.window.output_size(self.input) else {
            bail!("no convolution of {}", self.input)
        };
        Ok(Shape { height, width, ..self.output })
    }

    fn op(&self, input_gradient: bool) -> ConvOp {
        let Self { is_depthwise, window, input, .. } = *self;
        ConvOp { window, input, outputs: self.outputs(), is_depthwise, input_gradient }
    }

    fn activate(&self) -> Result<ActivateOp> {
        Ok(ActivateOp { shape: self.convolved()?, activation: clamp(self.activation), pool: self.pool })
    }

    fn plain(&self) -> Result<FloatConv> {
        Ok(FloatConv {
            is_depthwise: self.is_depthwise,
            window: self.window,
            input: self.input,
            outputs: self.outputs(),
            weights: numbers(&self.weights)?,
            biases: numbers(&self.biases)?,
            norm: self.norm.as_ref().map(NormNode::float).transpose()?,
            activation: self.activation,
            pool: self.pool,
        })
    }
}

/// Inference: batch x elements of the input -> batch x elements of the output, as channel planes.
impl Module for ConvNode {
    fn forward(&self, values: &Tensor) -> Result<Tensor> {
        let (weights, biases) = self.plain()?.folded();
        let weights = Tensor::from_vec(weights, self.weights.dims2()?, &Device::Cpu)?;
        let biases = Tensor::from_vec(biases, self.outputs(), &Device::Cpu)?;
        values.apply_op3_no_bwd(&weights, &biases, &self.op(false))?.apply_op1_no_bwd(&self.activate()?)
    }
}

impl LayerNode for ConvNode {
    fn infer(&self, values: &Tensor, _earlier: Earlier<'_>) -> Result<Tensor> {
        self.forward(values)
    }

    fn learn(&self, values: &Tensor, _earlier: Earlier<'_>, part: TrainingPass<'_>) -> Result<Tensor> {
        let (weights, biases) = (self.weights.as_tensor(), self.biases.as_tensor());
        let mut values = values.apply_op3(weights, biases, self.op(part.input_gradient))?;
        if let Some(norm) = &self.norm {
            values = norm.learn(&values, self.convolved()?.positions(), part)?;
        }
        values.apply_op1(self.activate()?)
    }

    fn run_on_device(&self, values: &Tensor, _earlier: Earlier<'_>, mut left: Option<&mut Left>) -> Result<Tensor> {
        let (device, outputs) = (values.device(), self.outputs());
        let weights = on_device("weights", &self.weights, device, left.as_deref_mut())?;
        let covered = under(self.window, self.input, values, 0.0)?;
        let mut sums = if self.is_depthwise {
            let weights = weights.reshape((outputs, self.window.area()))?;
            let products: Vec<Tensor> = covered
                .iter()
                .enumerate()
                .map(|(place, covered)| covered.broadcast_mul(&weights.narrow(1, place, 1)?))
                .collect::<Result<_>>()?;
            sum(&products)?
        } else {
            // Batch x (window position, channel) x output position.
            let covered = Tensor::cat(&covered, 1)?;
            let batch = covered.dim(0)?;
            weights.broadcast_left(batch)?.contiguous()?.matmul(&covered.contiguous()?)?
        };
        if let Some(norm) = &self.norm {
            sums = norm.run_on_device(&sums, left)?;
        } else {
            let biases = on_device("biases", &self.biases, device, left)?;
            sums = sums.broadcast_add(&biases.reshape((outputs, 1))?)?;
        }
        let values = activated(&sums.flatten_from(1)?, self.activation)?;
        if self.pool == 1 {
            return Ok(values);
        }
        // Rows and columns left over are dropped.
        let window = Window { padding: Padding::default(), ..Window::tiles(self.pool) };
        largest(&under(window, self.convolved()?, &values, f32::NEG_INFINITY)?)?.flatten_from(1)
    }

    fn variables(&self) -> Vec<(&'static str, &Var)> {
        match &self.norm {
            None => vec![("biases", &self.biases), ("weights", &self.weights)],
            Some(NormNode { gamma, beta, mean, variance }) => vec![
                ("beta", beta),
                ("gamma", gamma),
                ("mean", mean),
                ("variance", variance),
                ("weights", &self.weights),
            ],
        }
    }

    fn float(&self) -> Result<FloatLayer> {
        Ok(FloatLayer::Conv(self.plain()?))
    }

    fn state(&self) -> Option<Box<dyn LayerState>> {
        let mut tensors = vec![("weights", self.weights.clone(), TensorState::of_weights(&self.weights, self.penalty))];
        let rest = match &self.norm {
            Some(norm) => vec![("gamma", &norm.gamma), ("beta", &norm.beta)],
            None => vec![("biases", &self.biases)],
        };
        tensors
            .extend(rest.into_iter().map(|(name, variable)| (name, variable.clone(), TensorState::of_rest(variable))));
        Some(Box::new(ConvState { tensors, norm: self.norm.clone() }))
    }
}

struct ConvState {
    /// Name, variable and state of the weights, and of the biases or else of gamma and beta.
    tensors: Vec<(&'static str, Var, TensorState)>,
    norm: Option<NormNode>,
}

impl LayerState for ConvState {
    fn moments(&self) -> Vec<&Mutex<Moments>> {
        self.tensors.iter().map(|(.., state)| state.moments()).collect()
    }

    fn update(&self, step: OptimizerStep, trace: &Trace, gradient: Gradient<'_>) -> Result<()> {
        for (name, variable, state) in &self.tensors {
            let Some(gradient) = gradient(name, variable) else { bail!("a layer got no gradient") };
            state.update(step, variable, &gradient)?;
        }
        self.norm.as_ref().map_or(Ok(()), |norm| norm.follow(trace))
    }
}

impl FloatKind for FloatConv {
    fn values_mut(&mut self) -> Vec<(&'static str, &mut Vec<f32>)> {
        match &mut self.norm {
            None => vec![("biases", &mut self.biases), ("weights", &mut self.weights)],
            Some(BatchNorm { gamma, beta, mean, variance }) => vec![
                ("beta", beta),
                ("gamma", gamma),
                ("mean", mean),
                ("variance", variance),
                ("weights", &mut self.weights),
            ],
        }
    }

    fn numbers(&self, asked: &str) -> Option<Parameters> {
        let Self { weights, biases, norm, is_depthwise, .. } = self;
        let numbers = || Parameters { weights: weights.clone(), biases: biases.clone(), norm: norm.clone() };
        (asked == kind(*is_depthwise)).then(numbers)
    }

    fn fold(&mut self) {
        (self.weights, self.biases) = self.folded();
        self.norm = None;
    }

    fn mean_inputs(&self) -> Option<usize> {
        Some(self.input.channels.into())
    }

    fn quantize(
        &self,
        context: &QuantizationContext<'_>,
    ) -> std::result::Result<(QuantizedLayer, InputKind), RowError> {
        let Self { is_depthwise, window, pool, .. } = *self;
        let (weights, biases) = self.folded();
        let output = tensor(context.shape.output, self.activation, context.calibration.output_range);
        let channels = usize::from(context.shape.input.channels);
        // Padding is 0 and would make these means slightly smaller; this is neglected.
        let mean =
            |row: usize, column: usize| context.calibration.means[if is_depthwise { row } else { column % channels }];
        let rows = RealRows {
            weights: weights
                .chunks_exact(weights.len() / self.outputs)
                .map(|row| row.iter().map(|&weight| f64::from(weight)).collect())
                .collect(),
            biases: biases.iter().map(|&bias| f64::from(bias)).collect(),
            means: &mean,
        };
        let scale = f64::from(output.scale);
        let kind = OutputKind { requantized_scale: scale, scale };
        let weighted = rows::quantize(&rows, context.input, kind, context.weight_bits)?;
        Ok((QuantizedLayer::Conv { weighted, is_depthwise, window, pool, output }, units(&output)))
    }
}

/// Converts a layer of a model file back to floating point.
pub(super) fn dequantize(conv: &Conv<'_>, is_depthwise: bool, input: &Units) -> Dequantized {
    let scales = accumulator_scales(&conv.weighted, f64::from(conv.output.scale));
    let (rows, biases) = real_rows(&conv.weighted, &scales, input);
    let activation = activation_of(&conv.output, conv.activation_min);
    let filter = FilterLayer {
        window: conv.window,
        batch_norm: false,
        activation,
        pool: conv.pool,
        dropout: 0.0,
        l1: 0.0,
        l2: 0.0,
        weight_bits: 8,
    };
    let channels = conv.output.shape.channels;
    Dequantized {
        float: FloatLayer::Conv(FloatConv {
            is_depthwise,
            window: conv.window,
            input: conv.input.shape,
            outputs: biases.len(),
            weights: rows.concat(),
            biases,
            norm: None,
            activation,
            pool: conv.pool,
        }),
        recipe: if is_depthwise {
            RecipeLayer::Depthwise(filter)
        } else {
            RecipeLayer::Conv(ConvLayer { channels, filter })
        },
        output: Units::of_tensor(&conv.output, Some((conv.activation_min, conv.activation_max))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::quantize::calibration::{LayerCalibration, column_means, range};

    /// -31.75 rounds to -32, a quarter of a unit low. With a mean input of 1, bias correction adds a quarter: the mean
    /// of the column's channel, or of a depthwise row's.
    #[test]
    fn rounding_is_corrected_by_the_means_of_channels() {
        let place = Shape { height: 1, width: 1, channels: 1 };
        let channels = Shape { channels: 2, ..place };
        let conv = |outputs, window, weights: &[f32]| FloatConv {
            is_depthwise: false,
            window,
            input: channels,
            outputs,
            weights: weights.to_vec(),
            biases: vec![0.0; outputs],
            norm: None,
            activation: ActivationName::Relu,
            pool: 1,
        };
        let seen = LayerCalibration { means: column_means(&[0.3, 1.0, 0.3, 1.0], 2), output_range: range(&[0.0, 1.0]) };
        let biases = |conv: &FloatConv, input, output| {
            let context = QuantizationContext::of_shapes(InputKind::PIXELS, &seen, (input, output));
            conv.quantize(&context).unwrap().0.weighted().unwrap().biases.clone()
        };
        let quarter = (255.0_f64 / 4.0 + 0.5).floor() as i32;
        let full = conv(1, Window::tiles(1), &[0.5, -0.125]);
        assert_eq!(biases(&full, channels, place), [quarter]);
        let wide = Window { width: 2, ..Window::tiles(1) };
        let two = Shape { width: 2, ..channels };
        let depthwise = FloatConv { is_depthwise: true, input: two, ..conv(2, wide, &[0.5, 0.25, 0.5, -0.125]) };
        // 63.5 rounds to 64, half a unit high, with a mean of 0.3; and as above with a mean of 1.
        let half = (-0.5_f64 * 0.3 * 255.0 + 0.5).floor() as i32;
        assert_eq!(biases(&depthwise, two, channels), [half, quarter]);
    }
}
