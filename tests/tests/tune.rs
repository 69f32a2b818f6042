//! The search within a budget: no candidate over it, the same result for any number of threads, and a valid Pareto
//! front.

use std::path::Path;
use std::sync::atomic::AtomicBool;

use pinhole::board::Board;
use pinhole::photos::PhotoOptions;
use pinhole::recipe::Recipe;
use pinhole::study::{PhotoFolders, Shard, StudyOptions};
use pinhole::tune::{Cost, Search, SearchBudget, SearchResult, SearchedKinds, TuneError, tune};
use pinhole_shared::pixels::Color;
use pinhole_tests::{Ran, files_in, pinhole, read_json, synthetic, temporary};

fn search(flash_bytes: usize, ram_bytes: usize) -> Search {
    let budget = SearchBudget { flash_bytes: Some(flash_bytes), ram_bytes: Some(ram_bytes), ..SearchBudget::default() };
    Search {
        budget,
        kinds: SearchedKinds::Dense,
        color: Color::Gray,
        candidates: 6,
        folds: 2,
        rounds: 2,
        epochs: Some(15),
        seed: 3,
    }
}

fn found(search: &Search, validation: bool, threads: usize, out: &Path) -> Result<Option<SearchResult>, TuneError> {
    let stop = AtomicBool::new(false);
    let source = PhotoFolders {
        training: synthetic("train"),
        validation: validation.then(|| synthetic("validation")),
        options: PhotoOptions::default(),
    };
    tune(&source, search, out, StudyOptions { threads, shard: Shard::WHOLE, stop: &stop }, &|_| (), &|_, _| ())
}

#[test]
fn every_network_is_within_the_budget_and_costs_what_its_model_does() {
    let search = search(40_000, 3_000);
    let (one, four) = (temporary(), temporary());
    let with_one = found(&search, true, 1, one.path()).unwrap().unwrap();
    assert_eq!(with_one, found(&search, true, 4, four.path()).unwrap().unwrap());
    assert_eq!((with_one.candidates, with_one.networks.len(), with_one.repeats), (6, 3, 2));
    assert_eq!((with_one.photos, with_one.held_out), (26, 14), "held-out photos are no part of the search");
    assert!(with_one.within_budget > 6 && with_one.within_budget < 360, "{}", with_one.within_budget);
    assert!(with_one.networks.iter().any(|network| network.on_front));
    assert!(with_one.networks.is_sorted_by(|a, b| a.accuracy.mean >= b.accuracy.mean));
    assert!(with_one.networks[0].against_best.is_none());
    for network in &with_one.networks {
        assert!(network.cost.flash_bytes <= 40_000 && network.cost.ram_bytes <= 3_000, "{network:?}");
        let recipe = Recipe::parse(&network.recipe, &network.name).unwrap();
        let classes = ["chihuahua".to_owned(), "muffin".to_owned()];
        assert_eq!(Cost::of(&recipe, &classes).unwrap(), network.cost);
        assert!(network.interval.low <= network.accuracy.mean && network.accuracy.mean <= network.interval.high);
        let held_out = network.held_out.unwrap();
        assert!(held_out.interval.low < held_out.interval.high);
    }
}

/// Convolutional networks too, for a board with a limit of time: every network that is tried keeps it.
#[test]
fn networks_for_a_board_fit_it_and_are_fast_enough() {
    let budget = SearchBudget { board: Some(Board::Pico), time_ms: Some(150.0), ..SearchBudget::default() };
    let search = Search { budget, kinds: SearchedKinds::Conv, candidates: 3, epochs: Some(2), ..search(0, 0) };
    let out = temporary();
    let result = found(&search, false, 2, out.path()).unwrap().unwrap();
    assert!(result.within_budget >= 3 && result.within_budget < 75, "{}", result.within_budget);
    assert_eq!((result.candidates, &result.rounds[..]), (3, &[3, 2][..]));
    for network in &result.networks {
        let time = network.cost.time_ms.unwrap();
        assert!(time > 0.0 && time <= 150.0, "{network:?}");
        assert!(network.recipe.contains("kind = \"conv\""), "{}", network.name);
    }
    let slow = SearchBudget { time_ms: Some(0.001), ..budget };
    let error = found(&Search { budget: slow, ..search }, false, 1, out.path()).unwrap_err();
    assert_eq!(error.to_string(), "no network of the search fits the board pico and 0.001 ms");
}

/// With `--color rgb` every network sees color, and the recipes say so.
#[test]
fn a_search_in_color_finds_networks_in_color() {
    let out = temporary();
    let search = Search { color: Color::Rgb, candidates: 2, rounds: 1, epochs: Some(1), ..search(1_000_000, 100_000) };
    let result = found(&search, false, 2, out.path()).unwrap().unwrap();
    assert_eq!(result.networks.len(), 2);
    for network in &result.networks {
        assert_eq!(Recipe::parse(&network.recipe, &network.name).unwrap().input.color, Color::Rgb);
    }
}

#[test]
fn a_budget_nothing_fits_is_refused_with_the_least_there_is() {
    let out = temporary();
    let error = found(&search(1_000, 32_768), false, 1, out.path()).unwrap_err();
    let TuneError::NothingFits { smallest, .. } = error else { panic!("{error:?}") };
    assert!(smallest.flash_bytes > 9_000 && smallest.flash_bytes < 11_000, "{smallest:?}");
}

#[test]
fn the_command_prints_a_front_whose_recipes_can_be_trained() {
    let temp = temporary();
    let out = temp.path().join("tune");
    let mut arguments: Vec<std::ffi::OsString> = vec!["tune".into(), synthetic("train").into(), "--out".into()];
    arguments.push(out.clone().into());
    let rest = "--flash 64K --ram 8K --candidates 4 --rounds 2 --folds 2 --epochs 5";
    arguments.extend(rest.split(' ').map(Into::into));
    let told = Ran::of(&mut pinhole(arguments.clone())).ok();
    assert!(
        told.stdout.contains("fit 65536 bytes of flash and 8192 bytes of RAM; 4 were tried, 2 are left"),
        "{}",
        told.stdout
    );
    let report = std::fs::read_to_string(out.join("report.html")).unwrap();
    let results = read_json(&out.join("results.json"));
    for network in results["networks"].as_array().unwrap() {
        assert!(report.contains(network["name"].as_str().unwrap()), "{network} is not in the report");
    }
    for words in [
        "The most accurate network is ",
        "Round 2: 2 networks, each in 2 cross-validations of 2 folds",
        "26 photos to search on",
    ] {
        assert!(report.contains(words), "no {words:?} in the report");
    }
    assert!(told.stdout.contains("report    "), "{}", told.stdout);
    let recipes = files_in(&out.join("recipes"));
    assert!(!recipes.is_empty());
    for recipe in &recipes {
        let name = recipe.file_stem().unwrap().to_str().unwrap();
        assert!(told.stdout.contains(name), "{name} in:\n{}", told.stdout);
    }
    let run = temp.path().join("run");
    let mut train: Vec<std::ffi::OsString> = vec!["train".into(), synthetic("train").into(), "--recipe".into()];
    train.extend([recipes[0].clone().into(), "--epochs".into(), "1".into(), "--out".into(), run.into()]);
    Ran::of(&mut pinhole(train)).ok();
    // The second time all results exist already; the output is the same.
    assert_eq!(Ran::of(&mut pinhole(arguments)).ok().stdout, told.stdout);
}
