//! Curves of a training, as SVG.

use maud::Markup;
use pinhole_train::Epoch;
use plotters::element::DashedPathElement;
use plotters::prelude::*;

use super::markup::drawing;

/// A figure with two curves over the epochs.
pub(super) struct Figure<'a> {
    /// Title of the vertical axis.
    pub y_title: &'a str,
    /// Solid curve.
    pub training: fn(&Epoch) -> f64,
    /// Dashed curve.
    pub validation: fn(&Epoch) -> f64,
    /// Top of the vertical axis, if known. Else it is the largest value, at most three times the first epoch's, so that one wild
    /// epoch does not flatten the rest.
    pub top: Option<f64>,
    /// Epoch to mark.
    pub best: u32,
    /// Position of the legend, which the curves should leave free.
    pub legend: SeriesLabelPosition,
}

pub(super) const SIZE: (u32, u32) = (760, 340);
const TRAINING: RGBColor = RGBColor(0x2f, 0x7d, 0xd1);
pub(super) const VALIDATION: RGBColor = RGBColor(0xd9, 0x6a, 0x1c);
pub(super) const BEST: RGBColor = RGBColor(0x7a, 0x8a, 0x99);

/// Returns the figure as an SVG element.
pub(super) fn svg(epochs: &[Epoch], figure: &Figure<'_>) -> Markup {
    drawing(|text| draw(text, epochs, figure))
}

fn draw(text: &mut String, epochs: &[Epoch], figure: &Figure<'_>) -> Result<(), Box<dyn std::error::Error>> {
    let values = || epochs.iter().flat_map(|epoch| [(figure.training)(epoch), (figure.validation)(epoch)]);
    let first = epochs.first().map_or(1.0, |epoch| (figure.training)(epoch).max((figure.validation)(epoch)));
    let top = figure.top.unwrap_or_else(|| values().fold(0.0, f64::max).min(3.0 * first) * 1.05);
    let begin = epochs.first().map_or(1, |epoch| epoch.epoch);
    let last = epochs.last().map_or(1, |epoch| epoch.epoch).max(2);

    let area = SVGBackend::with_string(text, SIZE).into_drawing_area();
    let mut chart = ChartBuilder::on(&area)
        .margin(8)
        .x_label_area_size(38)
        .y_label_area_size(58)
        .build_cartesian_2d(begin..last, 0.0..top)?;
    chart
        .configure_mesh()
        .light_line_style(TRANSPARENT)
        .bold_line_style(BEST.mix(0.25))
        .x_desc("epoch")
        .y_desc(figure.y_title)
        .label_style(("sans-serif", 13))
        .axis_desc_style(("sans-serif", 14))
        .draw()?;
    let mark = (1..=8).map(|part| (figure.best, top * f64::from(part) / 8.0)).collect::<Vec<_>>();
    chart.draw_series(DashedLineSeries::new(
        [(figure.best, 0.0)].into_iter().chain(mark),
        2,
        5,
        BEST.stroke_width(1),
    ))?;
    let points = |value: fn(&Epoch) -> f64| epochs.iter().map(move |epoch| (epoch.epoch, value(epoch).min(top)));
    chart
        .draw_series(LineSeries::new(points(figure.training), TRAINING.stroke_width(2)))?
        .label("training")
        .legend(|(x, y)| PathElement::new([(x, y), (x + 22, y)], TRAINING.stroke_width(2)));
    chart
        .draw_series(DashedLineSeries::new(points(figure.validation), 6, 4, VALIDATION.stroke_width(2)))?
        .label("validation")
        .legend(|(x, y)| DashedPathElement::new([(x, y), (x + 22, y)], 6, 4, VALIDATION.stroke_width(2)));
    chart
        .configure_series_labels()
        .position(figure.legend.clone())
        .border_style(TRANSPARENT)
        .label_font(("sans-serif", 13))
        .draw()?;
    area.present()?;
    drop(chart);
    drop(area);
    Ok(())
}
