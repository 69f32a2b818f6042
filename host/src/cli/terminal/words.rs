//! Facts of a run, in words.

use pinhole_train::LastLayer;

use super::super::output::{note, warn, warn_of_duplicates};
use crate::app::Note;

/// Says a fact on stderr.
pub(super) fn tell(fact: &Note) {
    match fact {
        Note::LeftOut(warnings) => warn(warnings),
        Note::NearDuplicates(duplicates) => warn_of_duplicates(duplicates),
        fact => note(&sentence(fact)),
    }
}

fn sentence(fact: &Note) -> String {
    match fact {
        // Above: there may be many of these.
        Note::LeftOut(_) | Note::NearDuplicates(_) => String::new(),
        Note::ContinuingFrom { path, dequantized, last_layer, classes, trained_on } => {
            let path = path.display();
            let weights = if *dequantized {
                format!("the int8 weights of {path}, turned back to float: no float weights of it are at hand")
            } else {
                path.to_string()
            };
            match last_layer {
                LastLayer::Kept => {
                    format!("continuing from {weights}\nthe classes are the same: the last layer is kept")
                }
                LastLayer::Replaced => format!(
                    "continuing from {weights}\nthe classes are {} and were {}: the last layer starts anew",
                    classes.join(", "),
                    trained_on.join(", ")
                ),
            }
        }
        Note::Resuming { after, epochs } => format!("going on after epoch {after} of {epochs}"),
        Note::NoCheckpoint { reason } => format!("warning: no checkpoint: {reason}; the training goes on"),
        Note::NoneBetter => "no epoch was better than the network it continued from, which is kept".to_owned(),
        Note::Interrupted { can_resume: false } => "interrupted; keeping the best epoch so far".to_owned(),
        Note::Interrupted { can_resume: true } => {
            "interrupted; keeping the best epoch so far\nthe same command with --resume goes on from here".to_owned()
        }
        Note::OutOfPatience { epoch } => format!("stopped after epoch {epoch}: no better since"),
        Note::ReplacingRun { folder } => format!("replacing the earlier run in {}", folder.display()),
    }
}
