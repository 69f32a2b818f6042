//! Notes of a run, in words.

use pinhole_boards::firmware::Origin;
use pinhole_train::LastLayer;

use super::super::output::{detail, note, say, warn, warn_of_duplicates};
use super::super::policy::PolicyFields;
use crate::app::Note;

/// Prints a note on stderr; results that the command was asked for go to stdout.
pub(super) fn tell(fact: &Note) {
    let sentence = match fact {
        Note::LeftOut(warnings) => return warn(warnings),
        Note::NearDuplicates(duplicates) => return warn_of_duplicates(duplicates),
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
        Note::FineTuningLost => {
            "warning: the run's model was fine-tuned, this one is not: --fine-tune does so again".to_owned()
        }
        Note::EightBitActivations => {
            "activations of 8 bits, as in the run's model; --activations 16 for others".to_owned()
        }
        Note::WeightBits { bits } => {
            let bits = bits.iter().map(u8::to_string).collect::<Vec<_>>().join(",");
            format!("weights of {bits} bits, as in the run's model; --weights 8 for others")
        }
        Note::HeldOutWereTrainedOn => "the photos held out here were trained on before, when the run had others to \
                                       validate by: give those with --validation"
            .to_owned(),
        Note::WeightsKept => "the model keeps its weights: only when it answers \"unknown\" is new (--weights \
                              quantizes it again)"
            .to_owned(),
        Note::PolicyLost { policy } => {
            format!("the model it replaces had a policy, this one has none; it was: {}", PolicyFields::from(*policy))
        }
        Note::ReportOfEarlierModel { report, photos } => format!(
            "{} describes the earlier model, and now says so: the photos of the training are not at {}",
            report.display(),
            photos.display()
        ),
        Note::Firmware { board, digest, origin } => {
            let origin = match origin {
                Origin::Prebuilt => "prebuilt, inside this program".to_owned(),
                Origin::Built(path) => format!("built from source: {}", path.display()),
            };
            return detail(&format!("firmware of {}: {digest}, {origin}", board.name()));
        }
        Note::StackNotMeasured { reason } => {
            format!("the stack is not measured: {reason}; `pinhole doctor` says what to do")
        }
        Note::NoLog => "the board's firmware is not the one that this Pinhole has: its log cannot be read".to_owned(),
        Note::TryingAgain { reason } => format!("trying again: {reason}"),
        Note::Captured { path } => return say!("{}", path.display()),
        Note::Flashed { bytes } => return say!("wrote and verified {bytes} bytes; the board was reset"),
    };
    note(&sentence);
}
