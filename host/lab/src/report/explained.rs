//! Explained photos, and pictures of the first layer's weights.

use std::path::Path;

use pinhole_core::photos::Example;
use pinhole_shared::pixels::InputShape;
use pinhole_train::FloatLayer;

use super::markup::{self, escape, file_name, percent, put};
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
    let mut body = String::new();
    put!(body, "<h1>Which pixels decided</h1><p>Model: {}</p>", escape(model));
    put!(body, "<p>{}</p>", reading(photos));
    figures(&mut body, classes, photos);
    put!(body, "<footer>Pinhole {}</footer>", env!("CARGO_PKG_VERSION"));
    markup::page(&format!("Pinhole: which pixels decided, {model}"), &body)
}

/// Writes the section of a training's report: `photos`, of `all` validation photos.
pub(super) fn section(body: &mut String, classes: &[String], photos: &[ExplainedPhoto<'_>], all: usize) {
    if photos.is_empty() {
        return;
    }
    put!(body, "<h2>Which pixels decided</h2>");
    put!(
        body,
        "<p>{} {} of {all} validation photos shown, mistakes first; <code>pinhole explain</code> makes such pictures of \
         any photo.</p>",
        reading(photos),
        photos.len()
    );
    figures(body, classes, photos);
}

/// Returns the explanation of the figures.
fn reading(photos: &[ExplainedPhoto<'_>]) -> String {
    let patch = photos.first().map_or(1, |photo| photo.explanation.patch_side);
    format!(
        "<b class=\"for\">Orange</b> pixels support the decision and <b class=\"against\">blue</b> ones speak against \
         it: covered by gray patches of {patch}\u{d7}{patch} pixels, the int8 network's logit of that class loses or \
         gains its lead. The strongest tint is each photo's own largest effect, given below it; the lead is what there \
         is to lose."
    )
}

fn figures(body: &mut String, classes: &[String], photos: &[ExplainedPhoto<'_>]) {
    put!(body, "<div class=\"gallery explained\">");
    for photo in photos {
        let explanation = photo.explanation;
        let name = |class: u16| escape(&classes[usize::from(class)]);
        let decided = explanation.decision.class;
        let (kind, verdict) = match photo.label {
            Some(label) if label != decided => ("wrong", format!(", is {}", name(label))),
            Some(_) => ("right", String::new()),
            None => ("open", String::new()),
        };
        let file = escape(&file_name(photo.path));
        put!(
            body,
            "<figure class=\"{kind}\"><div class=\"pair\"><img src=\"{}\" alt=\"{file}\"><img src=\"{}\" alt=\"{file}, \
             tinted\"></div><figcaption>{} {}{verdict}<br>largest effect {:.2}, lead {:.2}<br><small>{file}</small>\
             </figcaption></figure>",
            input(photo.pixels, explanation.side),
            overlay(photo.pixels, explanation),
            name(decided),
            percent(explanation.decision.probability.to_f64()),
            explanation.largest(),
            explanation.margin,
        );
    }
    put!(body, "</div>");
}

/// Writes the section with the first layer's weights.
pub(super) fn first_layer(body: &mut String, layers: &[FloatLayer], classes: &[String], input: InputShape) {
    let Some(tiles) = weights(layers, input) else { return };
    put!(body, "<h2>What the first layer looks for</h2>");
    let which = if layers.len() == 1 {
        format!("a class each, in this order: {}", escape(&classes.join(", ")))
    } else if tiles.shown.len() < tiles.neurons {
        "those the next layer listens to most (by the norm of their outgoing weights), from the first on".to_owned()
    } else {
        "in the order of how much the next layer listens to them (by the norm of their outgoing weights)".to_owned()
    };
    put!(
        body,
        "<figure class=\"tiles\"><img src=\"{}\" alt=\"Weights of {} neurons\"><figcaption>A tile is a neuron: light \
         on <b class=\"for\">orange</b> pixels excites it and on <b class=\"against\">blue</b> ones inhibits it, white \
         pixels do not matter to it; full color is a weight of {:.3} everywhere. {} of {} neurons, {which}. Tiles that \
         look like noise have hardly moved from their random start.</figcaption></figure>",
        tiles.picture,
        tiles.shown.len(),
        tiles.largest,
        tiles.shown.len(),
        tiles.neurons
    );
}
