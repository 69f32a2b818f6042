//! A `[[layer]]` as in a TOML file: the fields of all kinds, of which each kind has some.

use pinhole_shared::shape::{Padding, Window};
use serde::{Deserialize, Serialize};

use super::layer::{
    ActivationName, AddLayer, ConvLayer, DenseLayer, FilterLayer, GlobalAverageLayer, Layer, PoolLayer,
};
use super::{eight, is_eight};

/// Fields of all kinds, in the order in which they are written.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct LayerTable {
    #[serde(skip_serializing_if = "Option::is_none")]
    kind: Option<Kind>,
    #[serde(skip_serializing_if = "Option::is_none")]
    outputs: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    channels: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    kernel: Option<Sides>,
    #[serde(skip_serializing_if = "Option::is_none")]
    window: Option<Sides>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stride: Option<Sides>,
    #[serde(skip_serializing_if = "Option::is_none")]
    padding: Option<Around>,
    #[serde(skip_serializing_if = "Option::is_none")]
    batch_norm: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    from: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    activation: Option<ActivationName>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pool: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    dropout: Option<f32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    l1: Option<f32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    l2: Option<f32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    weight_bits: Option<u8>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Kind {
    Dense,
    Conv,
    Depthwise,
    MaxPool,
    AveragePool,
    GlobalAverage,
    Add,
}

/// One number for both directions, or [vertical, horizontal].
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(untagged, expecting = "expected a number of 1 to 255, or two: [vertical, horizontal]")]
enum Sides {
    Same(u8),
    Each([u8; 2]),
}

impl Sides {
    const fn of(vertical: u8, horizontal: u8) -> Self {
        if vertical == horizontal { Self::Same(vertical) } else { Self::Each([vertical, horizontal]) }
    }

    const fn each(self) -> (u8, u8) {
        match self {
            Self::Same(side) => (side, side),
            Self::Each([vertical, horizontal]) => (vertical, horizontal),
        }
    }
}

/// One number for all sides, or [top, left, bottom, right].
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(untagged, expecting = "expected a number of 0 to 255, or four: [top, left, bottom, right]")]
enum Around {
    Same(u8),
    Each([u8; 4]),
}

impl Around {
    /// Returns `None` for no padding.
    fn of(Padding { top, left, bottom, right }: Padding) -> Option<Self> {
        match [top, left, bottom, right] {
            [0, 0, 0, 0] => None,
            each if each == [top; 4] => Some(Self::Same(top)),
            each => Some(Self::Each(each)),
        }
    }

    const fn padding(self) -> Padding {
        let [top, left, bottom, right] = match self {
            Self::Same(side) => [side; 4],
            Self::Each(sides) => sides,
        };
        Padding { top, left, bottom, right }
    }
}

impl LayerTable {
    /// Returns an error if a field is left. A kind's own fields are taken out before; the rest belong to other kinds.
    fn refuse_rest(&self, kind: Kind) -> Result<(), String> {
        let present = toml::Table::try_from(self).map_err(|error| error.to_string())?;
        match present.keys().find(|name| *name != "kind") {
            Some(name) => Err(format!("a layer of kind {} has no `{name}`", name_of(kind))),
            None => Ok(()),
        }
    }

    fn dense(&mut self) -> Result<DenseLayer, String> {
        Ok(DenseLayer {
            outputs: need(self.outputs.take(), "outputs")?,
            activation: need(self.activation.take(), "activation")?,
            dropout: self.dropout.take().unwrap_or_default(),
            l1: self.l1.take().unwrap_or_default(),
            l2: self.l2.take().unwrap_or_default(),
            weight_bits: self.weight_bits.take().unwrap_or_else(eight),
        })
    }

    fn filter(&mut self) -> Result<FilterLayer, String> {
        let kernel = need(self.kernel.take(), "kernel")?;
        Ok(FilterLayer {
            window: self.slide(kernel, Sides::Same(1)),
            batch_norm: self.batch_norm.take().unwrap_or_default(),
            activation: need(self.activation.take(), "activation")?,
            pool: self.pool.take().unwrap_or(1),
            dropout: self.dropout.take().unwrap_or_default(),
            l1: self.l1.take().unwrap_or_default(),
            l2: self.l2.take().unwrap_or_default(),
            weight_bits: self.weight_bits.take().unwrap_or_else(eight),
        })
    }

    fn pool(&mut self) -> Result<PoolLayer, String> {
        let window = need(self.window.take(), "window")?;
        Ok(PoolLayer { window: self.slide(window, window) })
    }

    /// Returns a window of this size, with the table's stride or else the given one.
    fn slide(&mut self, size: Sides, stride: Sides) -> Window {
        let ((height, width), (stride_y, stride_x)) = (size.each(), self.stride.take().unwrap_or(stride).each());
        let padding = self.padding.take().map(Around::padding).unwrap_or_default();
        Window { height, width, stride_y, stride_x, padding }
    }

    fn of_filter(kind: Kind, layer: &FilterLayer) -> Self {
        let Window { height, width, stride_y, stride_x, padding } = layer.window;
        Self {
            kind: Some(kind),
            kernel: Some(Sides::of(height, width)),
            stride: ((stride_y, stride_x) != (1, 1)).then_some(Sides::of(stride_y, stride_x)),
            padding: Around::of(padding),
            batch_norm: layer.batch_norm.then_some(true),
            activation: Some(layer.activation),
            pool: (layer.pool != 1).then_some(layer.pool),
            dropout: Some(layer.dropout),
            l1: Some(layer.l1),
            l2: Some(layer.l2),
            weight_bits: (!is_eight(&layer.weight_bits)).then_some(layer.weight_bits),
            ..Self::default()
        }
    }

    fn of_pool(kind: Kind, layer: &PoolLayer) -> Self {
        let Window { height, width, stride_y, stride_x, padding } = layer.window;
        Self {
            kind: Some(kind),
            window: Some(Sides::of(height, width)),
            stride: ((stride_y, stride_x) != (height, width)).then_some(Sides::of(stride_y, stride_x)),
            padding: Around::of(padding),
            ..Self::default()
        }
    }
}

/// Returns the value, or serde's error for a missing field.
fn need<T>(value: Option<T>, name: &str) -> Result<T, String> {
    value.ok_or_else(|| format!("missing field `{name}`"))
}

/// Returns the kind's name in a recipe.
fn name_of(kind: Kind) -> &'static str {
    match kind {
        Kind::Dense => "dense",
        Kind::Conv => "conv",
        Kind::Depthwise => "depthwise",
        Kind::MaxPool => "max-pool",
        Kind::AveragePool => "average-pool",
        Kind::GlobalAverage => "global-average",
        Kind::Add => "add",
    }
}

impl TryFrom<LayerTable> for Layer {
    type Error = String;

    fn try_from(mut table: LayerTable) -> Result<Self, String> {
        let kind = table.kind.unwrap_or(Kind::Dense);
        let layer = match kind {
            Kind::Dense => Self::Dense(table.dense()?),
            Kind::Conv => {
                let channels = need(table.channels.take(), "channels")?;
                Self::Conv(ConvLayer { channels, filter: table.filter()? })
            }
            Kind::Depthwise => Self::Depthwise(table.filter()?),
            Kind::MaxPool => Self::MaxPool(table.pool()?),
            Kind::AveragePool => Self::AveragePool(table.pool()?),
            Kind::GlobalAverage => {
                Self::GlobalAverage(GlobalAverageLayer { dropout: table.dropout.take().unwrap_or_default() })
            }
            Kind::Add => Self::Add(AddLayer {
                from: need(table.from.take(), "from")?,
                activation: need(table.activation.take(), "activation")?,
            }),
        };
        table.refuse_rest(kind)?;
        Ok(layer)
    }
}

impl From<Layer> for LayerTable {
    fn from(layer: Layer) -> Self {
        match layer {
            // Without `kind`, as before kinds existed: the texts inside weights files stay the same.
            Layer::Dense(layer) => Self {
                outputs: Some(layer.outputs),
                activation: Some(layer.activation),
                dropout: Some(layer.dropout),
                l1: Some(layer.l1),
                l2: Some(layer.l2),
                weight_bits: (!is_eight(&layer.weight_bits)).then_some(layer.weight_bits),
                ..Self::default()
            },
            Layer::Conv(layer) => Self { channels: Some(layer.channels), ..Self::of_filter(Kind::Conv, &layer.filter) },
            Layer::Depthwise(layer) => Self::of_filter(Kind::Depthwise, &layer),
            Layer::MaxPool(layer) => Self::of_pool(Kind::MaxPool, &layer),
            Layer::AveragePool(layer) => Self::of_pool(Kind::AveragePool, &layer),
            Layer::GlobalAverage(layer) => {
                Self { kind: Some(Kind::GlobalAverage), dropout: Some(layer.dropout), ..Self::default() }
            }
            Layer::Add(layer) => Self {
                kind: Some(Kind::Add),
                from: Some(layer.from),
                activation: Some(layer.activation),
                ..Self::default()
            },
        }
    }
}
