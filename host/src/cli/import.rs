//! `pinhole import`.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use miette::{Result, miette};
use pinhole_convert::import::import;
use pinhole_core::artifacts;
use pinhole_core::path_text::path_text;

use super::output::{json, say};

/// `pinhole import`.
#[derive(Debug, Args)]
pub(super) struct Import {
    /// A .tflite file: a network with full int8 quantization
    #[arg(value_name = "TFLITE")]
    file: PathBuf,
    /// Model file to write
    #[arg(long, value_name = "FILE", required_unless_present = "earlier_out")]
    out: Option<PathBuf>,
    /// The model file, as it was given before --out.
    #[arg(hide = true, value_name = "FILE", conflicts_with = "out")]
    earlier_out: Option<PathBuf>,
    /// Names of the classes, in the order of the network's outputs [default: those that `pinhole export` wrote into the
    /// file, else class-0, class-1 and so on]
    #[arg(long, value_delimiter = ',', value_name = "NAMES")]
    classes: Option<Vec<String>>,
    /// Print as JSON
    #[arg(long)]
    json: bool,
}

impl Import {
    pub(super) fn run(&self) -> Result<ExitCode> {
        let out = self.out.as_ref().or(self.earlier_out.as_ref()).ok_or_else(|| miette!("--out is missing"))?;
        let file = import(&self.file, self.classes.as_deref())?;
        artifacts::write_model(out, file.bytes())?;
        let model = file.model();
        let classes: Vec<&str> = model.class_names().collect();
        let (bytes, checksum) = (file.bytes().len(), format!("{:08x}", model.checksum()));
        if self.json {
            let mut told = serde_json::json!({
                "model": path_text(out), "bytes": bytes, "checksum": checksum,
                "input_height": model.input().height, "input_width": model.input().width,
                "color": model.input().color, "fit": model.input().fit,
                "layers": model.layers().map(|layer| layer.kind()).collect::<Vec<_>>(), "classes": classes,
            });
            if let Some(side) = model.input().side() {
                told["input_side"] = side.into();
            }
            json(&told)?;
        } else {
            let (input, layers) = (model.input(), model.layers().len());
            say!("{}: {bytes} bytes, checksum {checksum}, {input} pixels, {layers} layers", out.display());
            say!("classes: {}", classes.join(", "));
        }
        Ok(ExitCode::SUCCESS)
    }
}
