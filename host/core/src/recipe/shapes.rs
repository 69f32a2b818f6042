//! Input and output shapes of a recipe's layers, and their costs.

use pinhole_shared::model::MAX_OPERATIONS;
use pinhole_shared::shape::Shape;

use super::Recipe;
use super::layer::{RecipeLayer, fully_connected};

/// Most outputs of one layer for one photo: training keeps those of a whole batch.
const MAX_ELEMENTS: usize = 1 << 22;

/// Shapes and cost of one layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LayerShape {
    /// Input shape. A dense layer reads all of its elements, row by row, the channels of a position together.
    pub input: Shape,
    /// Output shape; 1x1xoutputs for a dense layer.
    pub output: Shape,
    /// Number of weights, without biases and batch normalization.
    pub weights: usize,
    /// Number of multiply-accumulates of one inference.
    pub macs: usize,
}

impl LayerShape {
    pub(super) const fn without_weights(input: Shape, output: Shape) -> Self {
        Self { input, output, weights: 0, macs: 0 }
    }
}

/// Error: a layer is impossible at its position.
#[derive(Debug)]
pub(super) struct Impossible {
    /// Number of the layer, counted from 1.
    pub layer: usize,
    /// Problem and fix, as they follow "layer 3 ".
    pub reason: String,
}

impl Recipe {
    /// Returns shapes and cost of every layer; the output layer, with this many classes, is last.
    ///
    /// # Panics
    /// If the recipe is one that [`Recipe::parse`] would refuse.
    pub fn shapes(&self, classes: usize) -> Vec<LayerShape> {
        let shapes = self.try_shapes(classes);
        shapes.unwrap_or_else(|Impossible { layer, reason }| panic!("unchecked recipe: layer {layer} {reason}"))
    }

    pub(super) fn try_shapes(&self, classes: usize) -> Result<Vec<LayerShape>, Impossible> {
        let mut shapes: Vec<LayerShape> = Vec::with_capacity(self.layers.len() + 1);
        let mut input = self.input().shape();
        let mut after_dense = false;
        let mut operations = 0_usize;
        for (index, layer) in self.layers.iter().enumerate() {
            let impossible = |reason: String| Impossible { layer: index + 1, reason };
            if after_dense && !matches!(layer, RecipeLayer::Dense(_)) {
                let kind = layer.kind();
                return Err(impossible(format!(
                    "is of kind {kind:?} and comes after a dense layer, whose outputs have no positions; move it before the \
                     first dense layer"
                )));
            }
            let shape = layer.shape(input, &shapes).map_err(impossible)?;
            if shape.output.elements() > MAX_ELEMENTS {
                let output = shape.output;
                return Err(impossible(format!(
                    "gives {output} values, more than {MAX_ELEMENTS}; take fewer channels or a larger stride"
                )));
            }
            operations = operations.saturating_add(match layer {
                RecipeLayer::MaxPool(pool) | RecipeLayer::AveragePool(pool) => {
                    shape.output.elements() * pool.window.area()
                }
                _ if shape.weights > 0 => shape.macs,
                _ => shape.input.elements(),
            });
            if operations > MAX_OPERATIONS as usize {
                return Err(impossible(format!(
                    "and those before it take {operations} elementary operations (multiply-accumulates, or values under the \
                     windows of a pooling), and a model may take {MAX_OPERATIONS}; take a smaller input, fewer channels or a \
                     larger stride"
                )));
            }
            after_dense = matches!(layer, RecipeLayer::Dense(_));
            input = shape.output;
            shapes.push(shape);
        }
        let layer = self.layers.len() + 1;
        shapes.push(fully_connected(input, classes).map_err(|reason| Impossible { layer, reason })?);
        Ok(shapes)
    }

    /// Returns the number of weights for this many classes, without biases and batch normalization.
    pub fn weight_count(&self, classes: usize) -> usize {
        self.shapes(classes).iter().map(|shape| shape.weights).sum()
    }

    /// Returns the number of multiply-accumulates of one inference.
    pub fn mac_count(&self, classes: usize) -> usize {
        self.shapes(classes).iter().map(|shape| shape.macs).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: &str = "input_side = 15\n[training]\nepochs = 1\nbatch = 1\nlearning_rate = 1.0\n";

    fn layers(text: &str) -> Result<Recipe, String> {
        Recipe::parse(&format!("{START}{text}"), "mine.toml").map_err(|error| error.to_string())
    }

    #[test]
    fn shapes_and_costs_by_hand() {
        let recipe = layers(
            "[[layer]]\nkind = \"conv\"\nchannels = 4\nkernel = [3, 2]\nstride = [2, 1]\npadding = [1, 0, 1, 1]\n\
             activation = \"relu\"\n\
             [[layer]]\nkind = \"depthwise\"\nkernel = 3\npadding = 1\nactivation = \"relu6\"\n\
             [[layer]]\nkind = \"add\"\nfrom = 1\nactivation = \"linear\"\n\
             [[layer]]\nkind = \"conv\"\nchannels = 6\nkernel = 1\nactivation = \"relu\"\npool = 2\n\
             [[layer]]\nkind = \"max-pool\"\nwindow = 2\nstride = 1\n\
             [[layer]]\nkind = \"average-pool\"\nwindow = [1, 2]\n\
             [[layer]]\noutputs = 5\nactivation = \"sigmoid\"\n",
        )
        .unwrap();
        let shape = |height, width, channels| Shape { height, width, channels };
        let expected = [
            (shape(15, 15, 1), shape(8, 15, 4), 24, 24 * 120),
            (shape(8, 15, 4), shape(8, 15, 4), 36, 36 * 120),
            (shape(8, 15, 4), shape(8, 15, 4), 0, 0),
            (shape(8, 15, 4), shape(4, 7, 6), 24, 24 * 120),
            (shape(4, 7, 6), shape(3, 6, 6), 0, 0),
            (shape(3, 6, 6), shape(3, 3, 6), 0, 0),
            (shape(3, 3, 6), shape(1, 1, 5), 270, 270),
            (shape(1, 1, 5), shape(1, 1, 3), 15, 15),
        ];
        let expected = expected.map(|(input, output, weights, macs)| LayerShape { input, output, weights, macs });
        assert_eq!(recipe.shapes(3), expected);
        assert_eq!(recipe.weight_count(3), 24 + 36 + 24 + 270 + 15);
        assert_eq!(recipe.mac_count(3), 84 * 120 + 285);
        assert_eq!(Recipe::parse(&recipe.to_toml(), "written").unwrap(), recipe);
    }

    #[test]
    fn impossible_layers_are_refused_by_number_and_reason() {
        let conv = "[[layer]]\nkind = \"conv\"\nchannels = 4\nkernel = 3\nactivation = \"relu\"\n";
        let dense = "[[layer]]\noutputs = 4\nactivation = \"relu\"\n";
        for (text, complaint) in [
            (
                format!("{dense}{conv}"),
                "layer 2 of the recipe mine.toml is of kind \"conv\" and comes after a dense layer",
            ),
            (conv.replace("kernel = 3", "kernel = 16"), "slides 16x16 over 15x15x1"),
            (conv.replace("kernel = 3", "kernel = 3\npadding = 3"), "`padding` less than `kernel`"),
            (conv.replace("kernel = 3", "kernel = 3\nstride = 0"), "`stride` at least 1"),
            (format!("{conv}pool = 14\n"), "`pool` must be 1 to 13"),
            (format!("{conv}pool = 0\n"), "`pool` must be 1 to 13"),
            (
                format!("{conv}{conv}[[layer]]\nkind = \"add\"\nfrom = 1\nactivation = \"relu\"\n"),
                "gives 13x13x4, to 11x11x4",
            ),
            (
                format!("{conv}{conv}[[layer]]\nkind = \"add\"\nfrom = 2\nactivation = \"relu\"\n"),
                "before the previous one",
            ),
            (
                format!("{conv}{conv}[[layer]]\nkind = \"add\"\nfrom = 0\nactivation = \"relu\"\n"),
                "before the previous one",
            ),
            (conv.replace("channels = 4", "channels = 65535"), "gives 13x13x65535 values"),
        ] {
            let got = layers(&text).unwrap_err();
            assert!(got.contains(complaint), "{got}\nof\n{text}");
        }
    }

    /// 1010x1010 positions of 15x15x4 weights are fewer operations than a model may take; windows of 9x9 after them are too many.
    #[test]
    fn more_work_than_a_model_may_take_is_refused() {
        let conv = "[[layer]]\nkind = \"conv\"\nchannels = 4\nkernel = 15\nactivation = \"relu\"\n";
        let large = START.replace("15", "1024");
        let parse = |text: String| Recipe::parse(&text, "mine.toml").map_err(|error| error.to_string());
        assert!(parse(format!("{large}{conv}")).is_ok());
        for kind in ["max-pool", "average-pool"] {
            let pool = format!("[[layer]]\nkind = \"{kind}\"\nwindow = 9\nstride = 1\n");
            let complaint = "layer 2 of the recipe mine.toml and those before it take 1243387296 elementary operations";
            let got = parse(format!("{large}{conv}{pool}")).unwrap_err();
            assert!(got.contains(complaint) && got.contains("a model may take 1073741824"), "{got}");
        }
    }
}
