//! `pinhole inspect`.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use miette::Result;
use pinhole_boards::board::Board;
use pinhole_shared::engine::ScratchNeeds;
use pinhole_shared::model::{Activation, Layer, Output, VERSION};
use pinhole_shared::pixels::{Color, Fit, InputShape};
use serde::Serialize;

use super::budget::print_budget;
use super::choice::choice;
use super::completions;
use super::model_and_photos::{MODEL, open};
use super::output::{json, say};
use super::policy::PolicyFields;
use super::terminal::Terminal;
use crate::app::budget::BoardBudget;

/// `pinhole inspect`.
#[derive(Debug, Args)]
pub(super) struct Inspect {
    #[arg(help = MODEL, add = completions::models())]
    model: PathBuf,
    /// Board to check: shows the memory that model and firmware use, the predicted time of an inference, and whether
    /// they fit (exit code 0 if they do, else 1)
    #[arg(long, value_parser = choice::<Board>())]
    board: Option<Board>,
    /// Print as JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Serialize)]
struct Contents {
    #[serde(serialize_with = "pinhole_core::path_text::serialize")]
    path: PathBuf,
    format_version: u16,
    bytes: u32,
    checksum: String,
    pipeline: String,
    /// Side of a square input; absent for others.
    #[serde(skip_serializing_if = "Option::is_none")]
    input_side: Option<u16>,
    input_height: u16,
    input_width: u16,
    color: Color,
    /// How pictures of another shape are fitted in.
    fit: Fit,
    classes: Vec<String>,
    /// The model's policy.
    policy: PolicyFields,
    macs: u64,
    /// Elementary operations: multiply-accumulates, and what layers without weights do.
    operations: u64,
    /// Scratch memory of one inference without the input, bytes.
    scratch_bytes: usize,
    /// Arena, the part of it for the layers' tensors, bytes.
    arena_bytes: usize,
    layers: Vec<LayerContents>,
    #[serde(skip_serializing_if = "Option::is_none")]
    board: Option<BoardBudget>,
}

#[derive(Debug, Serialize)]
struct LayerContents {
    kind: &'static str,
    inputs: usize,
    outputs: usize,
    /// Height x width x channels of the output; absent for dense layers.
    #[serde(skip_serializing_if = "Option::is_none")]
    shape: Option<String>,
    /// Activation function; only for dense layers.
    #[serde(skip_serializing_if = "Option::is_none")]
    activation: Option<&'static str>,
    /// Smallest and largest output; absent for layers without such bounds.
    #[serde(skip_serializing_if = "Option::is_none")]
    range: Option<(u8, u8)>,
    output: &'static str,
    macs: u64,
    operations: u64,
    #[serde(flatten)]
    weights: Option<WeightContents>,
}

/// Facts about a layer's weights.
#[derive(Debug, Serialize)]
struct WeightContents {
    /// Bits of a weight in the file: 8 or 4.
    weight_bits: u32,
    pre_shift: u8,
    accumulator_bound: u32,
    /// Size of weights, biases and multipliers, bytes.
    bytes: usize,
}

impl Inspect {
    pub(super) fn run(&self) -> Result<ExitCode> {
        let trained = open(&self.model)?;
        let model = trained.model.model();
        let budget = |board| BoardBudget::of(&trained, board, &mut Terminal::new());
        let board = self.board.map(budget).transpose()?;
        let contents = Contents {
            path: trained.model_path.clone(),
            format_version: VERSION,
            bytes: model.file_bytes(),
            checksum: format!("{:08x}", model.checksum()),
            pipeline: format!("{:08x}", model.input().pipeline_id()),
            input_side: model.input().side(),
            input_height: model.input().height,
            input_width: model.input().width,
            color: model.input().color,
            fit: model.input().fit,
            classes: model.class_names().map(str::to_owned).collect(),
            policy: model.policy().into(),
            macs: model.macs().into(),
            operations: model.operations().into(),
            scratch_bytes: ScratchNeeds::of(&model).bytes(),
            arena_bytes: model.arena_bytes(),
            layers: model.layers().map(layer_contents).collect(),
            board,
        };
        if self.json {
            json(&contents)?;
        } else {
            contents.print();
        }
        let fits = contents.board.as_ref().is_none_or(|board| board.fits);
        Ok(if fits { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}

fn layer_contents(layer: Layer<'_>) -> LayerContents {
    let weights = layer.weighted().map(|weighted| WeightContents {
        weight_bits: weighted.operands.weights.layout().bits(),
        pre_shift: weighted.pre_shift,
        accumulator_bound: weighted.accumulator_bound,
        bytes: weighted.bytes(),
    });
    LayerContents {
        kind: layer.kind(),
        inputs: layer.inputs(),
        outputs: layer.outputs(),
        shape: layer.tensor().map(|tensor| tensor.shape.to_string()),
        activation: match &layer {
            Layer::Dense(dense) => Some(match dense.activation {
                Activation::Linear => "linear",
                Activation::Relu => "relu",
                Activation::Sigmoid => "sigmoid",
            }),
            _ => None,
        },
        range: match &layer {
            Layer::Conv(conv) | Layer::Depthwise(conv) => Some((conv.activation_min, conv.activation_max)),
            Layer::GlobalAverage(average) => Some((average.activation_min, average.activation_max)),
            Layer::Add(add) => Some((add.activation_min, add.activation_max)),
            _ => None,
        },
        output: match layer.output() {
            Output::U8 => "8 bit",
            Output::I16 => "16 bit",
            Output::Logits => "logits",
        },
        macs: layer.macs().into(),
        operations: layer.operations().into(),
        weights,
    }
}

impl Contents {
    fn print(&self) {
        say!("{}", self.path.display());
        say!("format    version {}, {} bytes, checksum {}", self.format_version, self.bytes, self.checksum);
        let input =
            InputShape { height: self.input_height, width: self.input_width, color: self.color, fit: Fit::Crop };
        let how = match self.fit {
            Fit::Crop => "cropped to its shape",
            Fit::Stretch => "stretched to it",
            Fit::Letterbox => "fitted in as a whole, black beside them",
        };
        say!("input     {input} pixels; pictures are {how} ({}, pipeline {})", self.fit, self.pipeline);
        say!("classes   {}", self.classes.join(", "));
        say!("answers   {}", self.policy);
        say!(
            "inference {} multiply-accumulates, {} elementary operations in all, {} bytes of working memory",
            self.macs,
            self.operations,
            self.scratch_bytes
        );
        if self.arena_bytes > 0 {
            say!("arena     {} of these bytes, for the layers' tensors", self.arena_bytes);
        }
        say!(
            "layer  kind             inputs  outputs  shape       activation  output  operations  weights      bytes  bound"
        );
        for (index, layer) in self.layers.iter().enumerate() {
            let range = layer.range.map_or_else(String::new, |(low, high)| format!("{low}..{high}"));
            let line = format!(
                "{index:>5}  {:<14} {:>8} {:>8}  {:<10}  {:<10}  {:<7} {:>10}",
                layer.kind,
                layer.inputs,
                layer.outputs,
                layer.shape.as_deref().unwrap_or(""),
                layer.activation.unwrap_or(&range),
                layer.output,
                layer.operations,
            );
            match &layer.weights {
                None => say!("{line}"),
                Some(weights) => say!(
                    "{line}  {:>2} bit {:>10}  {:>4.1} %",
                    weights.weight_bits,
                    weights.bytes,
                    100.0 * f64::from(weights.accumulator_bound) / f64::from(i32::MAX)
                ),
            }
        }
        say!(
            "       (operations: multiply-accumulates of layers with weights; values under all windows, or read, of others)"
        );
        say!("       (bound: the largest sum that a layer can reach, and its part of what 32 bits hold)");
        if let Some(board) = &self.board {
            print_budget(board);
        }
    }
}
