//! Checks of answers against the device's identity.

use pinhole_shared::decision::Decision;
use pinhole_shared::fixed::Q16_ONE;
use pinhole_shared::link::{Identity, Report, Values};
use pinhole_shared::model::MAX_LAYERS;
use pinhole_shared::policy::{Decided, Verdict};

use super::ClientError;

/// Largest number of values that a device may report of one inference: 64 MiB on the host.
const MOST_VALUES: usize = 1 << 24;

/// Numbers of a device's identity that its answers must agree with.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sizes {
    /// Bytes of the input; `None` if its pixels are unknown to this Pinhole.
    input_bytes: Option<usize>,
    /// Number of classes.
    classes: u16,
}

impl Sizes {
    pub(super) fn of(identity: &Identity) -> Self {
        Self { input_bytes: identity.input().map(|input| input.bytes()), classes: identity.classes }
    }

    /// Checks a decision and its verdict.
    pub(super) fn check(&self, decided: &Decided) -> Result<(), ClientError> {
        let Decided { decision: Decision { class, probability }, verdict } = decided;
        let answered = match verdict {
            Verdict::Class(answered) => *answered,
            Verdict::Unknown => *class,
        };
        let highest = (*class).max(answered);
        if highest >= self.classes {
            return Err(impossible(format!("class {highest} of {}, counted from 0", self.classes)));
        }
        if i64::from(probability.0) > i64::from(Q16_ONE) {
            return Err(impossible("a probability above 1".to_owned()));
        }
        Ok(())
    }
}

/// The values of an inference, as they arrive.
#[derive(Debug)]
pub(super) struct Stages {
    /// `None` before the device has identified itself.
    sizes: Option<Sizes>,
    report: Report,
    stages: Vec<Vec<i32>>,
    total: usize,
}

impl Stages {
    /// Creates them for a request that asks for this report.
    pub(super) fn new(sizes: Option<Sizes>, report: Report) -> Self {
        Self { sizes, report, stages: Vec::new(), total: 0 }
    }

    /// Appends values.
    ///
    /// # Errors
    /// [`ClientError::OutOfTurn`] if they do not continue those received so far, [`ClientError::Endless`] if there are too
    /// many, [`ClientError::Impossible`] for pixels that no input has.
    pub(super) fn add(&mut self, values: &Values) -> Result<(), ClientError> {
        if self.report != Report::AllValues {
            return Err(ClientError::OutOfTurn("values that were not asked for"));
        }
        let gap = ClientError::OutOfTurn("values that do not continue the ones before");
        if values.values.is_empty() {
            return Err(gap);
        }
        if usize::from(values.stage) == self.stages.len() && values.offset == 0 {
            if self.stages.len() > MAX_LAYERS {
                return Err(ClientError::Endless("it has too many layers"));
            }
            self.check_pixels_end()?;
            self.stages.push(Vec::new());
        }
        let (count, input_bytes) = (self.stages.len(), self.input_bytes());
        let Some(stage) = self.stages.last_mut() else { return Err(gap) };
        if usize::from(values.stage) + 1 != count || values.offset as usize != stage.len() {
            return Err(gap);
        }
        self.total += values.values.len();
        if self.total > MOST_VALUES {
            return Err(ClientError::Endless("it has too many values"));
        }
        if values.stage == 0 {
            if let Some(&wrong) = values.values.iter().find(|&&pixel| u8::try_from(pixel).is_err()) {
                return Err(impossible(format!("a pixel of {wrong}, which is not 0 to 255")));
            }
            if let Some(expected) = input_bytes
                && stage.len() + values.values.len() > expected
            {
                return Err(impossible(format!("more pixels than the {expected} of the model's input")));
            }
        }
        stage.extend_from_slice(&values.values);
        Ok(())
    }

    /// Returns the values of all stages, complete.
    ///
    /// # Errors
    /// [`ClientError::Impossible`] if some are missing.
    pub(super) fn finish(self) -> Result<Vec<Vec<i32>>, ClientError> {
        if self.report == Report::AllValues
            && let Some(Sizes { classes, .. }) = self.sizes
        {
            self.check_pixels_end()?;
            let logits = self.stages.get(1..).and_then(<[_]>::last).map_or(0, Vec::len);
            if self.stages.is_empty() {
                return Err(impossible("none of the values that were asked for".to_owned()));
            }
            if logits != usize::from(classes) {
                return Err(impossible(format!("{logits} logits for {classes} classes")));
            }
        }
        Ok(self.stages)
    }

    fn input_bytes(&self) -> Option<usize> {
        self.sizes.and_then(|sizes| sizes.input_bytes)
    }

    /// Checks that the first stage, if there is one, has all pixels of the input.
    fn check_pixels_end(&self) -> Result<(), ClientError> {
        match (self.stages.first(), self.input_bytes()) {
            (Some(pixels), Some(expected)) if pixels.len() != expected => {
                Err(impossible(format!("{} pixels instead of the {expected} of the model's input", pixels.len())))
            }
            _ => Ok(()),
        }
    }
}

fn impossible(what: String) -> ClientError {
    ClientError::Impossible(what)
}
