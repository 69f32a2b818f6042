//! Max pooling and average pooling.

use pinhole_shared::shape::{Shape, Window};
use serde::{Deserialize, Serialize};

use super::LayerKind;
use super::window::{Around, WindowSides, slid, window};
use crate::recipe::check::CheckedPart;
use crate::recipe::{LayerShape, RecipeError};

/// A pooling layer. Padded positions are ignored, in the maximum and in the mean's count.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(from = "Keys", into = "Keys")]
pub struct PoolLayer {
    /// Size, stride and padding of the window.
    pub window: Window,
}

/// Keys, in the order in which they are written.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Keys {
    window: WindowSides,
    #[serde(skip_serializing_if = "Option::is_none")]
    stride: Option<WindowSides>,
    #[serde(skip_serializing_if = "Option::is_none")]
    padding: Option<Around>,
}

impl From<Keys> for PoolLayer {
    fn from(keys: Keys) -> Self {
        Self { window: window(keys.window, keys.stride.unwrap_or(keys.window), keys.padding) }
    }
}

impl From<PoolLayer> for Keys {
    fn from(PoolLayer { window }: PoolLayer) -> Self {
        let size = WindowSides::size(window);
        let stride = Some(WindowSides::stride(window)).filter(|stride| *stride != size);
        Self { window: size, stride, padding: Around::of(window.padding) }
    }
}

impl LayerKind for PoolLayer {
    fn check(&self, _: &CheckedPart<'_>) -> Result<(), RecipeError> {
        Ok(())
    }

    fn shape(&self, input: Shape, _: &[LayerShape]) -> Result<LayerShape, String> {
        let (height, width) = slid(self.window, input, "window")?;
        Ok(LayerShape::without_weights(input, Shape { height, width, ..input }))
    }
}
