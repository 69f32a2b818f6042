//! Names that look like markup, on every page; and the note on pages of earlier models.

use std::path::PathBuf;

use pinhole_core::photos::Example;
use pinhole_core::recipe::{DEFAULT, Recipe};
use pinhole_shared::decision::{Decision, Probability};
use pinhole_shared::model::Activation;
use pinhole_shared::pixels::InputShape;
use pinhole_train::layers::FloatDense;
use pinhole_train::runs::{PretrainedSummary, RecipeChoice, TestSummary};
use pinhole_train::{Accelerator, LastLayer, digest};

use super::*;
use crate::evaluate::{PhotoResult, Scores};
use crate::explain::Explanation;
use crate::study::results::{results, tests as study};
use crate::study::{Showcase, ShownNetwork, ShownPhoto};
use crate::verdict::{DoubtedLabel, TrainingFacts};

/// A name that is markup if it is not escaped, and ends attributes.
const MARKUP: &str = "<b>&\"'";
/// How it is written in text and attributes.
const ESCAPED: &str = "&lt;b&gt;&amp;&quot;'";
/// How plotters writes it.
const ESCAPED_BY_PLOTTERS: &str = "&lt;b&gt;&amp;&quot;&apos;";
/// A name without markup, of the same length: legends are placed by the lengths of their texts.
const PLAIN: &str = "plain?";

/// Checks that a page, a function of a name, shows the name in `count` places and escapes it in all of them.
fn assert_escaped(page: impl Fn(&str) -> String, count: usize) {
    let (plain, marked_up) = (page(PLAIN), page(MARKUP));
    assert_eq!(plain.matches(PLAIN).count(), count);
    assert!(!marked_up.contains(MARKUP));
    // A name in our own bold text follows a tag that looks like its beginning, so the whole page is compared.
    assert_eq!(marked_up.replace(ESCAPED, PLAIN).replace(ESCAPED_BY_PLOTTERS, PLAIN), plain);
}

fn explanation(class: u16) -> Explanation {
    let decision = Decision { class, probability: Probability(49_152) };
    Explanation { height: 1, width: 1, patch_side: 1, gray: 0, decision, margin: 1.0, contributions: vec![0.5] }
}

/// Returns a report that shows every part a report may have, and the name wherever it shows text that is not ours.
fn training_page(name: &str) -> String {
    page_of(name, true)
}

fn page_of(name: &str, has_test: bool) -> String {
    let path = || PathBuf::from(name);
    let example = |class| Example { path: path(), class, pixels: vec![100] };
    let classes = vec![name.to_owned(), name.to_owned()];
    let photos = Dataset {
        input: InputShape::gray(1),
        classes: classes.clone(),
        examples: vec![example(0), example(1)],
        warnings: Vec::new(),
        enlarged: 0,
    };
    let scores = || Scores { accuracy: 0.5, loss: 0.7, confusion: vec![vec![1, 0], vec![1, 0]] };
    let explained = explanation(0);
    let decided = || PhotoResult { float: None, int8: explained.decision, own: Probability(16_384) };
    let evaluation = Evaluation {
        photos: 2,
        classes: classes.clone(),
        float: Some(scores()),
        weight_bits: vec![8],
        int8: scores(),
        answered: None,
        agreement: Some(1.0),
        disagreements: Vec::new(),
        results: vec![decided(), decided()],
    };
    let run = RunSummary {
        pinhole: name.to_owned(),
        recipe: name.to_owned(),
        choice: Some(RecipeChoice { sentence: name.to_owned(), command: name.to_owned() }),
        from: Some(PretrainedSummary { path: path(), checksum: 1, dequantized: true, last_layer: LastLayer::Kept }),
        frozen: true,
        seed: 1,
        accelerator: Accelerator::Cpu,
        board: None,
        photos: path(),
        validation: None,
        class_from: None,
        no_duplicate_search: false,
        training_photos: 6,
        validation_photos: 2,
        enlarged_photos: 1,
        epochs: 1,
        stopped: name.to_owned(),
        best_epoch: 1,
        validation_loss: 0.7,
        validation_accuracy: 0.5,
        parts: Default::default(),
        model_checksum: 2,
        quantization: None,
        command: Some(name.to_owned()),
        verdict: None,
        test: Some(TestSummary {
            photos: path(),
            near_duplicates: 2,
            warnings: vec![format!("warned of {name}")],
            verdict: Some(serde_json::json!({ "sentence": name })),
        }),
        doubted_training: None,
    };
    let epoch =
        Epoch { epoch: 1, training_loss: 0.7, training_accuracy: 0.5, validation_loss: 0.7, validation_accuracy: 0.5 };
    let shown: Vec<ExplainedPhoto<'_>> =
        photos.examples.iter().map(|example| ExplainedPhoto::of(example, &explained)).collect();
    let settings = Recipe::find(DEFAULT).unwrap().training;
    let duplicates =
        [DuplicatePhotos { first: path(), second: path(), mirrored: true, across: true, contradiction: None }];
    let facts = TrainingFacts { training: &photos, duplicates: &duplicates, best_epoch: 1, epochs: 9, doubted: &[] };
    let mut verdict = NetworkVerdict::of(&evaluation, &photos, Some(facts));
    verdict.doubted = vec![DoubtedLabel {
        path: path(),
        class: name.to_owned(),
        decided: name.to_owned(),
        probability: 0.75,
        own_probability: 0.25,
    }];
    let board = BoardRow {
        name: "pico".to_owned(),
        core: String::new(),
        model_flash: (100, 1000),
        code_flash: (100, 1000),
        ram: (100, 1000),
        time_ms: None,
        lacks: Some(name.to_owned()),
    };
    let report = RunReport {
        run: &run,
        recipe: name,
        settings: &settings,
        training: &photos,
        verdict: &verdict,
        test: has_test.then_some(TestedPhotos { photos: &photos, evaluation: &evaluation, verdict: &verdict }),
        next: &[NextStep { why: format!("try {name}"), command: Some(name.to_owned()) }],
        boards: &[board],
        epochs: &[epoch],
        validation: &photos,
        evaluation: &evaluation,
        explained: &shown,
        network: &[FloatLayer::Dense(FloatDense {
            weights: vec![1.0; 2],
            biases: vec![0.0; 2],
            activation: Activation::Linear,
        })],
        layers: &[LayerError { mean_error: 0.1, max_error: 0.2, accumulator_bound: 100, bytes: 10 }],
        model_bytes: 100,
        warnings: &[Warning { path: path(), reason: name.to_owned() }],
        duplicates: &duplicates,
    };
    // Digests are of the names too.
    let digest = super::made::short(digest(&photos));
    report.to_html().replace(&digest, "digest")
}

#[test]
fn a_training_report_escapes_every_name() {
    // Title. Recipe, two classes, the sentence, the best constant answer, two warnings, reason of the
    // end, a test's sentence and its warning, automatic choice, network that it continues, a step and its command.
    let top = 1 + 3 + 1 + 1 + 2 + 1 + 2 + 1 + 1 + 2;
    // Two classes in the table and on the contact sheet; a doubted label with two classes; a pair; a left-out file and its reason.
    let data = 2 + 2 + 3 + 2 + 2;
    // Scores; the matrix' columns, which have titles, and its rows.
    let classes = 2 + 4 + 2;
    // A mistake and a right photo with file (twice) and decision, and once a class; the same explained, where the file comes three
    // times; two classes of the first layer.
    let photos = (3 + 1) + 3 + (2 * 4 + 1) + 2;
    // Of the test photos: two classes in the table, a mistake and a right photo.
    let test = 2 + (3 + 1) + 3;
    // What a board lacks; command, version, folders of photos and of test photos, and recipe; version.
    let last = 1 + 5 + 1;
    assert_escaped(training_page, top + data + classes + photos + test + last);
    let page = training_page(MARKUP);
    assert!(page.contains(&format!("<title>Pinhole: {ESCAPED}, seed 1</title>")));
    assert!(page.contains(&format!("alt=\"{ESCAPED}, tinted\"")));
}

/// The second class has one photo, which is decided for the first.
#[test]
fn a_report_does_not_praise_what_is_not_there() {
    let page = training_page("cat");
    assert!(page.contains("<td class=\"missed\" style=\"--part:8%\">0<small>0.0\u{a0}%</small></td>"));
    assert!(page.contains("<td class=\"right\" style=\"--part:70%\">1<small>100.0\u{a0}%</small></td>"));
    assert!(page.contains("<h1>It is no better than guessing: 50\u{a0}% of 2 validation photos"));
    assert!(page.contains("<div class=\"score bad\">"));
    assert!(page.contains("This page is one file of 0.1\u{a0}MB"));
    assert!(page.contains("held out of the training photos, by the seed"));
}

/// Scores by class and mistakes; no section without test photos.
#[test]
fn test_photos_have_a_section() {
    let page = training_page("cat");
    for part in [
        "<a href=\"#test\">Test photos</a>",
        "<h2 id=\"test\">Test photos</h2>",
        "Recall: of the test photos of a class",
        "1 mistake of the int8 network on 2 test photos, the surest first. Beside each photo",
    ] {
        assert_eq!(page.matches(part).count(), 1, "{part}");
    }
    assert!(page.contains("1 mistake of the int8 network on 2 validation photos, the surest first. Beside each photo"));
    let without = page_of("cat", false);
    assert!(!without.contains("Test photos") && !without.contains("#test\""));
    assert!(without.contains("<h2 id=\"mistakes\">Mistakes</h2>"));
}

#[test]
fn an_explanation_escapes_every_name() {
    let page = |name: &str| {
        let (path, right, wrong) = (PathBuf::from(name), explanation(0), explanation(1));
        let photo = |explanation, label| ExplainedPhoto { path: &path, pixels: &[100], explanation, label };
        let photos = [photo(&right, Some(0)), photo(&wrong, Some(0)), photo(&right, None)];
        explanation_page(name, &[name.to_owned(), name.to_owned()], &photos)
    };
    // Title and model; file (three times) and decision of each photo, and once a class.
    assert_escaped(page, 2 + 3 * 4 + 1);
}

#[test]
fn a_study_escapes_every_name() {
    let page = |name: &str, shown: fn(&str) -> Result<ShownNetwork, String>| {
        let mut plan = study::plan();
        plan.classes = vec![name.to_owned(), name.to_owned()];
        plan.photos.iter_mut().for_each(|photo| photo.path = format!("{name}/{name}"));
        plan.left_out = vec![name.to_owned()];
        plan.duplicates = vec![(0, 1), (5, 6)];
        plan.pinhole = name.to_owned();
        for system in &mut plan.systems {
            (system.name, system.recipe) = (name.to_owned(), name.to_owned());
        }
        let records = study::records(&plan);
        let results = results(&plan, &records, &[10, 20], 0);
        let showcase = Showcase { key: String::new(), system: name.to_owned(), shown: shown(name) };
        study_page(&plan, &records, &results, &showcase)
    };
    let network = |_: &str| {
        let photo = |decision| ShownPhoto {
            photo: 6,
            decision,
            probability: 0.75,
            input: String::new(),
            explained: String::new(),
        };
        let (photos, weights) = (vec![photo(0), photo(1)], String::new());
        Ok(ShownNetwork { epoch: 1, held_out: 2, right: 1, photos, weights, neurons_shown: 1, neurons: 2 })
    };
    // Two classes; the summary's three systems; the table's head and two rows; the figure's two systems, its sentence, and
    // two details, one of which names the first system too; reliability.
    let rest = 2 + 3 + 3 + (2 + 1 + 3) + 1;
    // Counts of two classes; two pairs of two paths of two parts; a left-out file; two recipes with their names; version.
    let last = 2 + 2 * 2 * 2 + 1 + 2 * 2 + 1;
    // The showcase's system; two photos with file (three times) and decision, once a class; the first layer's system.
    assert_escaped(|name| page(name, network), rest + (1 + 2 * 4 + 1) + 1 + last);
    assert_escaped(|name| page(name, |name| Err(name.to_owned())), rest + 2 + last);
}

#[test]
fn a_page_says_once_that_its_model_is_an_earlier_one() {
    let page = training_page("cat");
    let noted = describes_an_earlier_model(&page, 0xabc);
    let note = "<p class=\"earlier\"><strong>This page describes an earlier model.</strong> The run was quantized again \
                since: its model now has the checksum 00000abc.</p>";
    assert_eq!(noted, page.replace("<body>", &format!("<body>{note}")));
    assert_eq!(describes_an_earlier_model(&noted, 0xabc), noted);
    let again = describes_an_earlier_model(&noted, 0xdef);
    assert_eq!(again, noted.replace("00000abc", "00000def"));
    // A page of an earlier version of Pinhole, with line breaks.
    let earlier = format!("<body>\n{note}\n<h1>cat</h1>\n</body>");
    assert_eq!(describes_an_earlier_model(&earlier, 0xabc), format!("<body>{note}\n<h1>cat</h1>\n</body>"));
    assert_eq!(describes_an_earlier_model("no page", 1), "no page");
}
