//! Figures as SVG. Their black parts take the page's color, so that they are readable in light and dark.

use std::array::IntoIter;

use maud::Markup;
use pinhole_core::statistics::Spread;
use plotters::element::DashedPathElement;
use plotters::prelude::*;

use super::curves::MeanCurves;
use crate::report::chart::{Axis, Chart, Drawn, GRID, chart};
use crate::study::results::is_not_converged;
use crate::study::{StudyPlan, TrialRecord, TrialRecords};

pub(super) const SIZE: (u32, u32) = (640, 360);
/// Distinguishable with every common kind of color vision, on black and on white (after Okabe and Ito, 2002).
const COLORS: [RGBColor; 6] = [
    RGBColor(0xd5, 0x5e, 0x00),
    RGBColor(0x1f, 0x86, 0xd0),
    RGBColor(0x00, 0x9e, 0x73),
    RGBColor(0xcc, 0x6d, 0xa8),
    RGBColor(0xb8, 0x8a, 0x00),
    RGBColor(0x77, 0x77, 0x88),
];
/// Length of dashes and of the gaps between them, px.
const DASH: (i32, i32) = (7, 4);
const DOTS: (i32, i32) = (2, 4);
/// Top of the loss axis, in multiples of a guess's loss: one wild run must not flatten the rest.
const TOP_IN_GUESSES: f64 = 2.0;

/// Returns the line sample beside a name in the legend.
fn key((x, y): (i32, i32), dash: (i32, i32), color: RGBColor) -> DashedPathElement<IntoIter<(i32, i32), 2>, i32> {
    DashedPathElement::new([(x, y), (x + 26, y)], dash.0, dash.1, color.stroke_width(2))
}

fn color(place: usize) -> RGBColor {
    COLORS[place % COLORS.len()]
}

/// Draws mean training (solid) and validation (dashed) losses of some systems, with bands.
pub(super) fn means(plan: &StudyPlan, curves: &[MeanCurves], systems: &[usize]) -> Markup {
    let chosen: Vec<&MeanCurves> = systems.iter().map(|&system| &curves[system]).collect();
    let epochs = chosen.iter().map(|curves| curves.validation.len()).max().unwrap_or(1);
    let largest = chosen
        .iter()
        .flat_map(|curves| curves.training.iter().chain(&curves.validation))
        .fold(0.0, |largest, spread| f64::max(largest, spread.mean + spread.deviation));
    let top = top(plan, largest);
    let position = free_corner(epochs, |from, to| {
        let bands = chosen.iter().flat_map(|curves| curves.training.iter().zip(&curves.validation).take(to).skip(from));
        bands.fold(0.0, |highest, (a, b)| f64::max(highest, (a.mean + a.deviation).max(b.mean + b.deviation)))
    });
    losses(epochs, top, position, |chart| {
        for (place, (curves, &system)) in chosen.iter().zip(systems).enumerate() {
            let color = color(place);
            for spreads in [&curves.training, &curves.validation] {
                chart.draw_series(std::iter::once(Polygon::new(band(spreads, top), color.mix(0.13))))?;
            }
            let line = |spreads: &[Spread]| points(spreads.iter().map(|spread| spread.mean), top);
            chart.draw_series(LineSeries::new(line(&curves.training), color.stroke_width(2)))?;
            chart
                .draw_series(DashedLineSeries::new(line(&curves.validation), DASH.0, DASH.1, color.stroke_width(2)))?
                .label(plan.systems[system].name.as_str())
                .legend(move |at| key(at, DASH, color));
            if let Some(least) = curves.least() {
                let at = (least.epoch as u32, least.loss.min(top));
                chart.draw_series(std::iter::once(Circle::new(at, 5, color.filled())))?;
            }
        }
        Ok(())
    })
}

/// Draws the training (solid) and validation (dashed) loss of every run, and the loss of a guess. Runs that did not converge
/// are bold.
pub(super) fn each_run(plan: &StudyPlan, records: &TrialRecords, systems: &[usize]) -> Markup {
    let runs: Vec<(usize, usize, &TrialRecord)> = systems
        .iter()
        .enumerate()
        .flat_map(|(place, &system)| records.curves_of(system).into_iter().map(move |run| (place, system, run)))
        .collect();
    let epochs = runs.iter().map(|(_, _, run)| run.curves.validation_loss.len()).max().unwrap_or(1);
    let all = runs.iter().flat_map(|(_, _, run)| run.curves.training_loss.iter().chain(&run.curves.validation_loss));
    let top = top(plan, all.copied().fold(0.0, f64::max));
    let guess = plan.guess_loss();
    losses(epochs, top, SeriesLabelPosition::UpperRight, |chart| {
        let mut named = Vec::new();
        for &(place, system, run) in &runs {
            let not_converged = is_not_converged(run, guess);
            let thin = if not_converged { color(place).stroke_width(2) } else { color(place).mix(0.3).stroke_width(1) };
            let line = |losses: &[f64]| points(losses.iter().copied(), top);
            chart.draw_series(LineSeries::new(line(&run.curves.training_loss), thin))?;
            let dashed = DashedLineSeries::new(line(&run.curves.validation_loss), DASH.0, DASH.1, thin);
            let drawn = chart.draw_series(dashed)?;
            if !named.contains(&system) {
                named.push(system);
                let color = color(place);
                drawn.label(plan.systems[system].name.as_str()).legend(move |at| key(at, DASH, color));
            }
        }
        let line = [(1, guess), (epochs as u32, guess)];
        chart
            .draw_series(DashedLineSeries::new(line, DOTS.0, DOTS.1, GRID.stroke_width(2)))?
            .label("a guess")
            .legend(|at| key(at, DOTS, GRID));
        Ok(())
    })
}

fn top(plan: &StudyPlan, largest: f64) -> f64 {
    let guess = plan.guess_loss();
    largest.min(TOP_IN_GUESSES * guess).max(0.1) * 1.03
}

fn points(losses: impl Iterator<Item = f64>, top: f64) -> Vec<(u32, f64)> {
    losses.enumerate().map(|(index, loss)| (index as u32 + 1, loss.min(top))).collect()
}

/// Returns the outline of one standard deviation to either side of the mean.
fn band(spreads: &[Spread], top: f64) -> Vec<(u32, f64)> {
    let high = points(spreads.iter().map(|spread| spread.mean + spread.deviation), top);
    let mut low = points(spreads.iter().map(|spread| (spread.mean - spread.deviation).max(0.0)), top);
    low.reverse();
    high.into_iter().chain(low).collect()
}

/// Returns the position along the upper edge where the highest curve, between two epochs, is lowest.
fn free_corner(epochs: usize, highest: impl Fn(usize, usize) -> f64) -> SeriesLabelPosition {
    let part = |percent: usize| epochs * percent / 100;
    // The first epochs are left out: they are high in every curve, and too few to matter.
    let places = [
        (SeriesLabelPosition::UpperRight, highest(part(67), epochs)),
        (SeriesLabelPosition::UpperMiddle, highest(part(33), part(67))),
        (SeriesLabelPosition::UpperLeft, highest(part(5), part(33))),
    ];
    let mut free = places[0].clone();
    for place in &places[1..] {
        if place.1 < free.1 {
            free = place.clone();
        }
    }
    free.0
}

fn losses(
    epochs: usize,
    top: f64,
    position: SeriesLabelPosition,
    curves: impl FnOnce(&mut Chart<'_, '_, u32, f64>) -> Drawn,
) -> Markup {
    let (x, y) = (Axis::new(1..(epochs as u32).max(2), "epoch"), Axis::new(0.0..top, "cross-entropy, nats"));
    chart(SIZE, x, y, Some(position), curves)
}
