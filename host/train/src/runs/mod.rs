//! Trained networks: run folders, model files and bundled models.
//!
//! | module | contents |
//! |---|---|
//! | `folder` | writing and reading run folders |
//! | `parts` | the files that a run's summary vouches for |
//! | `error` | errors of a training, from photos to a run folder |
//! | [`bundled`] | trained models inside the program, by name |
//! | [`pretrained`] | a trained network to continue from |

pub mod bundled;
mod error;
mod folder;
mod parts;
pub mod pretrained;

pub use error::JobError;
pub use folder::{
    PretrainedSummary, Quantization, RecipeChoice, RunError, RunSummary, TestSummary, Trained, files, finish,
    metrics_csv, metrics_of, open, remove_checkpoint, stopped_name, summary, summary_bytes, summary_of,
};
pub use parts::{MixedRun, PartDigests, metrics, network};
