//! Reads FULLY_CONNECTED, with an activation function after it, as a dense layer.

use pinhole_core::model_file::QuantizedLayer;
use pinhole_core::model_file::scales::InputKind;
use pinhole_shared::fixed::Q16_ONE;
use pinhole_shared::model::{Activation, Output};

use crate::import::Reason;
use crate::tflite::read::graph::Operator;
use crate::tflite::read::importer::{Given, RELU6, Walk, refuse};
use crate::tflite::read::weights::{Rows, Units};
use crate::tflite::schema::{Builtin, FUSED_ACTIVATION_FUNCTION, Fused};

/// Slot of `FullyConnectedOptions.weights_format`; 0 for row-major weights.
const WEIGHTS_FORMAT: u16 = 1;
/// Scale of logits, and of a sigmoid's input.
const Q16: f64 = 1.0 / Q16_ONE as f64;
/// Scale of a sigmoid's 16-bit output.
const Q15: f64 = 1.0 / 32_768.0;

impl<'f> Walk<'_, 'f> {
    /// Reads a dense layer: the output layer if `deciding`, else a hidden one.
    pub(in crate::tflite::read) fn fully_connected(
        &mut self,
        operator: &Operator<'f>,
        deciding: bool,
    ) -> Result<(), Reason> {
        let why = |why: String| refuse(operator, why);
        let weights = self.graph.tensor(operator.input(1))?;
        let rows = Rows::of(&weights, self.optional(operator, 2)?.as_ref(), false).map_err(why)?;
        if weights.shape.len() != 2 || rows.inputs != self.given.elements || operator.byte(WEIGHTS_FORMAT)? != 0 {
            return Err(refuse(operator, "whose weights do not have a row per output and a column per input"));
        }
        let fused = operator.byte(FUSED_ACTIVATION_FUNCTION)?;
        let parts = |result_scale: f64, output_scale: f64| {
            rows.parts(self.given.input, self.given.of_file, (result_scale, output_scale)).map_err(why)
        };
        if deciding {
            if fused != Fused::None as u8 {
                return Err(refuse(operator, "which computes the logits and has an activation function"));
            }
            let weighted = parts(Q16, Q16)?;
            self.layers.push(QuantizedLayer::Dense {
                weighted,
                activation: Activation::Linear,
                output: Output::Logits,
            });
            self.current = operator.output;
            return Ok(());
        }
        let following = self.graph.operators.get(self.next);
        let sigmoid = following
            .filter(|next| next.code == Builtin::Logistic as i32 && next.input(0) == operator.output)
            .filter(|_| fused == Fused::None as u8 && self.graph.readers(operator.output) == 1);
        let (weighted, activation, output, unit, of_file, written) = if let Some(sigmoid) = sigmoid {
            let units = Units::of_row(&self.graph.tensor(sigmoid.output)?)
                .filter(|(_, zero_point)| zero_point.unwrap_or(0) == 0)
                .ok_or_else(|| refuse(sigmoid, "whose output is neither int16 nor int8 with zero point -128"))?;
            let weighted = parts(Q16, Q15)?;
            self.next += 1;
            (weighted, Activation::Sigmoid, Output::I16, Q15, units.0, sigmoid.output)
        } else {
            let rows = &rows;
            let given = self.given;
            let (written, function) = self.activated(operator, fused)?;
            let (unit, zero_point) = Units::of_row(&self.graph.tensor(written)?)
                .ok_or_else(|| refuse(operator, "whose output is neither int8 nor int16 with a scale"))?;
            let weighted = rows.parts(given.input, given.of_file, (unit, unit)).map_err(why)?;
            let room = zero_point.map_or(i16::MAX as f64, |zero_point| f64::from(u8::MAX - zero_point));
            if function == RELU6 && (6.0 / unit).round() < room {
                return Err(refuse(operator, "whose outputs could exceed the 6 of its RELU6"));
            }
            // If the zero point is the least byte, no output is below 0. Else 16 bits have room for both sides.
            let (activation, output) = match (zero_point, function) {
                (Some(0), _) => (Activation::Relu, Output::U8),
                (_, function) if function == Fused::None as u8 => (Activation::Linear, Output::I16),
                _ => (Activation::Relu, Output::I16),
            };
            (weighted, activation, output, unit, unit, written)
        };
        let elements = weighted.outputs();
        self.layers.push(QuantizedLayer::Dense { weighted, activation, output });
        let input = InputKind { scale: unit, max_magnitude: output.max_magnitude(), zero_point: 0 };
        self.given = Given { input, of_file, shape: None, elements };
        self.current = written;
        Ok(())
    }
}
