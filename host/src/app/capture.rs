//! Captures training pictures with a board's own camera.

use std::path::{Path, PathBuf};

use image::{ExtendedColorType, ImageEncoder as _};
use miette::Diagnostic;
use pinhole_boards::board_camera::{BoardCamera, BoardCameraError, CapturedFrame};
use pinhole_core::artifacts::{WriteError, check_folder_place, create_folder, write_file};
use pinhole_shared::link::Report;
use pinhole_shared::pixels::{Color, InputShape};
use serde::Serialize;
use thiserror::Error;

use super::events::{Events, Note};

/// Number of tries for each picture.
const TRIES: u32 = 4;

/// A captured picture.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CapturedPicture {
    /// Its file.
    pub path: PathBuf,
    /// The photo that was shown to an emulated board's camera.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub of: Option<PathBuf>,
}

/// Error of capturing pictures. Earlier pictures are kept.
#[derive(Debug, Error, Diagnostic)]
pub enum PictureCaptureError {
    /// The label is not a valid folder name.
    #[error("--label {label:?} is not a valid folder name")]
    #[diagnostic(help("give the name of a class, such as muffin"))]
    Label {
        /// The label.
        label: String,
    },
    /// The board's camera delivered no picture.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Frame(#[from] BoardCameraError),
    /// The board's model takes other pixels than this Pinhole knows, or none.
    #[error("the model on the board takes pictures that this Pinhole does not know")]
    #[diagnostic(help("flash the board with this version of Pinhole"))]
    UnknownInput,
    /// A picture cannot be written.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Write(#[from] WriteError),
    /// A picture cannot be encoded as a PNG file.
    #[error(transparent)]
    Png(#[from] image::ImageError),
}

/// Checks that a label is a valid folder name.
///
/// # Errors
/// [`PictureCaptureError::Label`].
pub fn check_label(label: &str) -> Result<(), PictureCaptureError> {
    if label.is_empty() || Path::new(label).file_name() != Some(label.as_ref()) {
        return Err(PictureCaptureError::Label { label: label.to_owned() });
    }
    Ok(())
}

/// Returns the folder for pictures of a class, without creating it.
///
/// # Errors
/// [`PictureCaptureError::Label`], or [`PictureCaptureError::Write`] if the folder cannot be created.
pub fn folder(out: &Path, label: &str) -> Result<PathBuf, PictureCaptureError> {
    check_label(label)?;
    let folder = out.join(label);
    check_folder_place(&folder)?;
    Ok(folder)
}

/// Captures this number of pictures of a class into a folder, which is created if necessary. Existing files are kept. A
/// fault of the camera or of the link is reported, and the capture is tried again.
///
/// # Errors
/// [`PictureCaptureError`].
pub fn capture(
    camera: &mut BoardCamera,
    folder: &Path,
    label: &str,
    count: u32,
    events: &mut dyn Events,
) -> Result<Vec<CapturedPicture>, PictureCaptureError> {
    let input = camera.device().identity().input().filter(|input| input.bytes() > 0);
    let input = input.ok_or(PictureCaptureError::UnknownInput)?;
    create_folder(folder)?;
    let mut all = Vec::with_capacity(count as usize);
    let mut number = 0;
    while all.len() < count as usize {
        let frame = frame(camera, events)?;
        let pixels = frame.pixels(input).map_err(BoardCameraError::from)?;
        let path = free(folder, label, &mut number);
        write_file(&path, &png(&pixels, input)?)?;
        events.note(&Note::Captured { path: path.clone() });
        all.push(CapturedPicture { path, of: frame.shown });
        if events.should_stop() {
            break;
        }
    }
    Ok(all)
}

/// Captures one picture; tries again after a passing fault.
fn frame(camera: &mut BoardCamera, events: &mut dyn Events) -> Result<CapturedFrame, BoardCameraError> {
    for _ in 1..TRIES {
        match camera.capture(Report::AllValues) {
            Err(error) if error.is_passing() => events.note(&Note::TryingAgain { reason: error.to_string() }),
            result => return result,
        }
    }
    camera.capture(Report::AllValues)
}

/// Returns the next unused file name, so that earlier captures are kept.
fn free(folder: &Path, label: &str, number: &mut u32) -> PathBuf {
    loop {
        *number += 1;
        let path = folder.join(format!("{label}-{number:04}.png"));
        if !path.exists() {
            return path;
        }
    }
}

/// Encodes the network's input, gray or color, as a PNG file. Its pixels are the same when it is read again.
///
/// # Panics
/// If there are not as many pixels as the input has: the encoder's contract.
fn png(pixels: &[u8], input: InputShape) -> Result<Vec<u8>, image::ImageError> {
    let color = match input.color {
        Color::Gray => ExtendedColorType::L8,
        Color::Rgb => ExtendedColorType::Rgb8,
    };
    let mut bytes = Vec::new();
    let encoder = image::codecs::png::PngEncoder::new(&mut bytes);
    encoder.write_image(pixels, input.width.into(), input.height.into(), color)?;
    Ok(bytes)
}
