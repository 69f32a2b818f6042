//! The report of a study: one page that needs no other file and no network.

mod curves;
mod figure;
mod reading;
mod table;

use std::fmt::Write as _;

use super::markup::{self, counted, escape, percent, put};
use crate::study::{Plan, Records, Results, Showcase};
use curves::MeanCurves;

/// Returns the page of a whole study.
pub fn study_page(plan: &Plan, records: &Records, results: &Results, showcase: &Showcase) -> String {
    let curves: Vec<MeanCurves> =
        (0..plan.systems.len()).map(|system| MeanCurves::of(&records.curves_of(system))).collect();
    let mut body = String::new();
    headline(&mut body, plan, results);
    table::systems(&mut body, results);
    comparisons(&mut body, plan, records, results, &curves);
    reliability(&mut body, results);
    gallery(&mut body, plan, showcase);
    photos(&mut body, plan);
    recipes(&mut body, plan);
    put!(body, "<footer>Pinhole {}. The same photos, systems and seeds give this very page.</footer>", results.pinhole);
    markup::page("Pinhole: a study", &body)
}

fn headline(body: &mut String, plan: &Plan, results: &Results) {
    let runs: usize = results.systems.iter().map(|system| system.runs).sum();
    put!(body, "<h1>A study <small>{}</small></h1>", escape(&plan.classes.join(", ")));
    let mut how = String::new();
    if results.given_photos > 0 {
        let _ = write!(
            how,
            "On the given split ({} training and {} held-out photos) each was trained with {}. ",
            plan.training_count,
            results.given_photos,
            counted(results.seeds as usize, "seed")
        );
    }
    if results.folds > 0 {
        let _ = write!(
            how,
            "In a stratified {}-fold cross-validation over all {} photos, done {} with other folds each time, every \
             photo is decided by networks that have not seen it; near-duplicates stay in one fold. ",
            results.folds,
            results.photos,
            counted(results.repeats as usize, "time")
        );
    }
    put!(
        body,
        "<p>{}, {}. {how}Always deciding for the largest class would be right on {} of all photos.</p>",
        counted(results.systems.len(), "system"),
        counted(runs, "training"),
        percent(plan.largest_share())
    );
    put!(body, "<p class=\"verdict\">{}</p>", reading::verdict(results));
}

fn comparisons(body: &mut String, plan: &Plan, records: &Records, results: &Results, curves: &[MeanCurves]) {
    put!(body, "<h2>Comparisons</h2>");
    let where_from = if results.given_photos > 0 { "the given split" } else { "all folds" };
    put!(
        body,
        "<p>Cross-entropy against epoch, on {where_from}: <b>solid</b> is training (as the batches were trained on: \
         dropout on, copies and variations included, weight penalties not), <b>dashed</b> is validation. A line is the \
         mean over the runs, its band one standard deviation to either side; a dot marks the least mean validation \
         loss. Where every run is drawn, those that did not converge are bold. Decisions are compared by McNemar's exact \
         test as in the table above, corrected by Holm within each comparison.</p>"
    );
    for comparison in &results.comparisons {
        put!(body, "<h3>{}</h3><p>{}</p>", escape(&comparison.title), escape(&comparison.question));
        let svg = if comparison.each_run {
            figure::each_run(plan, records, &comparison.systems)
        } else {
            figure::means(plan, curves, &comparison.systems)
        };
        let (sentence, details) = reading::comparison(plan, results, comparison, curves);
        put!(body, "<figure class=\"chart\">{svg}<figcaption>{sentence}</figcaption></figure><ul class=\"details\">");
        for detail in details {
            put!(body, "<li>{detail}</li>");
        }
        put!(body, "</ul>");
    }
}

fn reliability(body: &mut String, results: &Results) {
    put!(body, "<h2>Reliability of the probability</h2>");
    put!(
        body,
        "<figure class=\"chart\">{}<figcaption>{}</figcaption></figure>",
        figure::reliability(&results.reliability),
        reading::reliability(results)
    );
}

fn gallery(body: &mut String, plan: &Plan, showcase: &Showcase) {
    put!(body, "<h2>Held-out photos, as the network sees them</h2>");
    let shown = match &showcase.shown {
        Ok(shown) => shown,
        Err(reason) => {
            put!(body, "<p>There is no network of {} to show: {}.</p>", escape(&showcase.system), escape(reason));
            return;
        }
    };
    put!(
        body,
        "<p>{}, seed 1, after epoch {} (the one with the least validation loss on these photos), quantized to int8: {} \
         of {} right; {} shown, mistakes first. Beside each photo, <b class=\"for\">orange</b> pixels support the \
         decision and <b class=\"against\">blue</b> ones speak against it: the change of the decided class's lead when a \
         gray patch covers them.</p><div class=\"gallery explained\">",
        escape(&showcase.system),
        shown.epoch,
        shown.right,
        shown.held_out,
        shown.photos.len()
    );
    for one in &shown.photos {
        let photo = &plan.photos[one.photo];
        let class = |class: u16| plan.classes.get(usize::from(class)).map_or_else(String::new, |name| escape(name));
        let (kind, verdict) = if photo.class == one.decision {
            ("right", String::new())
        } else {
            ("wrong", format!(", is {}", class(photo.class)))
        };
        let file = escape(photo.path.rsplit('/').next().unwrap_or(&photo.path));
        put!(
            body,
            "<figure class=\"{kind}\"><div class=\"pair\"><img src=\"{}\" alt=\"{file}\"><img src=\"{}\" alt=\"{file}, \
             tinted\"></div><figcaption>{} {}{verdict}<br><small>{file}</small></figcaption></figure>",
            one.input,
            one.explained,
            class(one.decision),
            percent(one.probability)
        );
    }
    put!(body, "</div>");
    // Only dense first layers have a picture.
    if shown.neurons == 0 {
        return;
    }
    put!(body, "<h2>What the first layer looks for</h2>");
    put!(
        body,
        "<figure class=\"tiles\"><img src=\"{}\" alt=\"Weights of {} neurons\"><figcaption>A tile is a neuron of {}: \
         light on <b class=\"for\">orange</b> pixels excites it, on <b class=\"against\">blue</b> ones inhibits it; {} of \
         {} neurons, those the next layer listens to most first. Tiles that look like noise have hardly moved from \
         their random start.</figcaption></figure>",
        shown.weights,
        shown.neurons_shown,
        escape(&showcase.system),
        shown.neurons_shown,
        shown.neurons
    );
}

/// Most near-duplicates, and most left-out files, named on the page; a large set may have thousands.
const NAMED_PHOTOS: usize = 100;

fn photos(body: &mut String, plan: &Plan) {
    put!(body, "<h2>Photos</h2>");
    let counts: Vec<String> = plan
        .classes
        .iter()
        .enumerate()
        .map(|(class, name)| {
            let count = plan.photos.iter().filter(|photo| usize::from(photo.class) == class).count();
            format!("{count} of {}", escape(name))
        })
        .collect();
    put!(body, "<p>{} photos: {}.</p>", plan.photos.len(), counts.join(", "));
    if plan.duplicates.is_empty() {
        put!(body, "<p>No two are nearly the same (perceptual hash, confirmed on the pixels).</p>");
    } else {
        put!(
            body,
            "<p>Nearly the same (perceptual hash, confirmed on the pixels): {}.</p><ul>",
            counted(plan.duplicates.len(), "pair")
        );
        // Pairs that make a score optimistic come first.
        let leaks = |&(first, second): &(usize, usize)| {
            plan.given_split && (first < plan.training_count) != (second < plan.training_count)
        };
        let (across, within): (Vec<_>, Vec<_>) = plan.duplicates.iter().copied().partition(leaks);
        for (first, second) in across.iter().chain(&within).take(NAMED_PHOTOS.max(across.len())) {
            let flattered = "<b>One is trained on, the other held out: its score is flattered.</b>";
            let leak = if leaks(&(*first, *second)) { format!(" {flattered}") } else { String::new() };
            let path = |index: usize| escape(&plan.photos[index].path);
            put!(body, "<li>{} and {}.{leak}</li>", path(*first), path(*second));
        }
        more(body, plan.duplicates.len(), NAMED_PHOTOS.max(across.len()));
        put!(body, "</ul>");
    }
    if !plan.left_out.is_empty() {
        put!(body, "<p>Left out: {}.</p><ul>", counted(plan.left_out.len(), "file"));
        for file in plan.left_out.iter().take(NAMED_PHOTOS) {
            put!(body, "<li>{}</li>", escape(file));
        }
        more(body, plan.left_out.len(), NAMED_PHOTOS);
        put!(body, "</ul>");
    }
}

/// Writes how many items of a list are not shown.
fn more(body: &mut String, all: usize, shown: usize) {
    if all > shown {
        put!(body, "<li>and {} more</li>", all - shown);
    }
}

fn recipes(body: &mut String, plan: &Plan) {
    put!(body, "<h2>Recipes</h2>");
    for system in &plan.systems {
        put!(
            body,
            "<details><summary>{}</summary><pre>{}</pre></details>",
            escape(&system.name),
            escape(&system.recipe)
        );
    }
}
