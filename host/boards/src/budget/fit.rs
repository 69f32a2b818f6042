//! Compares a model's requirements with a board.

use std::fmt;

use pinhole_cameras::arducam_mini::Config;
use pinhole_declaration::{Buffers, Camera, Declaration};
use pinhole_shared::model::Model;
use pinhole_shared::pixels::InputShape;
use serde::Serialize;

use super::Requirements;
use super::predict::modeled_time_ms;

/// Resource of a board that a model uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Resource {
    /// Bytes of flash.
    Flash,
    /// Bytes of the input.
    Input,
    /// Bytes of a row of the input.
    InputRow,
    /// Channels of the input.
    InputChannels,
    /// Bytes of a row of the camera's pictures for the input.
    CameraRow,
    /// 32-bit accumulators: outputs of the widest layer, rounded up to whole blocks of rows.
    Accumulators,
    /// 16-bit activations: outputs of the widest hidden layer.
    Activations,
    /// Scratch words for the widened inputs of a chunk.
    Lanes,
    /// Arena, bytes.
    Arena,
    /// Modeled time of an inference, ms; the board has the period of its watchdog.
    InferenceMs,
}

/// Shortfall: a model requires more of a resource than the board has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Shortfall {
    /// The resource.
    pub resource: Resource,
    /// Amount that the model requires.
    pub needs: u64,
    /// Amount that the board has.
    pub has: u64,
}

impl Shortfall {
    /// Returns advice on how to make the model fit.
    pub fn advice(&self) -> String {
        let has = self.has;
        match self.resource {
            Resource::Flash => "use a smaller input, fewer hidden neurons, or weights of 4 bits".to_owned(),
            Resource::Input => format!("train with a smaller input: height x width x channels of at most {has}"),
            Resource::InputRow => format!("train with a narrower input: width x channels of at most {has}"),
            Resource::InputChannels => "train with color = \"gray\"".to_owned(),
            Resource::CameraRow => {
                // Two bytes per pixel. The camera gives its whole field, 4:3, except for square inputs with fit = "crop".
                let width = has / 2;
                format!("train with an input of at most {width}x{} pixels (width x height)", width / 4 * 3)
            }
            Resource::Accumulators | Resource::Activations => format!("use layers of at most {has} neurons"),
            Resource::Arena => format!(
                "use a smaller input or fewer channels in the first layers, or declare {} arena_bytes in the board's file",
                self.needs
            ),
            Resource::Lanes => format!("declare {} lanes in the board's file", self.needs),
            Resource::InferenceMs => {
                "use a smaller input, fewer channels in the first layers, or smaller windows of poolings".to_owned()
            }
        }
    }
}

impl fmt::Display for Shortfall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { resource, needs, has } = self;
        match resource {
            Resource::Flash => write!(f, "the model has {needs} bytes, and the board has flash for {has}"),
            Resource::Input => write!(f, "its input has {needs} bytes, and the board has room for {has}"),
            Resource::InputRow => {
                write!(f, "a row of its input has {needs} bytes, and the board has room for {has}")
            }
            Resource::InputChannels => write!(f, "its input has {needs} channels, and the board has room for {has}"),
            Resource::CameraRow => write!(
                f,
                "a row of the camera's pictures for its input has {needs} bytes, and the board has room for {has}"
            ),
            Resource::Accumulators => write!(f, "its widest layer needs {needs} accumulators, and the board has {has}"),
            Resource::Activations => {
                write!(f, "its widest hidden layer has {needs} activations, and the board has room for {has}")
            }
            Resource::Arena => write!(f, "its layers' tensors need {needs} bytes of arena, and the board has {has}"),
            Resource::InferenceMs => write!(
                f,
                "an inference takes {needs} ms (modeled), and the board's watchdog resets a program that is busy for {has} ms"
            ),
            Resource::Lanes => write!(f, "its widened inputs need {needs} words, and the board has {has}"),
        }
    }
}

/// All shortfalls of a model on a board.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shortfalls(pub Vec<Shortfall>);

impl Shortfalls {
    /// Returns the advice for all shortfalls, without adjacent repetitions.
    pub fn advice(&self) -> String {
        let mut advice: Vec<String> = self.0.iter().map(Shortfall::advice).collect();
        advice.dedup();
        advice.join("; ")
    }
}

impl fmt::Display for Shortfalls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let all: Vec<String> = self.0.iter().map(Shortfall::to_string).collect();
        f.write_str(&all.join("; "))
    }
}

/// Bytes of a row of the pictures that a camera gives for an input that fits the board's buffers, or would give if its sensor were
/// larger; 0 if the host does not know the camera.
fn camera_row_bytes(camera: Option<Camera>, input: InputShape) -> usize {
    match camera {
        Some(Camera::ArducamMini) => Config::for_input(input).map_or_else(
            |_| 2 * usize::from(input.width).max(usize::from(input.height) * 4 / 3),
            |config| config.frame().row_bytes(),
        ),
        None => 0,
    }
}

/// Returns the shortfalls of a model (packed for the board); empty if it fits.
pub fn shortfalls(model: &Model<'_>, board: &Declaration) -> Vec<Shortfall> {
    shortfalls_of(&Requirements::of(model), modeled_time_ms(model, board), board)
}

/// Returns the shortfalls of a model with these requirements and this time of an inference, ms.
fn shortfalls_of(needs: &Requirements, time_ms: f64, board: &Declaration) -> Vec<Shortfall> {
    let Buffers { input_channels, accumulators, activations, lanes, arena_bytes, .. } = board.buffers;
    let (input_bytes, input_row_bytes) = (board.buffers.input_bytes(), board.buffers.input_row_bytes());
    // No camera is asked for an input without room: that is said already, and its sides may be beyond any camera's numbers.
    let has_room = needs.input_bytes <= input_bytes as usize && needs.input_row_bytes <= input_row_bytes as usize;
    let camera_row = if has_room { camera_row_bytes(board.board.camera, needs.input) } else { 0 };
    [
        (Resource::Flash, needs.flash_bytes, board.model.bytes),
        (Resource::Input, needs.input_bytes, input_bytes),
        (Resource::InputRow, needs.input_row_bytes, input_row_bytes),
        (Resource::InputChannels, needs.input_channels.into(), input_channels.into()),
        (Resource::CameraRow, camera_row, board.buffers.row_bytes),
        (Resource::Accumulators, needs.accumulators, accumulators),
        (Resource::Activations, needs.activations, activations),
        (Resource::Lanes, needs.scratch, lanes),
        (Resource::Arena, needs.arena_bytes, arena_bytes),
        (Resource::InferenceMs, time_ms.ceil() as usize, board.watchdog_ms),
    ]
    .into_iter()
    .map(|(resource, needs, has)| Shortfall { resource, needs: needs as u64, has: u64::from(has) })
    .filter(|shortfall| shortfall.needs > shortfall.has)
    .collect()
}

#[cfg(test)]
mod tests {
    use pinhole_shared::pixels::{Color, Fit};

    use super::*;
    use crate::board::Board;

    fn needs(declaration: &Declaration) -> Requirements {
        let Buffers { input_side_px, input_channels, accumulators, activations, lanes, arena_bytes, .. } =
            declaration.buffers;
        Requirements {
            input: InputShape::rgb(input_side_px),
            flash_bytes: declaration.model.bytes as usize,
            input_height_px: input_side_px,
            input_width_px: input_side_px,
            input_channels,
            input_bytes: declaration.buffers.input_bytes() as usize,
            input_row_bytes: declaration.buffers.input_row_bytes() as usize,
            accumulators: accumulators as usize,
            activations: activations as usize,
            scratch: lanes as usize,
            arena_bytes: arena_bytes as usize,
        }
    }

    /// A board whose buffers all have different sizes, so that none is taken for another.
    fn board() -> Declaration {
        let mut declaration = Board::Qemu.declaration().clone();
        declaration.buffers.activations -= 1;
        declaration
    }

    #[test]
    fn what_just_fits_fits() {
        assert_eq!(shortfalls_of(&needs(&board()), f64::from(board().watchdog_ms), &board()), []);
    }

    #[test]
    fn one_more_of_anything_does_not() {
        let declaration = board();
        let exact = needs(&declaration);
        let more = [
            (Resource::Flash, Requirements { flash_bytes: exact.flash_bytes + 1, ..exact }),
            (Resource::Input, Requirements { input_bytes: exact.input_bytes + 1, ..exact }),
            (Resource::InputRow, Requirements { input_row_bytes: exact.input_row_bytes + 1, ..exact }),
            (Resource::InputChannels, Requirements { input_channels: exact.input_channels + 1, ..exact }),
            (Resource::Accumulators, Requirements { accumulators: exact.accumulators + 1, ..exact }),
            (Resource::Activations, Requirements { activations: exact.activations + 1, ..exact }),
            (Resource::Lanes, Requirements { scratch: exact.scratch + 1, ..exact }),
            (Resource::Arena, Requirements { arena_bytes: exact.arena_bytes + 1, ..exact }),
        ];
        for (resource, needs) in more {
            let [shortfall] = shortfalls_of(&needs, 1.0, &declaration)[..] else { panic!("{resource:?}") };
            assert_eq!((shortfall.resource, shortfall.needs), (resource, shortfall.has + 1));
        }
        let [shortfall] = shortfalls_of(&exact, f64::from(declaration.watchdog_ms) + 0.1, &declaration)[..] else {
            panic!()
        };
        let Shortfall { resource, needs, has } = shortfall;
        assert_eq!((resource, needs, has), (Resource::InferenceMs, has + 1, u64::from(declaration.watchdog_ms)));
    }

    /// Height and width of inputs, and the bytes of the camera's rows if the boards' buffer is too small for them.
    #[test]
    fn the_camera_of_a_real_board_limits_the_input() {
        let cases = [
            ([96, 288], Fit::Letterbox, None),
            ([240, 96], Fit::Crop, None),
            ([241, 96], Fit::Crop, Some(672)),
            ([288, 96], Fit::Crop, Some(768)),
            ([288, 96], Fit::Stretch, Some(768)),
            ([166, 166], Fit::Crop, None),
            ([166, 166], Fit::Stretch, None),
            // Beyond the sensor.
            ([1200, 20], Fit::Crop, Some(3200)),
            ([1201, 20], Fit::Crop, Some(3202)),
            ([27_648, 1], Fit::Crop, Some(73_728)),
        ];
        for board in [Board::Pico, Board::Pico2, Board::Nrf52840Dk, Board::NucleoF446re, Board::Qemu] {
            let declaration = board.declaration();
            for ([height, width], fit, row) in cases {
                let input = InputShape { height, width, color: Color::Gray, fit };
                let (input_bytes, input_row_bytes) = (input.bytes(), input.row_bytes());
                let needs = Requirements { input, input_bytes, input_row_bytes, ..needs(declaration) };
                let row = row.filter(|_| !board.is_emulated());
                let expected = row.map(|needs| Shortfall { resource: Resource::CameraRow, needs, has: 640 });
                assert_eq!(shortfalls_of(&needs, 1.0, declaration), Vec::from_iter(expected), "{board:?}, {input}");
            }
            // Too large for the board already, and for the numbers of any camera.
            let input = InputShape { height: u16::MAX, ..InputShape::gray(1) };
            let needs = Requirements { input, input_bytes: input.bytes(), input_row_bytes: 1, ..needs(declaration) };
            let [shortfall] = shortfalls_of(&needs, 1.0, declaration)[..] else { panic!("{board:?}") };
            assert_eq!(shortfall.resource, Resource::Input);
        }
    }

    #[test]
    fn every_shortfall_is_named_with_its_advice() {
        let neurons = "use layers of at most 5 neurons";
        for (resource, words, advice) in [
            (
                Resource::Flash,
                "the model has 12 bytes, and the board has flash for 5",
                "use a smaller input, fewer hidden neurons, or weights of 4 bits",
            ),
            (
                Resource::Input,
                "its input has 12 bytes, and the board has room for 5",
                "train with a smaller input: height x width x channels of at most 5",
            ),
            (
                Resource::InputRow,
                "a row of its input has 12 bytes, and the board has room for 5",
                "train with a narrower input: width x channels of at most 5",
            ),
            (
                Resource::InputChannels,
                "its input has 12 channels, and the board has room for 5",
                "train with color = \"gray\"",
            ),
            (Resource::Accumulators, "its widest layer needs 12 accumulators, and the board has 5", neurons),
            (
                Resource::Activations,
                "its widest hidden layer has 12 activations, and the board has room for 5",
                neurons,
            ),
            (
                Resource::Lanes,
                "its widened inputs need 12 words, and the board has 5",
                "declare 12 lanes in the board's file",
            ),
            (
                Resource::Arena,
                "its layers' tensors need 12 bytes of arena, and the board has 5",
                "use a smaller input or fewer channels in the first layers, or declare 12 arena_bytes in the board's file",
            ),
            (
                Resource::InferenceMs,
                "an inference takes 12 ms (modeled), and the board's watchdog resets a program that is busy for 5 ms",
                "use a smaller input, fewer channels in the first layers, or smaller windows of poolings",
            ),
        ] {
            let shortfall = Shortfall { resource, needs: 12, has: 5 };
            assert_eq!((shortfall.to_string().as_str(), shortfall.advice().as_str()), (words, advice));
        }
        let row = Shortfall { resource: Resource::CameraRow, needs: 768, has: 640 };
        let words = "a row of the camera's pictures for its input has 768 bytes, and the board has room for 640";
        let advice = "train with an input of at most 320x240 pixels (width x height)";
        assert_eq!((row.to_string().as_str(), row.advice().as_str()), (words, advice));
        // Both at once, in their order; the same advice once.
        let both = [Resource::Accumulators, Resource::Activations];
        let both = Shortfalls(both.map(|resource| Shortfall { resource, needs: 12, has: 5 }).to_vec());
        assert_eq!(both.to_string(), both.0.iter().map(Shortfall::to_string).collect::<Vec<_>>().join("; "));
        assert_eq!(both.advice(), neurons);
    }
}
