//! A device without hardware, real or emulated: a packed model, run by the portable version of a board's kernel.

use pinhole_core::inference::Inference;
use pinhole_core::model_file::portable::run_all_packed;
use pinhole_core::model_file::{ModelFile, PackError, PackedModel, Packing};
use pinhole_core::photos::Picture;
use pinhole_shared::link::{Identity, Name, PROTOCOL, Refusal, Report, Statistics};
use pinhole_shared::policy::{Policy, Smoother};

use super::{ClientError, InferenceDevice, InferenceDeviceError};

/// Board name in its identity; there is no board.
const BOARD: &str = "portable";

/// A packed model, run by the portable version of a kernel. It answers like a device, without a link.
///
/// A proof with it is weaker than with a board. It covers the kernel's algorithm and the packing, but not the device's
/// assembly, compiler, camera and link.
#[derive(Debug)]
pub struct PortableDevice {
    packing: Packing,
    packed: PackedModel,
    identity: Identity,
    policy: Policy,
    smoother: Smoother,
    shown: Option<Picture>,
    statistics: Statistics,
}

impl PortableDevice {
    /// Packs a model for a kernel.
    ///
    /// # Errors
    /// [`PackError`].
    pub fn new(model: &ModelFile, packing: Packing) -> Result<Self, PackError> {
        let packed = model.packed(packing)?;
        let model = packed.model();
        let identity = Identity {
            protocol: PROTOCOL,
            board: short(BOARD),
            kernel: short(packing.kernel().name),
            pipeline: model.input().pipeline_id(),
            model_checksum: model.checksum(),
            model_bytes: model.file_bytes(),
            input_height: model.input().height,
            input_width: model.input().width,
            classes: model.class_names().count() as u16,
        };
        let policy = model.policy();
        let (smoother, statistics) = (Smoother::default(), Statistics::default());
        Ok(Self { packing, packed, identity, policy, smoother, shown: None, statistics })
    }

    /// Runs an input of the right length and returns every integer, or only the decision. The verdict is for this input
    /// alone.
    fn run(&mut self, input: &[u8], report: Report) -> Inference {
        let mut inference =
            run_all_packed(self.packing, &self.packed.model(), input).expect("it was packed for this kernel");
        if report == Report::Decision {
            inference.stages.clear();
        }
        inference.verdict = self.policy.judge(inference.decision);
        self.statistics.decisions += 1;
        inference
    }
}

impl InferenceDevice for PortableDevice {
    fn identity(&self) -> &Identity {
        &self.identity
    }

    fn classify(&mut self, input: &[u8], report: Report) -> Result<Inference, InferenceDeviceError> {
        match input.len().cmp(&self.packed.model().inputs()) {
            std::cmp::Ordering::Less => Err(refused(Refusal::NoInput)),
            std::cmp::Ordering::Equal => Ok(self.run(input, report)),
            std::cmp::Ordering::Greater => Err(refused(Refusal::WrongOffset)),
        }
    }

    fn show(&mut self, picture: Picture) -> Result<(), InferenceDeviceError> {
        self.shown = Some(picture);
        Ok(())
    }

    fn capture(&mut self, report: Report) -> Result<Inference, InferenceDeviceError> {
        let shown = self.shown.as_ref().ok_or_else(|| refused(Refusal::Camera))?;
        let input = shown.shrink(self.packed.model().input()).map_err(|_| refused(Refusal::Picture))?;
        self.statistics.captures += 1;
        let mut inference = self.run(&input, report);
        inference.verdict = self.smoother.see(&self.policy, inference.decision);
        Ok(inference)
    }

    fn policy(&mut self) -> Result<Policy, InferenceDeviceError> {
        Ok(self.policy)
    }

    fn set_policy(&mut self, policy: Policy) -> Result<(), InferenceDeviceError> {
        self.policy = policy;
        self.smoother.reset();
        Ok(())
    }

    fn statistics(&mut self) -> Result<Statistics, InferenceDeviceError> {
        Ok(self.statistics)
    }
}

fn refused(refusal: Refusal) -> InferenceDeviceError {
    ClientError::Refused(refusal).into()
}

/// Shortens a name to fit.
fn short(name: &str) -> Name {
    Name::try_from(name).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use pinhole_shared::pixels::{PictureSize, PixelFormat};

    use super::*;

    fn model() -> ModelFile {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../data/models/drawn/model.pinhole");
        ModelFile::read(path.as_ref()).unwrap()
    }

    #[test]
    fn inputs_and_captures_are_the_hosts_and_refusals_a_devices() {
        let model = model();
        let mut engine = model.engine();
        for packing in Packing::ALL {
            let mut device = PortableDevice::new(&model, packing).unwrap();
            let identity = device.identity();
            assert_eq!((identity.board.as_str(), identity.input()), (BOARD, Some(model.model().input())));
            assert!(!identity.kernel.is_empty(), "{packing:?}");
            let refusal = |result: Result<Inference, InferenceDeviceError>| match result {
                Err(InferenceDeviceError::Request(ClientError::Refused(refusal))) => refusal,
                other => panic!("{other:?}"),
            };
            assert_eq!(refusal(device.classify(&[0; 2499], Report::AllValues)), Refusal::NoInput);
            assert_eq!(refusal(device.classify(&[0; 2501], Report::AllValues)), Refusal::WrongOffset);
            assert_eq!(refusal(device.capture(Report::AllValues)), Refusal::Camera, "nothing is shown");

            let input: Vec<u8> = (0..2500).map(|pixel| (pixel * 7 % 256) as u8).collect();
            let expected = engine.run_all(&input);
            assert_eq!(device.classify(&input, Report::AllValues).unwrap(), expected, "{packing:?}");
            let picture =
                |side| Picture::new(PictureSize { width: side, height: side }, PixelFormat::Gray8, input.clone());
            device.show(picture(50).unwrap()).unwrap();
            assert_eq!(device.capture(Report::AllValues).unwrap(), expected, "{packing:?}");
            let decision_only = device.capture(Report::Decision).unwrap();
            assert_eq!((decision_only.stages.len(), decision_only.decision), (0, expected.decision));
            let small = Picture::new(PictureSize { width: 49, height: 1 }, PixelFormat::Gray8, vec![0; 49]).unwrap();
            device.show(small).unwrap();
            assert_eq!(refusal(device.capture(Report::Decision)), Refusal::Picture);
            let statistics = device.statistics().unwrap();
            assert_eq!((statistics.captures, statistics.decisions), (2, 3));
        }
    }
}
