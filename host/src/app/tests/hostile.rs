//! Capturing and watching with devices that report nonsense or do not answer.

use std::sync::mpsc::{self, Receiver, Sender};

use pinhole_boards::board::Board;
use pinhole_boards::board_camera::{BoardCamera, BoardCameraError, PixelsError};
use pinhole_boards::device::{ClientError, InferenceDevice, InferenceDeviceError, PortableDevice, Stop};
use pinhole_core::inference::Inference;
use pinhole_core::model_file::Packing;
use pinhole_core::photos::Picture;
use pinhole_shared::link::{Identity, Report, Statistics};
use pinhole_shared::pixels::{PictureSize, PixelFormat};
use pinhole_shared::policy::Policy;
use pinhole_train::runs::Trained;

use super::super::board::{BoardError, BoardTarget, Connection, check_model};
use super::super::capture::{PictureCaptureError, capture};
use super::super::watching::Watching;
use crate::watch::{next_smoothing, step_probability};

/// A device that works, but for the changes.
#[derive(Debug)]
struct Liar {
    inner: PortableDevice,
    identity: Identity,
    lie: fn(&mut Inference),
    /// Captures do not end before this is requested. Told when one begins.
    stuck: Option<Sender<()>>,
    stop: Stop,
}

fn model() -> Trained {
    pinhole_train::runs::open("drawn".as_ref()).unwrap()
}

impl Liar {
    fn new(lie: fn(&mut Inference)) -> Self {
        let mut inner = PortableDevice::new(&model().model, Packing::CortexM4).unwrap();
        let size = PictureSize { width: 50, height: 50 };
        inner.show(Picture::new(size, PixelFormat::Gray8, vec![9; 2500]).unwrap()).unwrap();
        let identity = inner.identity().clone();
        Self { inner, identity, lie, stuck: None, stop: Stop::default() }
    }

    fn stuck() -> (Self, Receiver<()>) {
        let (begins, begun) = mpsc::channel();
        (Self { stuck: Some(begins), ..Self::new(|_| ()) }, begun)
    }
}

impl InferenceDevice for Liar {
    fn identity(&self) -> &Identity {
        &self.identity
    }

    fn classify(&mut self, input: &[u8], report: Report) -> Result<Inference, InferenceDeviceError> {
        self.inner.classify(input, report)
    }

    fn capture(&mut self, report: Report) -> Result<Inference, InferenceDeviceError> {
        if let Some(begins) = &self.stuck {
            begins.send(()).unwrap();
            while !self.stop.is_requested() {
                std::thread::yield_now();
            }
            return Err(ClientError::Stopped.into());
        }
        let mut inference = self.inner.capture(report)?;
        (self.lie)(&mut inference);
        Ok(inference)
    }

    fn policy(&mut self) -> Result<Policy, InferenceDeviceError> {
        self.inner.policy()
    }

    fn set_policy(&mut self, policy: Policy) -> Result<(), InferenceDeviceError> {
        self.inner.set_policy(policy)
    }

    fn statistics(&mut self) -> Result<Statistics, InferenceDeviceError> {
        self.inner.statistics()
    }

    fn stop(&self) -> Stop {
        self.stop.clone()
    }
}

#[test]
fn captures_that_are_no_pictures_are_errors() {
    let lies: [fn(&mut Inference); 8] = [
        |lie| lie.stages[0].truncate(2499),
        |lie| lie.stages[0].push(0),
        |lie| lie.stages[0].clear(),
        |lie| lie.stages.clear(),
        |lie| lie.stages[0] = vec![0; 65_535],
        |lie| lie.stages[0] = vec![0; 7500],
        |lie| lie.stages[0][7] = -5,
        |lie| lie.stages[0][7] = 256,
    ];
    for (number, lie) in lies.into_iter().enumerate() {
        let folder = tempfile::tempdir().unwrap();
        let mut camera = BoardCamera::new(Box::new(Liar::new(lie)));
        let result = capture(&mut camera, folder.path(), "ring", 2, &mut ());
        let Err(PictureCaptureError::Frame(BoardCameraError::Pixels(wrong))) = result else {
            panic!("lie {number}: {result:?}")
        };
        assert_eq!(matches!(wrong, PixelsError::Range { .. }), number >= 6, "lie {number}: {wrong}");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "lie {number}");
    }
    let folder = tempfile::tempdir().unwrap();
    let all = capture(&mut BoardCamera::new(Box::new(Liar::new(|_| ()))), folder.path(), "ring", 2, &mut ()).unwrap();
    assert_eq!(all.len(), 2);
}

#[test]
fn inputs_that_do_not_exist_are_errors() {
    let changes: [fn(&mut Identity); 3] = [
        |identity| identity.pipeline = 1,
        |identity| identity.input_height = 0,
        |identity| (identity.input_height, identity.input_width) = (0, 0),
    ];
    for change in changes {
        let folder = tempfile::tempdir().unwrap();
        let mut device = Liar::new(|_| ());
        change(&mut device.identity);
        let result = capture(&mut BoardCamera::new(Box::new(device)), folder.path(), "ring", 1, &mut ());
        assert!(matches!(result, Err(PictureCaptureError::UnknownInput)), "{result:?}");
    }
}

/// The checksum alone is not the model: the rest of the identity sizes what is shown.
#[test]
fn an_identity_that_is_not_the_models_is_an_error() {
    let changes: [fn(&mut Identity); 4] = [
        |identity| identity.input_height = 65_535,
        |identity| identity.input_width = 49,
        |identity| identity.classes = 3,
        |identity| identity.pipeline = 1,
    ];
    let trained = model();
    for change in changes {
        let mut identity = Liar::new(|_| ()).identity;
        check_model(&trained, Board::Qemu, &identity).unwrap();
        change(&mut identity);
        let error = check_model(&trained, Board::Qemu, &identity).unwrap_err();
        assert!(matches!(error, BoardError::OtherNumbers { .. }), "{error}");
    }
}

#[test]
fn names_in_advice_are_filled_in() {
    let error = BoardError::OtherBoard { port: "COM3".to_owned(), got: "pico".to_owned(), board: Board::Qemu };
    let help = miette::Diagnostic::help(&error).unwrap().to_string();
    assert!(help.contains("--board pico"), "{help}");
}

fn watching(device: Liar) -> Watching {
    let target = BoardTarget { board: Board::Qemu, camera: None, connection: Connection::default() };
    Watching::new(BoardCamera::new(Box::new(device)), &target, &model()).unwrap()
}

/// Waits until something has changed.
fn next(watching: &mut Watching) {
    while !watching.update().unwrap() {
        std::thread::yield_now();
    }
}

#[test]
fn a_view_serves_its_user_while_the_device_is_stuck() {
    let (device, begun) = Liar::stuck();
    let mut watching = watching(device);
    watching.capture();
    begun.recv().unwrap();
    // None of these waits for the device.
    watching.capture();
    watching.set_policy(|policy| step_probability(policy, 1));
    assert!(!watching.update().unwrap());
    assert!(watching.is_capturing());
    assert_eq!((watching.state.frames, watching.state.policy), (0, Policy::NONE));
    // The end of the view ends the wait.
    drop(watching);
    assert!(begun.recv().is_err(), "the device is let go, and no second capture was begun");
}

#[test]
fn captures_and_policies_reach_the_state() {
    let mut watching = watching(Liar::new(|_| ()));
    watching.capture();
    next(&mut watching);
    assert!(!watching.is_capturing());
    assert_eq!((watching.state.frames, watching.state.frame.as_ref().unwrap().probabilities.len()), (1, 2));
    let before = watching.state.policy;
    watching.set_policy(next_smoothing);
    watching.set_policy(|policy| step_probability(policy, 1));
    let wanted = step_probability(next_smoothing(before), 1);
    while watching.state.policy != wanted {
        next(&mut watching);
    }
}

#[test]
fn nonsense_is_told_in_the_view() {
    let mut watching = watching(Liar::new(|lie| lie.stages[3].push(0)));
    watching.capture();
    next(&mut watching);
    assert!(watching.state.frame.is_none() && watching.state.trouble.is_some());
}
