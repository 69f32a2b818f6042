//! Explained photos, and pictures of the first layer's weights.

use std::path::Path;

use maud::{Markup, html};
use pinhole_core::photos::Example;
use pinhole_shared::pixels::InputShape;
use pinhole_train::FloatLayer;

use super::markup::{self, file_name, percent};
use super::pictures::{input, overlay, weights};
use crate::explain::Explanation;

/// One explained photo.
#[derive(Clone, Copy, Debug)]
pub struct ExplainedPhoto<'a> {
    /// The photo.
    pub path: &'a Path,
    /// The network's input: row by row, the channels of a pixel together.
    pub pixels: &'a [u8],
    /// Contributions of its pixels.
    pub explanation: &'a Explanation,
    /// Class of the photo, if known.
    pub label: Option<u16>,
}

impl<'a> ExplainedPhoto<'a> {
    /// Returns a labeled photo with its explanation.
    pub fn of(example: &'a Example, explanation: &'a Explanation) -> Self {
        Self { path: &example.path, pixels: &example.pixels, explanation, label: Some(example.class) }
    }
}

/// Returns the page of `pinhole explain`: each photo as the network sees it, its decision, and the pixels that decided.
/// `model` is the model's name on the page.
///
/// # Panics
/// If a decision's class has no name.
pub fn explanation_page(model: &str, classes: &[String], photos: &[ExplainedPhoto<'_>]) -> String {
    let body = html! {
        h1 { "Which pixels decided" }
        p { "Model: " (model) }
        p { (reading(photos)) }
        (figures(classes, photos))
        footer { "Pinhole " (env!("CARGO_PKG_VERSION")) }
    };
    markup::page(&format!("Pinhole: which pixels decided, {model}"), &body).into_string()
}

/// Returns the section of a training's report: `photos`, of `all` validation photos.
pub(super) fn section(classes: &[String], photos: &[ExplainedPhoto<'_>], all: usize) -> Markup {
    html! {
        @if !photos.is_empty() {
            h2 #pixels { "Which pixels decided" }
            p {
                (reading(photos)) " " (photos.len()) " of " (all) " validation photos shown, mistakes first; "
                code { "pinhole explain" } " makes such pictures of any photo."
            }
            (figures(classes, photos))
        }
    }
}

/// Returns the explanation of the figures.
fn reading(photos: &[ExplainedPhoto<'_>]) -> Markup {
    let patch = photos.first().map_or(1, |photo| photo.explanation.patch_side);
    html! {
        b.for { "Orange" } " pixels support the decision and " b.against { "blue" } " ones speak against \
        it: covered by gray patches of " (patch) "\u{d7}" (patch) " pixels, the int8 network's logit of that class \
        loses or gains its lead. The strongest tint is each photo's own largest effect, given below it; the lead is \
        what there is to lose."
    }
}

fn figures(classes: &[String], photos: &[ExplainedPhoto<'_>]) -> Markup {
    html! {
        div.gallery.explained {
            @for photo in photos { (figure(classes, photo)) }
        }
    }
}

fn figure(classes: &[String], photo: &ExplainedPhoto<'_>) -> Markup {
    let explanation = photo.explanation;
    let name = |class: u16| &classes[usize::from(class)];
    let decided = explanation.decision.class;
    let kind = match photo.label {
        Some(label) if label != decided => "wrong",
        Some(_) => "right",
        None => "open",
    };
    let file = file_name(photo.path);
    html! {
        figure class=(kind) {
            div.pair {
                img src=(input(photo.pixels, explanation.size())) alt=(file) loading="lazy";
                img src=(overlay(photo.pixels, explanation)) alt={ (file) ", tinted" } loading="lazy";
            }
            figcaption {
                (name(decided)) " " (percent(explanation.decision.probability.to_f64()))
                @if let Some(label) = photo.label && label != decided { ", is " (name(label)) }
                br;
                "largest effect " (format_args!("{:.2}", explanation.largest()))
                ", lead " (format_args!("{:.2}", explanation.margin))
                br;
                small { (file) }
            }
        }
    }
}

/// Returns the section with the first layer's weights.
pub(super) fn first_layer(layers: &[FloatLayer], classes: &[String], input: InputShape) -> Markup {
    let Some(tiles) = weights(layers, input) else { return Markup::default() };
    let which = if layers.len() == 1 {
        format!("a class each, in this order: {}", classes.join(", "))
    } else if tiles.shown.len() < tiles.neurons {
        "those the next layer listens to most (by the norm of their outgoing weights), from the first on".to_owned()
    } else {
        "in the order of how much the next layer listens to them (by the norm of their outgoing weights)".to_owned()
    };
    html! {
        h3 { "What the first layer looks for" }
        figure.tiles {
            img src=(tiles.picture) alt={ "Weights of " (tiles.shown.len()) " neurons" };
            figcaption {
                "A tile is a neuron: light on " b.for { "orange" } " pixels excites it and on " b.against { "blue" }
                " ones inhibits it, white pixels do not matter to it; full color is a weight of "
                (format_args!("{:.3}", tiles.largest)) " everywhere. " (tiles.shown.len()) " of " (tiles.neurons)
                " neurons, " (which) ". Tiles that look like noise have hardly moved from their random start."
            }
        }
    }
}
