//! The risk-coverage curve of the validation photos: errors and coverage at each least probability of an answer.

use maud::{Markup, html};
use pinhole_core::photos::Dataset;
use plotters::prelude::*;

use super::chart::{Axis, SIZE, chart};
use super::curves::VALIDATION;
use super::markup::{percent, percents};
use crate::evaluate::Evaluation;
use crate::threshold::{Coverage, Judged, curve, table};

/// Returns the section. `evaluation` is of these photos.
pub(super) fn section(photos: &Dataset, evaluation: &Evaluation) -> Markup {
    let decided = photos.examples.iter().zip(&evaluation.results);
    let judged: Vec<Judged> = decided.map(|(example, result)| Judged::of(example.class, result.int8)).collect();
    let points = curve(&judged);
    html! {
        h3 { "When to answer \"unknown\"" }
        figure.chart {
            (figure(&points))
            figcaption {
                "Each step answers one photo less, the least probable first (int8 network). \
                 Where the curve does not fall to the left, probabilities do not tell right from wrong."
            }
        }
        div.scroll {
            table.compact {
                thead { tr {
                    th { "unknown below" }
                    th { "answered" }
                    th { "coverage" }
                    th { "wrong" }
                    th { "error rate" }
                    th { "95 % interval" }
                } }
                tbody {
                @for row in table(&judged) {
                    tr {
                        td { (format_args!("{:.2}", row.min_probability.to_f64())) }
                        td { (row.answered) " of " (row.photos) }
                        td { (percent(row.coverage)) }
                        td { (row.wrong) }
                        td { (row.error_rate.map_or("-".to_owned(), percent)) }
                        td { (percents(row.error_interval)) }
                    }
                }
                }
            }
        }
        p {
            "The epoch kept was chosen by these photos, and a least probability chosen by looking at them \
             flatters once more: both look better here than on other photos. "
            code { "pinhole quantize RUN PHOTOS --min-confidence 0.8" }
            " writes one into the model, "
            code { "--error-rate 0.02 --validation FOLDER" }
            " chooses it on photos of your own, and "
            code { "pinhole evaluate" }
            " says what it leaves of others."
        }
    }
}

fn figure(points: &[Coverage]) -> Markup {
    let rates = || points.iter().filter_map(|point| Some((point.coverage, point.error_rate?)));
    // The axis has a height even if the network makes no errors.
    let top = rates().fold(0.05, |top, (_, rate)| f64::max(top, rate)) * 1.1;
    let x = Axis::new(0.0..1.0, "coverage: fraction of the photos answered");
    chart(SIZE, x, Axis::new(0.0..top, "error rate of the answers"), None, |chart| {
        chart.draw_series(LineSeries::new(rates(), VALIDATION.stroke_width(2)))?;
        // With few points, the line alone would hide them.
        if points.len() <= MARKED {
            chart.draw_series(rates().map(|at| Circle::new(at, 3, VALIDATION.filled())))?;
        }
        Ok(())
    })
}

/// Most points that are marked one by one.
const MARKED: usize = 60;
