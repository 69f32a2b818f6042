//! Trained networks, however they are kept.
//!
//! | module | what happens there |
//! |---|---|
//! | `folder` | what a training leaves on disk, and opening it again |
//! | `error` | why a training, from photos to a run folder, failed |
//! | [`bundled`] | a name -> a trained model inside the program |
//! | [`source`] | a trained network -> what a training continues from |

pub mod bundled;
mod error;
mod folder;
pub mod source;

pub use error::JobError;
pub use folder::{
    ContinuedFrom, Quantization, RunError, RunSummary, Trained, files, metrics_csv, open, read_metrics,
    remove_checkpoint, remove_summary, stopped_name, summary, write_summary,
};
