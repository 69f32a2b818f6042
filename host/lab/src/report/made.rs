//! How a network was made: command, version, seed, photos, recipe; and the errors of its quantization.

use maud::{Markup, html};
use pinhole_train::digest;

use super::RunReport;
use super::markup::percent;

pub(super) fn section(report: &RunReport<'_>) -> Markup {
    let run = report.run;
    html! {
        h2 #made { "How it was made" }
        table.facts {
            @if let Some(command) = &run.command {
                tr { th scope="row" { "command" } td { code { (command) } } }
            }
            tr { th scope="row" { "Pinhole" } td { (run.pinhole) } }
            tr { th scope="row" { "seed" } td { (run.seed) } }
            tr { th scope="row" { "training photos" } td { (run.photos.display()) } }
            tr {
                th scope="row" { "validation photos" }
                td {
                    @if let Some(validation) = &run.validation { (validation.display()) }
                    @else { "held out of the training photos, by the seed" }
                }
            }
            @if let Some(test) = &run.test { tr { th scope="row" { "test photos" } td { (test.photos.display()) } } }
            tr {
                th scope="row" { "digest of the photos" }
                td { code { (short(digest(report.training))) " / " (short(digest(report.validation))) } }
            }
            tr { th scope="row" { "checksum of the model" } td { code { (format_args!("{:08x}", run.model_checksum)) } } }
        }
        p.note {
            "The same command, version and photos give the same bytes. The digests are of classes, labels and the pixels \
             that the network sees, of training and validation photos: the first 12 digits of SHA-256."
        }
        details {
            summary { "Recipe" }
            pre { (report.recipe) }
        }
        details {
            summary { "Quantization, layer by layer" }
            (quantization(report))
        }
    }
}

/// Returns the first 12 hexadecimal digits of a digest.
pub(super) fn short(digest: [u8; 32]) -> String {
    digest[..6].iter().map(|byte| format!("{byte:02x}")).collect()
}

fn quantization(report: &RunReport<'_>) -> Markup {
    html! {
        @if let Some(agreement) = report.evaluation.agreement {
            p {
                "Float and " (report.evaluation.integer_name()) " network decide the same on " (percent(agreement))
                " of the validation photos. Errors below are distances of the integer network's values from the float \
                 network's after each layer, in real units."
            }
        }
        div.scroll {
            table {
                tr {
                    th { "layer" }
                    th { "bytes" }
                    th { "mean error" }
                    th { "largest error" }
                    th { "bound" }
                    th { "of 32 bits" }
                }
                @for (index, layer) in report.layers.iter().enumerate() {
                    tr {
                        td { (index) }
                        td { (layer.bytes) }
                        td { (format_args!("{:.5}", layer.mean_error)) }
                        td { (format_args!("{:.5}", layer.max_error)) }
                        td { (layer.accumulator_bound) }
                        td { (percent(f64::from(layer.accumulator_bound) / f64::from(i32::MAX))) }
                    }
                }
            }
        }
        p.note { "Bound: the largest sum that a layer can reach, and its part of what 32 bits hold." }
    }
}
