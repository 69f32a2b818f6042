//! The parts of the picture: a report, and a screen of `watch`.

use std::path::PathBuf;
use std::time::Instant;

use miette::{IntoDiagnostic as _, Result, miette};
use pinhole::board_camera::CapturedFrame;
use pinhole::device::InferenceDevice;
use pinhole::evaluate::Evaluation;
use pinhole::explain::explain;
use pinhole::model_file::ModelFile;
use pinhole::photos::{Dataset, decode};
use pinhole::report::pictures;
use pinhole::watch::{ClassifiedFrame, WatchState, view};
use pinhole_shared::link::Report;
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::buffer::Buffer;

use super::svg::Svg;

/// Columns and rows of the terminal.
const SCREEN: (u16, u16) = (87, 26);
/// Number of pictures with an explanation.
const EXPLAINED: usize = 3;

/// Adds the report's numbers: accuracy, confusion matrix, and the decisive pixels.
pub(super) fn report(svg: &mut Svg, model: &ModelFile, photos: &Dataset, evaluation: &Evaluation) {
    svg.sans((30, 52), 22, 700, "report.html");
    let count = evaluation.photos;
    svg.sans((30, 86), 15, 400, &format!("{count} synthetic pictures that it was not trained on"));
    svg.sans((30, 126), 34, 700, &format!("{:.3}", evaluation.int8.accuracy));
    svg.sans((146, 126), 15, 400, "accuracy of the device's integers");
    svg.sans((30, 170), 15, 700, "Confusion matrix");
    for (column, name) in evaluation.classes.iter().enumerate() {
        svg.sans((150 + 130 * column as u32, 196), 13, 400, &format!("as {name}"));
    }
    for (row, counts) in evaluation.int8.confusion.iter().enumerate() {
        let y = 206 + 50 * row as u32;
        svg.sans((30, y + 30), 13, 400, &evaluation.classes[row]);
        for (column, &of) in counts.iter().enumerate() {
            let fill = if row == column {
                "#aceebb"
            } else if of > 0 {
                "#ffcecb"
            } else {
                "#eaeef2"
            };
            svg.rect((150.0 + 130.0 * column as f64, y.into(), 122.0, 44.0), fill);
            svg.sans((200 + 130 * column as u32, y + 29), 18, 700, &of.to_string());
        }
    }
    svg.sans((30, 345), 15, 700, "Which pixels decided");
    let size = model.model().input().size();
    let step = (photos.examples.len() / EXPLAINED).max(1);
    for (place, example) in photos.examples.iter().step_by(step).take(EXPLAINED).enumerate() {
        let x = 30 + 136 * place as u32;
        svg.image((x, 360, 120), &pictures::input(&example.pixels, size));
        svg.image((x, 488, 120), &pictures::overlay(&example.pixels, &explain(model, &example.pixels)));
    }
    svg.sans((30, 630), 12, 400, "as the network sees it; orange speaks for its decision, blue against");
}

/// Returns a screen of `watch`, after the board has captured and classified these pictures.
pub(super) fn watch(model: &ModelFile, board: &mut dyn InferenceDevice, photos: &[PathBuf]) -> Result<Buffer> {
    let classes: Vec<String> = model.model().class_names().map(str::to_owned).collect();
    let device = format!("{}, {}", board.identity().board, board.identity().kernel);
    let mut state = WatchState::new(device, model.model().input().size(), classes, None);
    let begun = Instant::now();
    for path in photos {
        let asked = Instant::now();
        board.show(decode::read(path)?)?;
        let inference = board.capture(Report::AllValues)?;
        let shown = path.file_name().map(PathBuf::from);
        let frame = CapturedFrame { inference, shown, photo: None, device: asked.elapsed() };
        let classified = ClassifiedFrame::of(frame, &board.statistics()?, model.model().input(), state.classes.len())
            .ok_or_else(|| miette!("the board did not report all integers"))?;
        state.add_frame(classified, begun.elapsed());
    }
    let log: Vec<String> = board.logs().iter().map(ToString::to_string).collect();
    state.logged(log.iter().map(String::as_str));
    let mut terminal = Terminal::new(TestBackend::new(SCREEN.0, SCREEN.1)).into_diagnostic()?;
    let frame = terminal.draw(|frame| view::draw(frame, &state)).into_diagnostic()?;
    Ok(frame.buffer.clone())
}
