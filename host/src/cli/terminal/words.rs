//! Notes of a run, in words.

use pinhole_boards::firmware::FirmwareOrigin;
use pinhole_train::{DIVERGED_ADVICE, LastLayer};

use super::super::output::{
    detail, note, note_enlarged, say, warn, warn_of_duplicates, warn_of_series, warn_of_unfinished, warning,
};
use super::super::policy::PolicyFields;
use crate::app::Note;

/// Prints a note on stderr, line by line: what is in a line is [escaped](super::super::output::note); results that the command was asked for go to stdout.
pub(super) fn tell(fact: &Note) {
    let sentence = match fact {
        Note::LeftOut(warnings) => return warn(warnings),
        Note::SplitFolders { folders, validation } => {
            let mut text = format!("training on the photos in {}", folders.training.display());
            if let Some(validation) = validation {
                text += &format!(", validating on those in {}", validation.display());
            }
            note(&text);
            let Some(test) = &folders.test else { return };
            format!("the photos in {} are used once, to test the trained model", test.display())
        }
        Note::Series(series) => return warn_of_series(series),
        Note::Chosen { sentence, command } => {
            note(sentence);
            format!("the same by hand: {command}")
        }
        Note::Enlarged { count, input } => return note_enlarged(*count, *input),
        Note::NoTest { folder, reason } => {
            let folder = folder.display();
            return warning(format_args!("the model will not be tested on the photos in {folder}: {reason}"));
        }
        Note::KnownTestPhotos { count } => format!(
            "{count} test {} left out: near-duplicates of training or validation photos",
            if *count == 1 { "photo is" } else { "photos are" }
        ),
        Note::NearDuplicates(duplicates) => return warn_of_duplicates(duplicates),
        Note::NotValidated { classes } => {
            let (list, them) = (classes.join(", "), if classes.len() == 1 { "it" } else { "them" });
            return warning(format_args!(
                "there are no validation photos of {list}: nothing tells how well {them} will be recognized"
            ));
        }
        Note::NearDuplicatesUnfinished { photos } => return warn_of_unfinished(*photos),
        Note::FromPretrained { path, dequantized, last_layer, classes, trained_on } => {
            let path = path.display();
            let weights = if *dequantized {
                format!("the int8 weights of {path}, converted to float, because there are no float weights of it")
            } else {
                path.to_string()
            };
            note(&format!("continuing from {weights}"));
            match last_layer {
                LastLayer::Kept => "the classes are the same: the last layer is kept".to_owned(),
                LastLayer::Replaced => format!(
                    "the classes are {}, and were {} before: the last layer starts anew",
                    classes.join(", "),
                    trained_on.join(", ")
                ),
            }
        }
        Note::Resuming { after, epochs } => format!("resuming after epoch {after} of {epochs}"),
        Note::NoCheckpoint { reason } => {
            return warning(format_args!("no checkpoint was written: {reason}; the training goes on"));
        }
        Note::NoneBetter => {
            "no epoch was better than the network that the training continued from, so that one is kept".to_owned()
        }
        Note::Interrupted { can_resume: false } => "interrupted; keeping the best epoch so far".to_owned(),
        Note::Interrupted { can_resume: true } => {
            note("interrupted; keeping the best epoch so far");
            "to go on from here, run the same command with --resume".to_owned()
        }
        Note::Diverged { best } => {
            warning(format_args!(
                "the training diverged: the loss or a weight was no longer a number; keeping the best epoch so far, {best}"
            ));
            DIVERGED_ADVICE.to_owned()
        }
        Note::OutOfPatience { epoch } => {
            format!("stopped early after epoch {epoch}: the validation loss no longer improved")
        }
        Note::KeptAside { folder } => {
            format!("the earlier run is kept in {} (--replace replaces it instead)", folder.display())
        }
        Note::ReplacingRun { folder } => format!("replacing the earlier run in {}", folder.display()),
        Note::FineTuningLost => {
            return warning(format_args!(
                "the run's model was fine-tuned, and this one is not: give --fine-tune to do so again"
            ));
        }
        Note::EightBitActivations => {
            "activations have 8 bits, as in the run's model; give --activations 16 to change that".to_owned()
        }
        Note::WeightBits { bits } => {
            let bits = bits.iter().map(u8::to_string).collect::<Vec<_>>().join(",");
            format!("weights have {bits} bits, as in the run's model; give --weights 8 to change that")
        }
        Note::HeldOutWereTrainedOn => "the photos held out here were training photos of the run, which had other \
                                       validation photos: give those with --validation"
            .to_owned(),
        Note::WeightsKept => "the model keeps its weights, and only its policy is new (--weights quantizes it \
                              again)"
            .to_owned(),
        Note::PolicyLost { policy } => {
            format!(
                "the replaced model had a policy, and this one has none; the policy was: {}",
                PolicyFields::from(*policy)
            )
        }
        Note::ReportOfEarlierModel { report, photos } => format!(
            "{} still describes the earlier model, and says so: the training photos are not at {}",
            report.display(),
            photos.display()
        ),
        Note::Firmware { board, digest, origin } => {
            let origin = match origin {
                FirmwareOrigin::Prebuilt => "prebuilt, inside this program".to_owned(),
                FirmwareOrigin::Built(path) => format!("built from source: {}", path.display()),
            };
            return detail(&format!("firmware of {}: {digest}, {origin}", board.name()));
        }
        Note::StackNotMeasured { reason } => {
            format!("the stack is not measured: {reason}; `pinhole doctor` shows what to do")
        }
        Note::NoLog => "the board runs other firmware than this Pinhole has, so its log cannot be decoded".to_owned(),
        Note::TryingAgain { reason } => format!("trying again: {reason}"),
        Note::Captured { path } => return say!("{}", path.display()),
        Note::Flashed { bytes } => return say!("wrote and verified {bytes} bytes; the board was reset"),
    };
    note(&sentence);
}
