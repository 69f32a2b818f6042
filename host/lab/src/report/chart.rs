//! A chart as SVG: axes, grid and titles, the same on all pages. Its black parts take the page's color, so that it is readable in
//! light and dark.

use std::ops::Range;

use maud::{Markup, PreEscaped, html};
use plotters::coord::ranged1d::{AsRangedCoord, Ranged, ValueFormatter};
use plotters::prelude::*;

/// Size of a chart in its own units: texts are readable where it is shrunk to a phone's width.
pub(super) const SIZE: (u32, u32) = (560, 320);
/// Color of the grid and of lines to compare with.
pub(super) const GRID: RGBColor = RGBColor(0x7a, 0x8a, 0x99);
/// Font of all texts.
pub(super) const FONT: (&str, u32) = ("sans-serif", 16);

/// Result of drawing.
pub(super) type Drawn = Result<(), Box<dyn std::error::Error>>;

/// Writes a value beside an axis.
type Label<'a, T> = &'a dyn Fn(&T) -> String;

/// An axis of a chart.
pub(super) struct Axis<'a, T> {
    /// Values at both ends.
    pub range: Range<T>,
    /// Title.
    pub title: &'a str,
    /// Most labels; plotters' number if absent.
    pub labels: Option<usize>,
    /// Text of a label; plotters' text if absent.
    pub label: Option<Label<'a, T>>,
}

impl<'a, T> Axis<'a, T> {
    /// Returns an axis with plotters' labels.
    pub(super) fn new(range: Range<T>, title: &'a str) -> Self {
        Self { range, title, labels: None, label: None }
    }
}

/// Coordinates along an axis.
type Coordinates<T> = <Range<T> as AsRangedCoord>::CoordDescType;

/// A chart whose axes have been drawn.
pub(super) type Chart<'a, 'b, X, Y> = ChartContext<'a, SVGBackend<'b>, Cartesian2d<Coordinates<X>, Coordinates<Y>>>;

/// Draws axes, then what `draw` adds, then a legend of the named curves at its position, and returns the chart as an SVG element.
/// plotters escapes the texts.
pub(super) fn chart<X, Y>(
    size: (u32, u32),
    x: Axis<'_, X>,
    y: Axis<'_, Y>,
    legend: Option<SeriesLabelPosition>,
    draw: impl FnOnce(&mut Chart<'_, '_, X, Y>) -> Drawn,
) -> Markup
where
    Range<X>: AsRangedCoord<Value = X>,
    Range<Y>: AsRangedCoord<Value = Y>,
    Coordinates<X>: Ranged<ValueType = X> + ValueFormatter<X>,
    Coordinates<Y>: Ranged<ValueType = Y> + ValueFormatter<Y>,
{
    let mut svg = String::new();
    // Drawing into a string cannot fail. If it does, the page says so instead of being lost.
    match draw_into(&mut svg, size, x, y, legend, draw) {
        Ok(()) => PreEscaped(svg),
        Err(reason) => html! { p { "The figure could not be drawn: " (reason) } },
    }
}

fn draw_into<X, Y>(
    svg: &mut String,
    size: (u32, u32),
    x: Axis<'_, X>,
    y: Axis<'_, Y>,
    legend: Option<SeriesLabelPosition>,
    draw: impl FnOnce(&mut Chart<'_, '_, X, Y>) -> Drawn,
) -> Drawn
where
    Range<X>: AsRangedCoord<Value = X>,
    Range<Y>: AsRangedCoord<Value = Y>,
    Coordinates<X>: Ranged<ValueType = X> + ValueFormatter<X>,
    Coordinates<Y>: Ranged<ValueType = Y> + ValueFormatter<Y>,
{
    let area = SVGBackend::with_string(svg, size).into_drawing_area();
    let mut chart = ChartBuilder::on(&area)
        .margin(8)
        .x_label_area_size(44)
        .y_label_area_size(66)
        .build_cartesian_2d(x.range, y.range)?;
    let mut mesh = chart.configure_mesh();
    mesh.light_line_style(TRANSPARENT).bold_line_style(GRID.mix(0.25)).label_style(FONT).axis_desc_style(FONT);
    mesh.x_desc(x.title).y_desc(y.title);
    x.labels.map(|labels| mesh.x_labels(labels));
    y.labels.map(|labels| mesh.y_labels(labels));
    if let Some(label) = &x.label {
        mesh.x_label_formatter(label);
    }
    if let Some(label) = &y.label {
        mesh.y_label_formatter(label);
    }
    mesh.draw()?;
    draw(&mut chart)?;
    if let Some(position) = legend {
        chart.configure_series_labels().position(position).border_style(TRANSPARENT).label_font(FONT).draw()?;
    }
    area.present()?;
    Ok(())
}
