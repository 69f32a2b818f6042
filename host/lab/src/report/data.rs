//! The photos of a training: counts, sizes, a contact sheet by class, near-duplicates, doubted labels.

use std::collections::BTreeMap;
use std::path::Path;

use image::ImageReader;
use maud::{Markup, html};
use pinhole_core::photos::{Dataset, DuplicatePhotos, Example, thinned};
use rayon::prelude::*;

use super::RunReport;
use super::markup::{counted, file_name, percent};
use super::thumbnail::Thumbnails;

/// Photos of a class on the contact sheet.
const OF_CLASS: usize = 8;
/// Most photos on the contact sheet.
const SHEET: usize = 96;
/// Most pairs of near-duplicates with pictures.
const PAIRS_SHOWN: usize = 12;
/// Most pairs listed: a hundred copies of one photo make thousands.
const PAIRS_LISTED: usize = 200;
/// Most photos whose size is read.
const MEASURED: usize = 2_000;
/// Most files listed that were left out.
const LEFT_OUT: usize = 200;

/// Returns the photos that the section shows.
pub(super) fn shown<'a>(report: &RunReport<'a>) -> Vec<&'a Path> {
    let sheet = sheet(report.training).into_iter().flatten().map(|example| example.path.as_path());
    let pairs = sorted(report.duplicates).into_iter().take(PAIRS_SHOWN);
    let pairs = pairs.flat_map(|pair| [pair.first.as_path(), pair.second.as_path()]);
    let verdict = report.verdict;
    let contradictory =
        verdict.contradictory.iter().take(PAIRS_SHOWN).flat_map(|pair| [pair.first.as_path(), pair.second.as_path()]);
    let doubted = verdict.doubted.iter().map(|label| label.path.as_path());
    sheet.chain(pairs).chain(contradictory).chain(doubted).collect()
}

pub(super) fn section(report: &RunReport<'_>, thumbnails: &Thumbnails<'_>) -> Markup {
    html! {
        h2 #data { "Data" }
        (counts(report))
        p { (sizes(report)) }
        (contact_sheet(report, thumbnails))
        (doubted(report, thumbnails))
        (contradictory(report, thumbnails))
        (near_duplicates(report, thumbnails))
        (left_out(report))
    }
}

fn counts(report: &RunReport<'_>) -> Markup {
    let (training, validation) = (report.training.class_counts(), report.validation.class_counts());
    let largest = training.iter().copied().max().unwrap_or(1).max(1);
    html! {
        table.counts {
            thead { tr { th { "class" } th { "training" } th { "validation" } th.bar {} } }
            tbody {
                @for (class, (&training, &validation)) in report.training.classes.iter().zip(training.iter().zip(&validation)) {
                    tr {
                        th scope="row" { (class) }
                        td { (training) }
                        td class=(if validation == 0 { "wrong" } else { "" }) { (validation) }
                        td.bar { span style={ "width:" (format_args!("{:.1}%", 100.0 * training as f64 / largest as f64)) } {} }
                    }
                }
            }
        }
    }
}

/// Describes the sizes of the photo files, and what the network sees of them.
fn sizes(report: &RunReport<'_>) -> String {
    let all: Vec<&Path> =
        report.training.examples.iter().chain(&report.validation.examples).map(|one| one.path.as_path()).collect();
    let count = all.len();
    let measured: Vec<(u32, u32)> = thinned(all, Some(MEASURED)).into_par_iter().filter_map(size).collect();
    let sees = format!("The network sees {} pixels of each.", report.validation.input);
    let (Some(least), Some(most)) =
        (measured.iter().min_by_key(|size| area(size)), measured.iter().max_by_key(|size| area(size)))
    else {
        return sees;
    };
    let mut kinds: BTreeMap<(u32, u32), usize> = BTreeMap::new();
    for size in &measured {
        *kinds.entry(*size).or_default() += 1;
    }
    let of =
        if measured.len() < count { format!("Of {} of the photos", measured.len()) } else { "Pictures".to_owned() };
    let text = match (kinds.len(), kinds.iter().max_by_key(|(_, count)| **count)) {
        (1, _) => format!("{of}: all have {}x{} pixels.", least.0, least.1),
        (kinds, Some(((width, height), most_common))) => format!(
            "{of}: {kinds} sizes, from {}x{} to {}x{} pixels; the most common is {width}x{height} ({}).",
            least.0,
            least.1,
            most.0,
            most.1,
            percent(*most_common as f64 / measured.len() as f64)
        ),
        (_, None) => String::new(),
    };
    format!("{text} {sees}")
}

fn area(size: &(u32, u32)) -> (u64, u32) {
    (u64::from(size.0) * u64::from(size.1), size.0)
}

/// Reads a picture's size from the beginning of its file.
fn size(path: &Path) -> Option<(u32, u32)> {
    ImageReader::open(path).ok()?.with_guessed_format().ok()?.into_dimensions().ok()
}

/// Returns the training photos on the contact sheet, by class: some of each, evenly spread.
fn sheet(photos: &Dataset) -> Vec<Vec<&Example>> {
    let classes = photos.classes.len();
    let each = OF_CLASS.min((SHEET / classes.max(1)).max(1));
    (0..classes)
        .take(SHEET)
        .map(|class| {
            let all = photos.examples.iter().filter(|example| usize::from(example.class) == class).collect();
            thinned(all, Some(each))
        })
        .collect()
}

fn contact_sheet(report: &RunReport<'_>, thumbnails: &Thumbnails<'_>) -> Markup {
    html! {
        h3 { "Training photos" }
        div.sheet {
            @for (class, examples) in report.training.classes.iter().zip(sheet(report.training)) {
                p { (class) }
                div.strip {
                    @for example in examples {
                        @if let Some(picture) = thumbnails.get(&example.path) {
                            img src=(picture) alt=(file_name(&example.path)) title=(file_name(&example.path)) loading="lazy";
                        }
                    }
                }
            }
        }
    }
}

fn doubted(report: &RunReport<'_>, thumbnails: &Thumbnails<'_>) -> Markup {
    let doubted = &report.verdict.doubted;
    html! {
        @if !doubted.is_empty() {
            h3 { "Labels that are doubted most" }
            p {
                "Each photo looks like another class as much as that class's own photos do: to the network for \
                 validation photos, to a cross-validated classifier for training photos. Some of these are mistakes of \
                 theirs, and some may be wrong labels: look at each."
            }
            div.gallery {
                @for label in doubted {
                    figure.wrong {
                        @if let Some(picture) = thumbnails.get(&label.path) {
                            img.photo src=(picture) alt=(file_name(&label.path)) loading="lazy";
                        }
                        figcaption {
                            "labeled " b { (label.class) } br;
                            "looks like " b { (label.decided) } ", " (percent(label.probability)) br;
                            small { (label.path.display()) }
                        }
                    }
                }
            }
        }
    }
}

fn contradictory(report: &RunReport<'_>, thumbnails: &Thumbnails<'_>) -> Markup {
    let pairs = &report.verdict.contradictory;
    html! {
        @if !pairs.is_empty() {
            h3 { "Nearly the same picture, in two classes" }
            p { (counted(pairs.len(), "pair")) ". Unless a detail tells the two apart, one of the labels is wrong." }
            div.gallery.pairs {
                @for pair in pairs.iter().take(PAIRS_SHOWN) {
                    figure.wrong {
                        (two(thumbnails, &pair.first, &pair.second))
                        figcaption {
                            b { (pair.first_class) } ": " small { (pair.first.display()) } br;
                            b { (pair.second_class) } ": " small { (pair.second.display()) }
                            @if pair.identical { br; "The same to the network." }
                        }
                    }
                }
            }
            @if pairs.len() > PAIRS_SHOWN {
                details {
                    summary { (counted(pairs.len() - PAIRS_SHOWN, "more pair")) }
                    ul {
                        @for pair in pairs.iter().skip(PAIRS_SHOWN).take(PAIRS_LISTED) {
                            li {
                                (pair.first.display()) " (" (pair.first_class) ") and " (pair.second.display()) " ("
                                (pair.second_class) ")"
                            }
                        }
                    }
                }
            }
        }
    }
}

fn two(thumbnails: &Thumbnails<'_>, first: &Path, second: &Path) -> Markup {
    html! {
        div.pair {
            @for path in [first, second] {
                @if let Some(picture) = thumbnails.get(path) {
                    img.photo src=(picture) alt=(file_name(path)) loading="lazy";
                }
            }
        }
    }
}

/// Returns the pairs on both sides first: they make the scores optimistic.
fn sorted(duplicates: &[DuplicatePhotos]) -> Vec<&DuplicatePhotos> {
    let (mut across, within): (Vec<_>, Vec<_>) = duplicates.iter().partition(|pair| pair.across);
    across.extend(within);
    across
}

fn near_duplicates(report: &RunReport<'_>, thumbnails: &Thumbnails<'_>) -> Markup {
    let pairs = sorted(report.duplicates);
    let across = pairs.iter().filter(|pair| pair.across).count();
    let listed = pairs.iter().skip(PAIRS_SHOWN).take(PAIRS_LISTED);
    let how = |pair: &DuplicatePhotos| {
        html! {
            @if pair.across { "in training and validation: " }
            (pair.first.display()) " and " (pair.second.display())
            @if pair.mirrored { ", mirrored" }
        }
    };
    html! {
        @if !pairs.is_empty() {
            h3 { "Near-duplicates" }
            p {
                (counted(pairs.len(), "pair")) " of photos that are nearly the same picture. "
                @if across > 0 {
                    "In " (counted(across, "pair")) ", one is a training and the other a validation photo: being right on such a validation photo says \
                    nothing about photos never seen. Remove them from one side."
                }
            }
            div.gallery.pairs {
                @for pair in pairs.iter().take(PAIRS_SHOWN) {
                    figure class=(if pair.across { "wrong" } else { "" }) {
                        (two(thumbnails, &pair.first, &pair.second))
                        figcaption { small { (how(pair)) } }
                    }
                }
            }
            @if pairs.len() > PAIRS_SHOWN {
                details {
                    summary { (counted(pairs.len() - PAIRS_SHOWN, "more pair")) }
                    ul { @for pair in listed { li { (how(pair)) } } }
                }
            }
        }
    }
}

fn left_out(report: &RunReport<'_>) -> Markup {
    let count = report.warnings.len();
    html! {
        @if count > 0 {
            h3 { "Left out" }
            ul {
                @for warning in report.warnings.iter().take(LEFT_OUT) {
                    li { (warning.path.display()) ": " (warning.reason) }
                }
                @if count > LEFT_OUT { li { "and " (count - LEFT_OUT) " more" } }
            }
        }
    }
}
