//! Curves of a training, as SVG.

use maud::Markup;
use pinhole_train::Epoch;
use plotters::element::DashedPathElement;
use plotters::prelude::*;

use super::chart::{Axis, GRID, SIZE, chart};

/// A figure with two curves over the epochs.
pub(super) struct Figure<'a> {
    /// Title of the vertical axis.
    pub y_title: &'a str,
    /// Solid curve.
    pub training: fn(&Epoch) -> f64,
    /// Dashed curve.
    pub validation: fn(&Epoch) -> f64,
    /// Top of the vertical axis. Points above it are drawn on its edge, as triangles.
    pub top: f64,
    /// A value to compare with, and its name: a dotted line.
    pub reference: Option<(f64, &'a str)>,
    /// Epoch to mark.
    pub best: u32,
    /// Position of the legend, which the curves should leave free.
    pub legend: SeriesLabelPosition,
}

/// Height of the figure of the learning rate.
const RATE_HEIGHT: u32 = 170;
pub(super) const TRAINING: RGBColor = RGBColor(0x2f, 0x7d, 0xd1);
pub(super) const VALIDATION: RGBColor = RGBColor(0xd9, 0x6a, 0x1c);

/// Part of the points, counted from below, that an axis must show.
const SHOWN: f64 = 0.9;
/// Room above the highest of them, as a factor.
const ROOM: f64 = 1.25;

/// Returns the top of an axis of losses: the largest, unless that is far above nine tenths of them, as after the first epochs. A
/// guess's loss, `guess`, is always shown.
pub(super) fn robust_top(losses: impl Iterator<Item = f64>, guess: f64) -> f64 {
    let mut losses: Vec<f64> = losses.filter(|loss| loss.is_finite()).collect();
    losses.sort_by(f64::total_cmp);
    let Some(&largest) = losses.last() else { return guess * 1.05 };
    let usual = losses[((losses.len() as f64 * SHOWN).ceil() as usize).clamp(1, losses.len()) - 1];
    f64::max(largest.min(usual * ROOM), guess) * 1.05
}

/// Returns the number of epochs with a loss above the top of the axis.
pub(super) fn cut(epochs: &[Epoch], top: f64) -> usize {
    epochs.iter().filter(|epoch| epoch.training_loss.max(epoch.validation_loss) > top).count()
}

/// Returns the figure as an SVG element.
pub(super) fn svg(epochs: &[Epoch], figure: &Figure<'_>) -> Markup {
    let top = figure.top;
    chart(SIZE, epoch_axis(epochs), Axis::new(0.0..top, figure.y_title), Some(figure.legend.clone()), |chart| {
        let mark = (1..=8).map(|part| (figure.best, top * f64::from(part) / 8.0)).collect::<Vec<_>>();
        chart.draw_series(DashedLineSeries::new(
            [(figure.best, 0.0)].into_iter().chain(mark),
            2,
            5,
            GRID.stroke_width(1),
        ))?;
        if let Some((value, name)) = figure.reference {
            let (begin, last) = range(epochs);
            chart
                .draw_series(DashedLineSeries::new([(begin, value), (last, value)], 2, 4, GRID.stroke_width(2)))?
                .label(name)
                .legend(|(x, y)| DashedPathElement::new([(x, y), (x + 22, y)], 2, 4, GRID.stroke_width(2)));
        }
        let points = |value: fn(&Epoch) -> f64| epochs.iter().map(move |epoch| (epoch.epoch, value(epoch).min(top)));
        chart
            .draw_series(LineSeries::new(points(figure.training), TRAINING.stroke_width(2)))?
            .label("training")
            .legend(|(x, y)| PathElement::new([(x, y), (x + 22, y)], TRAINING.stroke_width(2)));
        chart
            .draw_series(DashedLineSeries::new(points(figure.validation), 6, 4, VALIDATION.stroke_width(2)))?
            .label("validation")
            .legend(|(x, y)| DashedPathElement::new([(x, y), (x + 22, y)], 6, 4, VALIDATION.stroke_width(2)));
        for (value, color) in [(figure.training, TRAINING), (figure.validation, VALIDATION)] {
            let above = epochs.iter().filter(|epoch| value(epoch) > top);
            // Below the edge, where they are whole.
            chart.draw_series(above.map(|epoch| TriangleMarker::new((epoch.epoch, top * 0.975), 5, color.filled())))?;
        }
        Ok(())
    })
}

fn epoch_axis(epochs: &[Epoch]) -> Axis<'_, u32> {
    let (begin, last) = range(epochs);
    Axis { labels: Some(8), ..Axis::new(begin..last, "epoch") }
}

fn range(epochs: &[Epoch]) -> (u32, u32) {
    let begin = epochs.first().map_or(1, |epoch| epoch.epoch);
    (begin, epochs.last().map_or(1, |epoch| epoch.epoch).max(begin + 1))
}

/// Draws the learning rate of the epochs that were run, on the same horizontal axis as the other figures. `rates` are those of
/// epochs 1, 2, ...
pub(super) fn rate(epochs: &[Epoch], rates: &[f64]) -> Markup {
    let (_, last) = range(epochs);
    let points: Vec<(u32, f64)> = (1..=last).zip(rates.iter().copied()).collect();
    let top = points.iter().map(|(_, rate)| *rate).fold(0.0, f64::max) * 1.05;
    let label = |rate: &f64| if *rate == 0.0 { "0".to_owned() } else { format!("{rate:.1e}") };
    let y = Axis { labels: Some(4), label: Some(&label), ..Axis::new(0.0..top, "learning rate") };
    chart((SIZE.0, RATE_HEIGHT), epoch_axis(epochs), y, None, |chart| {
        chart.draw_series(LineSeries::new(points, TRAINING.stroke_width(2)))?;
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spikes_do_not_squeeze_the_axis() {
        let calm = |count: usize| (0..count).map(|_| 0.5);
        assert_eq!(robust_top(calm(19).chain([40.0]), 0.69), 0.69 * 1.05);
        assert_eq!(robust_top(calm(19).chain([40.0]), 0.1), 0.625 * 1.05);
        // A few epochs are all shown, if they are of one kind; and a loss of a guess is always.
        assert_eq!(robust_top([2.0, 1.9].into_iter(), 0.69), 2.0 * 1.05);
        assert_eq!(robust_top([0.1, 0.1].into_iter(), 0.69), 0.69 * 1.05);
        assert_eq!(robust_top(std::iter::empty(), 1.0), 1.05);
        assert_eq!(robust_top([f64::NAN, 0.5].into_iter(), 0.1), 0.5 * 1.05);
    }
}
