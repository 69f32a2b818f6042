//! The reliability diagram: how often a decision is right, by its probability.

use maud::{Markup, html};
use pinhole_core::statistics::{Reliability, reliability};
use plotters::prelude::*;

use super::RunReport;
use super::chart::{Axis, FONT, GRID, SIZE, chart};
use super::curves::TRAINING;
use super::markup::percent;
use crate::verdict::{RELIABILITY_BINS, decided};

/// Returns the figure and its explanation.
pub(super) fn figure(report: &RunReport<'_>) -> Markup {
    let decided = decided(report.validation, report.evaluation);
    let reliability = reliability(&decided, RELIABILITY_BINS);
    let (mean, right) = (report.verdict.calibration.mean_probability, report.verdict.accuracy);
    let tendency = if mean > report.verdict.interval.high {
        "The network is too sure of itself"
    } else if mean < report.verdict.interval.low {
        "The network is less sure than it could be"
    } else {
        "The network is about as sure as it is right"
    };
    html! {
        figure.chart {
            (diagram(&reliability, SIZE))
            figcaption {
                (tendency) ": mean probability " (percent(mean)) ", right " (percent(right)) ", expected calibration error "
                (percent(reliability.expected_calibration_error)) ", Brier score "
                (format_args!("{:.3}", reliability.brier_score)) ". A dot is all decisions of a tenth of the range, with \
                their number and the 95 % interval; on the dotted line a probability means what it says."
            }
        }
    }
}

/// Draws the fraction of right decisions against their probability, with intervals, and the diagonal of equality.
pub(super) fn diagram(reliability: &Reliability, size: (u32, u32)) -> Markup {
    let (x, y) = (Axis::new(0.0..1.04, "probability of the decided class"), Axis::new(0.0..1.04, "fraction right"));
    chart(size, x, y, None, |chart| {
        chart.draw_series(DashedLineSeries::new([(0.0, 0.0), (1.0, 1.0)], 2, 4, GRID.stroke_width(2)))?;
        for bin in reliability.bins.iter().filter(|bin| bin.count > 0) {
            let x = bin.mean_probability;
            let interval = [(x, bin.interval.low), (x, bin.interval.high)];
            chart.draw_series(std::iter::once(PathElement::new(interval, TRAINING.stroke_width(2))))?;
            chart.draw_series(std::iter::once(Circle::new((x, bin.fraction_right), 5, TRAINING.filled())))?;
            // On the left, where the axis leaves room for it even at a probability of 1.
            let place = (x - 0.015 - 0.019 * bin.count.to_string().len() as f64, bin.fraction_right - 0.02);
            chart.draw_series(std::iter::once(Text::new(bin.count.to_string(), place, FONT)))?;
        }
        Ok(())
    })
}
