//! `pinhole inspect`.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use miette::Result;
use pinhole_shared::engine::ScratchNeeds;
use pinhole_shared::model::{Activation, Layer, Output, VERSION};
use pinhole_shared::pixels::PIPELINE_ID;
use serde::Serialize;

use super::budget::BoardBudget;
use super::output::{json, say};
use super::policy::PolicyFields;
use crate::board::Board;
use crate::run_folder;

/// `pinhole inspect`.
#[derive(Debug, Args)]
pub(super) struct Inspect {
    /// A .pinhole file, or a run folder of `pinhole train`
    model: PathBuf,
    /// Show also what model and firmware take of this board, whether they fit, and how long an inference takes; the
    /// exit code says whether they fit
    #[arg(long, value_enum)]
    board: Option<Board>,
    /// Print as JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Serialize)]
struct Contents {
    path: PathBuf,
    format_version: u16,
    bytes: u32,
    checksum: String,
    pipeline: String,
    input_side: u16,
    classes: Vec<String>,
    /// When a decision is an answer.
    policy: PolicyFields,
    macs: usize,
    /// Working memory of one inference besides the input, bytes.
    scratch_bytes: usize,
    layers: Vec<LayerContents>,
    #[serde(skip_serializing_if = "Option::is_none")]
    board: Option<BoardBudget>,
}

#[derive(Debug, Serialize)]
struct LayerContents {
    kind: &'static str,
    inputs: usize,
    outputs: usize,
    activation: &'static str,
    output: &'static str,
    /// Bits a weight takes in the file: 8 or 4.
    weight_bits: u32,
    pre_shift: u8,
    accumulator_bound: u32,
    bytes: usize,
}

impl Inspect {
    pub(super) fn run(&self) -> Result<ExitCode> {
        let trained = run_folder::open(&self.model)?;
        let model = trained.model.model();
        let contents = Contents {
            path: trained.model_path.clone(),
            format_version: VERSION,
            bytes: model.file_bytes(),
            checksum: format!("{:08x}", model.checksum()),
            pipeline: format!("{PIPELINE_ID:08x}"),
            input_side: model.input_side(),
            classes: model.class_names().map(str::to_owned).collect(),
            policy: model.policy().into(),
            macs: model.macs(),
            scratch_bytes: ScratchNeeds::of(&model).bytes(),
            layers: model.layers().iter().map(layer_contents).collect(),
            board: self.board.map(|board| BoardBudget::of(&trained, board)).transpose()?,
        };
        if self.json {
            json(&contents)?;
        } else {
            contents.print();
        }
        let fits = contents.board.as_ref().is_none_or(BoardBudget::fits);
        Ok(if fits { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}

fn layer_contents(layer: &Layer<'_>) -> LayerContents {
    let Layer::Dense(dense) = layer;
    LayerContents {
        kind: "dense",
        inputs: layer.inputs(),
        outputs: layer.outputs(),
        activation: match dense.activation {
            Activation::Linear => "linear",
            Activation::Relu => "relu",
            Activation::Sigmoid => "sigmoid",
        },
        output: match dense.output {
            Output::U8 => "8 bit",
            Output::I16 => "16 bit",
            Output::Logits => "logits",
        },
        weight_bits: dense.operands.weights.layout().bits(),
        pre_shift: dense.pre_shift,
        accumulator_bound: dense.accumulator_bound,
        bytes: dense.bytes(),
    }
}

impl Contents {
    fn print(&self) {
        say!("{}", self.path.display());
        say!("format    version {}, {} bytes, checksum {}", self.format_version, self.bytes, self.checksum);
        say!("input     {0}x{0} gray pixels, pipeline {1}", self.input_side, self.pipeline);
        say!("classes   {}", self.classes.join(", "));
        say!("answers   {}", self.policy);
        say!("inference {} multiply-accumulates, {} bytes of working memory", self.macs, self.scratch_bytes);
        say!("layer  kind   inputs  outputs  activation  output    weights      bytes  accumulator bound");
        for (index, layer) in self.layers.iter().enumerate() {
            say!(
                "{index:>5}  {:<5} {:>7} {:>8}  {:<10}  {:<8}  {:>2} bit {:>11}  {:>10} ({:>4.1} % of 32 bits)",
                layer.kind,
                layer.inputs,
                layer.outputs,
                layer.activation,
                layer.output,
                layer.weight_bits,
                layer.bytes,
                layer.accumulator_bound,
                100.0 * f64::from(layer.accumulator_bound) / f64::from(i32::MAX)
            );
        }
        if let Some(board) = &self.board {
            board.print();
        }
    }
}
