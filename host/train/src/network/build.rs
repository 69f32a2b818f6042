//! Creates networks from a seed, from plain numbers, or from a file.

use candle_core::{Device, Result, Var};
use pinhole_core::random::{Purpose, Random};
use pinhole_core::recipe::{ActivationName, ConvLayer, Initialization, Layer, LayerShape, Recipe};
use pinhole_shared::model::{Activation, PoolKind};

use super::Network;
use super::float::{BatchNorm, FloatLayer};
use super::node::{ConvNode, DenseNode, Kind, Node, NormNode};
use crate::optimizer::Penalty;

/// A layer for which parameters are requested.
pub(super) struct Asked<'a> {
    /// Index, counted from 0.
    pub index: usize,
    /// The recipe's layer; `None` for the last layer.
    pub layer: Option<&'a Layer>,
    pub shape: LayerShape,
}

impl Asked<'_> {
    pub(super) fn outputs(&self) -> usize {
        usize::from(self.shape.output.channels)
    }

    /// Returns the number of inputs that one output reads.
    pub(super) fn fan_in(&self) -> usize {
        self.shape.weights / self.outputs()
    }

    pub(super) fn is_dense(&self) -> bool {
        matches!(self.layer, None | Some(Layer::Dense(_)))
    }

    pub(super) fn has_norm(&self) -> bool {
        self.layer.and_then(Layer::filter).is_some_and(|filter| filter.batch_norm)
    }
}

/// Parameters of a layer. Weights of a dense layer are inputs x outputs, others outputs x inputs under the window.
pub(super) struct Numbers {
    pub weights: Vec<f32>,
    pub biases: Vec<f32>,
    pub norm: Option<BatchNorm>,
}

impl Network {
    /// Creates a new network. Weights come from the seed: Glorot-uniform in dense layers and He-uniform in
    /// convolutions. Biases are 0.
    ///
    /// The weights into one neuron are stratified: the range is divided into as many equal parts as there are inputs,
    /// and one weight is drawn from each, in random order. Each weight is distributed as Glorot and Bengio say. But
    /// their sum, which acts like a bias, is near 0. Drawn independently, one seed in six of the article's network
    /// starts with so strong a preference for one class that it is still recovering after 400 epochs. (Mean validation
    /// accuracy of 60 seeds on the article's photos: 0.902 drawn independently, 0.929 stratified.) A recipe can ask for
    /// independent weights, to compare with frameworks that draw them so.
    ///
    /// # Errors
    /// A candle error if there is not enough memory.
    ///
    /// # Source
    /// X. Glorot and Y. Bengio, "Understanding the difficulty of training deep feedforward neural networks", AISTATS
    /// 2010, equation 16: uniform within +-sqrt(6 / (inputs + outputs)). For convolutions K. He et al., "Delving deep
    /// into rectifiers", ICCV 2015, equations 10 and 14: within +-sqrt(6 / inputs), or without a rectifier +-sqrt(3 /
    /// inputs).
    pub fn new(recipe: &Recipe, classes: &[String], seed: u64) -> Result<Self> {
        let mut random = Random::stream(seed, Purpose::Weights);
        let independent = recipe.training.initialization == Initialization::Independent;
        Self::build(recipe, classes, |asked| {
            let (inputs, outputs) = (asked.fan_in(), asked.outputs());
            let limit = match asked.layer.and_then(Layer::filter) {
                None => (6.0 / (inputs + outputs) as f32).sqrt(),
                Some(filter) if filter.activation == ActivationName::Linear => (3.0 / inputs as f32).sqrt(),
                Some(_) => (6.0 / inputs as f32).sqrt(),
            };
            let mut weights = vec![0.0; inputs * outputs];
            if independent {
                weights.iter_mut().for_each(|weight| *weight = random.between(-limit, limit));
            } else {
                let mut strata: Vec<usize> = (0..inputs).collect();
                for output in 0..outputs {
                    random.shuffle(&mut strata);
                    for (input, &stratum) in strata.iter().enumerate() {
                        let place = (stratum as f32 + random.unit()) / inputs as f32;
                        let at = if asked.is_dense() { input * outputs + output } else { output * inputs + input };
                        weights[at] = limit * (2.0 * place - 1.0);
                    }
                }
            }
            let norm = asked.has_norm().then(|| BatchNorm::new(outputs));
            Ok(Numbers { weights, biases: vec![0.0; outputs], norm })
        })
    }

    /// Creates a network with given parameters: one [`FloatLayer`] for each layer of the recipe, and one for the last
    /// layer.
    ///
    /// # Errors
    /// A candle error if the number, kinds or sizes of layers are not the recipe's.
    pub fn from_layers(recipe: &Recipe, classes: &[String], layers: &[FloatLayer]) -> Result<Self> {
        if layers.len() != recipe.layers.len() + 1 {
            candle_core::bail!("{} layers for a recipe of {}", layers.len(), recipe.layers.len() + 1);
        }
        Self::build(recipe, classes, |asked| {
            let index = asked.index;
            let numbers = match (&layers[index], asked.layer) {
                (FloatLayer::Dense { weights, biases, .. }, None | Some(Layer::Dense(_))) => {
                    Numbers { weights: weights.clone(), biases: biases.clone(), norm: None }
                }
                (FloatLayer::Conv(conv), Some(Layer::Conv(_)))
                | (FloatLayer::Depthwise(conv), Some(Layer::Depthwise(_))) => {
                    Numbers { weights: conv.weights.clone(), biases: conv.biases.clone(), norm: conv.norm.clone() }
                }
                _ => candle_core::bail!("layer {index} is not of the recipe's kind"),
            };
            let outputs = asked.outputs();
            let norm_fits = numbers.norm.as_ref().is_none_or(|BatchNorm { gamma, beta, mean, variance }| {
                [gamma, beta, mean, variance].iter().all(|values| values.len() == outputs)
            });
            if (numbers.weights.len(), numbers.biases.len()) != (asked.shape.weights, outputs)
                || numbers.norm.is_some() != asked.has_norm()
                || !norm_fits
            {
                let weights = numbers.weights.len();
                candle_core::bail!("layer {index}: {weights} weights for {} x {outputs}", asked.fan_in());
            }
            Ok(numbers)
        })
    }

    /// Returns the trained network as the device has it: batch normalization folded into weights and biases, no
    /// dropout.
    ///
    /// # Errors
    /// A candle error if there is not enough memory.
    pub fn folded(&self) -> Result<Self> {
        let mut layers = self.float_layers()?;
        for layer in &mut layers {
            if let FloatLayer::Conv(conv) | FloatLayer::Depthwise(conv) = layer {
                (conv.weights, conv.biases) = conv.folded();
                conv.norm = None;
            }
        }
        let network = Self::from_layers(&self.recipe.folded(), &self.classes, &layers)?;
        Ok(Self { pretrained: true, ..network })
    }

    /// Creates a network; `numbers` is called for every layer with weights, in order.
    pub(super) fn build(
        recipe: &Recipe,
        classes: &[String],
        mut numbers: impl FnMut(&Asked<'_>) -> Result<Numbers>,
    ) -> Result<Self> {
        let mut nodes = Vec::with_capacity(recipe.layers.len() + 1);
        let layers = recipe.layers.iter().map(Some).chain([None]);
        for (index, (layer, shape)) in layers.zip(recipe.shapes(classes.len())).enumerate() {
            let asked = Asked { index, layer, shape };
            let kind = match layer {
                None => dense(&asked, numbers(&asked)?, Activation::Linear)?,
                Some(Layer::Dense(layer)) => {
                    let Some(activation) = layer.activation.of_dense() else {
                        candle_core::bail!("a dense layer has no {}", layer.activation.name())
                    };
                    dense(&asked, numbers(&asked)?, activation)?
                }
                Some(Layer::Conv(_) | Layer::Depthwise(_)) => conv(&asked, numbers(&asked)?)?,
                Some(Layer::MaxPool(pool)) => Kind::Pool { kind: PoolKind::Max, window: pool.window },
                Some(Layer::AveragePool(pool)) => Kind::Pool { kind: PoolKind::Average, window: pool.window },
                Some(Layer::GlobalAverage(_)) => Kind::GlobalAverage,
                Some(Layer::Add(add)) => Kind::Add { from: add.from - 1, activation: add.activation },
            };
            let penalty = match layer {
                None => Penalty { l1: recipe.output.l1, l2: recipe.output.l2 },
                Some(Layer::Dense(layer)) => Penalty { l1: layer.l1, l2: layer.l2 },
                Some(Layer::Conv(ConvLayer { filter, .. }) | Layer::Depthwise(filter)) => {
                    Penalty { l1: filter.l1, l2: filter.l2 }
                }
                Some(_) => Penalty::default(),
            };
            nodes.push(Node { kind, shape, dropout: layer.map_or(0.0, Layer::dropout), penalty });
        }
        Ok(Self { classes: classes.to_vec(), recipe: recipe.clone(), layers: nodes, frozen: 0, pretrained: false })
    }
}

fn dense(asked: &Asked<'_>, numbers: Numbers, activation: Activation) -> Result<Kind> {
    let shape = (asked.fan_in(), asked.outputs());
    Ok(Kind::Dense(DenseNode {
        weights: Var::from_vec(numbers.weights, shape, &Device::Cpu)?,
        biases: Var::from_vec(numbers.biases, asked.outputs(), &Device::Cpu)?,
        activation,
    }))
}

fn conv(asked: &Asked<'_>, numbers: Numbers) -> Result<Kind> {
    let Some(filter) = asked.layer.and_then(Layer::filter) else { candle_core::bail!("no convolution") };
    let channels = |values: Vec<f32>| Var::from_vec(values, asked.outputs(), &Device::Cpu);
    let norm = |BatchNorm { gamma, beta, mean, variance }| -> Result<NormNode> {
        let (gamma, beta) = (channels(gamma)?, channels(beta)?);
        Ok(NormNode { gamma, beta, mean: channels(mean)?, variance: channels(variance)? })
    };
    Ok(Kind::Conv(ConvNode {
        window: filter.window,
        is_depthwise: matches!(asked.layer, Some(Layer::Depthwise(_))),
        weights: Var::from_vec(numbers.weights, (asked.outputs(), asked.fan_in()), &Device::Cpu)?,
        biases: channels(numbers.biases)?,
        norm: numbers.norm.map(norm).transpose()?,
        activation: filter.activation,
        pool: filter.pool,
    }))
}
