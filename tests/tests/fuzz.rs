//! Every reader under hostile files: see `pinhole_tests::fuzz`. The corpora are made here from valid files.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use pinhole::export::{Format, export};
use pinhole::import::import;
use pinhole::model_file::{ModelFile, Packing};
use pinhole::photos::{Dataset, PhotoOptions, load};
use pinhole::quantize::{ActivationBits, quantize};
use pinhole::recipe::{NAMED, Recipe};
use pinhole::runs::{self, files};
use pinhole::study::{self, PhotoFolders, Shard, StudyFolder, StudyOptions, StudyPhotos, StudyPlan, StudySize, Trial};
use pinhole::train::{Checkpoint, Network, Training, TrainingIdentity};
use pinhole_shared::decision::{Decision, Probability};
use pinhole_shared::link::frame::{FRAME_BYTES, encode};
use pinhole_shared::link::{
    Identity, Measured, PROTOCOL, Refusal, Report, Request, Response, Statistics, Unit, Values,
};
use pinhole_shared::model::seal;
use pinhole_shared::pixels::InputShape;
use pinhole_shared::policy::{Decided, Policy, Verdict};
use pinhole_tests::fuzz::{self, as_it_is};
use pinhole_tests::{repository, run_file, run_folder, synthetic, temporary};
use sha2::{Digest, Sha256};

/// A network with a layer of each kind.
const RECIPE: &str = "input_side = 12\n[training]\nepochs = 2\nbatch = 8\nlearning_rate = 0.01\ncopies = [\"inverted\"]\n\
     [training.augment]\nflip = true\nshift = 0.1\n\
     [[layer]]\nkind = \"conv\"\nchannels = 4\nkernel = 3\npadding = 1\nbatch_norm = true\nactivation = \"relu\"\npool = 2\n\
     [[layer]]\nkind = \"depthwise\"\nkernel = 3\npadding = 1\nactivation = \"relu6\"\ndropout = 0.1\n\
     [[layer]]\nkind = \"add\"\nfrom = 1\nactivation = \"relu\"\n\
     [[layer]]\nkind = \"max-pool\"\nwindow = 2\nstride = 1\n\
     [[layer]]\nkind = \"average-pool\"\nwindow = 3\nstride = 1\n\
     [[layer]]\nkind = \"global-average\"\n\
     [[layer]]\noutputs = 5\nactivation = \"sigmoid\"\n";

/// A network of dense layers.
const DENSE: &str = "input_side = 8\n[training]\nepochs = 2\nbatch = 8\nlearning_rate = 0.01\n\
     [[layer]]\noutputs = 6\nactivation = \"relu\"\nweight_bits = 4\n";

fn photos(input: InputShape) -> Dataset {
    load(&synthetic("train"), input, None).unwrap()
}

/// A trained network, its model and its training data.
fn trained(text: &str) -> (Network, ModelFile, Dataset) {
    let recipe = Recipe::parse(text, "a test").unwrap();
    let data = photos(recipe.input());
    let network = Network::new(&recipe, &data.classes, 1).unwrap();
    let network = pinhole::train::train(network, &data, &data, 1, |_| ControlFlow::Continue(())).unwrap().network;
    let model = quantize(&network, &data, ActivationBits::Eight).unwrap();
    (network, model, data)
}

#[test]
fn model_files() {
    let mut corpus = Vec::new();
    for text in [RECIPE, DENSE] {
        let (_, model, _) = trained(text);
        for packing in [Packing::Rows, Packing::CortexM4, Packing::CortexM0Plus] {
            corpus.push(model.packed(packing).unwrap().bytes().to_vec());
        }
    }
    fuzz::run("model", &corpus, |file| seal(file), fuzz::model::case);
}

#[test]
fn the_link() {
    let requests = [Request::Classify { report: Report::AllValues }, Request::Input { offset: 0, pixels: &[1, 0, 2] }];
    let decision = Decision { class: 1, probability: Probability(60_000) };
    let responses = [
        Response::Identity(Identity {
            protocol: PROTOCOL,
            board: "a-board".try_into().unwrap(),
            kernel: "cortex-m4".try_into().unwrap(),
            pipeline: 1,
            model_checksum: 0x1234_5678,
            model_bytes: 300_000,
            input_height: 96,
            input_width: 48,
            classes: 2,
        }),
        Response::Values(Values { stage: 3, offset: 700, values: (-9..9).map(|value| value * 99_999).collect() }),
        Response::Decided(Decided { decision, verdict: Verdict::Class(1) }),
        Response::Statistics(Statistics { captures: 9, inference_us: 1 << 20, ..Statistics::default() }),
        Response::Measured(Measured { part: 2, unit: Unit::Cycles, count: 1 << 40 }),
        Response::Refused(Refusal::WrongOffset),
        Response::Accepted,
        Response::MeasuredStack(2_000),
        Response::Policy(Policy::new(Probability(40_000), 2, 3).unwrap()),
    ];
    let frame = |request: &Request<'_>| encode(request, &mut [0; FRAME_BYTES]).unwrap().to_vec();
    let answer = |response: &Response| encode(response, &mut [0; FRAME_BYTES]).unwrap().to_vec();
    let corpus: Vec<Vec<u8>> = requests.iter().map(frame).chain(responses.iter().map(answer)).collect();
    fuzz::run("link", &corpus, as_it_is, fuzz::link::case);
}

#[test]
fn tensorflow_lite_files() {
    let exported = |text: &str| export(&trained(text).1, Format::Tflite, None, &[]).unwrap();
    let of_keras = std::fs::read(repository().join("tests/golden/keras.tflite")).unwrap();
    let corpus = [exported(RECIPE), exported(DENSE), of_keras, std::fs::read(hostile("tflite-ok.tflite")).unwrap()];
    fuzz::run("tflite", &corpus, as_it_is, fuzz::tflite::case);
}

fn hostile(name: &str) -> PathBuf {
    repository().join("tests/hostile").join(name)
}

/// Files whose integers are those of `tflite-ok.tflite`, and stand for something else.
#[test]
fn tensorflow_lite_files_that_stand_for_something_else() {
    import(&hostile("tflite-ok.tflite"), None).unwrap();
    for (name, why) in [
        ("tflite-bias-scale-123", "whose biases have another scale than input times weights"),
        ("tflite-bias-zero-point-77", "whose biases have a zero point other than 0"),
        ("tflite-out-scale-nan", "has a scale that is not a number above 0"),
        ("tflite-two-output-zero-scale", "a scale that is not a number above 0"),
        ("tflite-weights-custom-quant", "has a custom quantization"),
        ("tflite-weights-sparse", "is sparse"),
        ("tflite-weights-variable", "is a variable"),
    ] {
        let refused = import(&hostile(&format!("{name}.tflite")), None).unwrap_err().to_string();
        assert!(refused.contains(why), "{name}: {refused}");
    }
}

#[test]
fn recipes() {
    let named = NAMED.iter().map(|(_, text)| text.as_bytes().to_vec());
    let corpus: Vec<Vec<u8>> = [RECIPE, DENSE].map(|text| text.as_bytes().to_vec()).into_iter().chain(named).collect();
    fuzz::run("recipe", &corpus, as_it_is, fuzz::recipe::case);
}

#[test]
fn weights_files() {
    let corpus = [RECIPE, DENSE].map(|text| trained(text).0.to_safetensors().unwrap());
    fuzz::run("weights", &corpus, as_it_is, fuzz::weights::case);
}

#[test]
fn checkpoints() {
    let checkpoint = |text: &str| {
        let recipe = Recipe::parse(text, "a test").unwrap();
        let data = photos(recipe.input());
        let network = || Network::new(&recipe, &data.classes, 1).unwrap();
        let identity = TrainingIdentity::of(&network(), &data, &data, 1).unwrap();
        let mut state = None;
        let observe = |training: &Training<'_>, _: &_| {
            state = Some(training.state().unwrap());
            ControlFlow::Break(())
        };
        Training::new(network(), &data, &data, 1).unwrap().run(observe).unwrap();
        Checkpoint { identity, state: state.unwrap() }.to_bytes()
    };
    let corpus = [RECIPE, DENSE].map(checkpoint);
    fuzz::run("checkpoint", &corpus, renew_digest, fuzz::checkpoint::case);
}

/// Renews the SHA-256 after the first line.
#[expect(clippy::ptr_arg, reason = "the driver takes functions that may also change the length")]
fn renew_digest(file: &mut Vec<u8>) {
    let Some(start) = file.iter().position(|&byte| byte == b'\n').map(|end| end + 1) else { return };
    if let Some((digest, content)) = file[start..].split_at_mut_checked(32) {
        digest.copy_from_slice(&Sha256::digest(content));
    }
}

#[test]
fn runs_of_trainings() {
    let folder = run_folder();
    let corpus = [files::SUMMARY, files::METRICS].map(|name| run_file(folder.path(), name));
    fuzz::run("run", &corpus, as_it_is, fuzz::run::case);
    assert!(runs::summary(folder.path()).is_some());
}

#[test]
fn studies() {
    let systems = {
        let mut systems = study::systems::named(&["smaller".to_owned()]).unwrap();
        // A small network: its model and pictures are part of the showcase.
        systems[0].recipe = Recipe::parse(DENSE, "a test").unwrap();
        systems
    };
    let source = PhotoFolders {
        training: synthetic("train"),
        validation: Some(synthetic("validation")),
        options: PhotoOptions::default(),
    };
    let photos = StudyPhotos::load(&source, &systems).unwrap();
    let plan = StudyPlan::new(&photos, &systems, StudySize { seeds: 1, folds: 0, repeats: 0 }).unwrap();
    let folder = temporary();
    let store = StudyFolder::create(folder.path()).unwrap();
    let stop = AtomicBool::new(false);
    let options = StudyOptions { threads: 1, shard: Shard::WHOLE, stop: &stop };
    study::run(&plan, &photos, &systems, &store, options, &|_| ()).unwrap();
    let trial: Trial = plan.trials()[0];
    let record = format!("{}/{}.json", study::files::TRIALS, plan.trial_name(trial));
    let parts = [study::files::PLAN, &record, study::files::SHOWCASE];
    let read = |name: &str| std::fs::read(folder.path().join(name)).unwrap();
    let corpus = [parts.map(read).join(fuzz::study::SEPARATOR)];
    fuzz::run("study", &corpus, as_it_is, fuzz::study::case);
}

#[test]
fn lists_of_photos() {
    let path = |set: &str, name: &str| synthetic(set).join(name).display().to_string();
    let mut names: Vec<String> = std::fs::read_dir(synthetic("train"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    let list = |separator: &str| -> Vec<u8> {
        let line = |name: &String| {
            let class = name.split('-').next().unwrap();
            format!("{}{separator}{class}\n", path("train", name))
        };
        format!("path{separator}class\n{}", names.iter().map(line).collect::<String>()).into_bytes()
    };
    let quoted = format!("\"{}\",\"a \"\"b\"\"\"\r\n", path("train", &names[0]));
    let corpus = [list(","), list("\t"), list(";"), quoted.into_bytes()];
    fuzz::run("list", &corpus, as_it_is, fuzz::list::case);
}

#[test]
fn photos_of_any_bytes() {
    let encoded = |format| {
        let picture = image::RgbImage::from_fn(24, 20, |x, y| image::Rgb([(x * 10) as u8, (y * 12) as u8, 77]));
        let mut bytes = std::io::Cursor::new(Vec::new());
        picture.write_to(&mut bytes, format).unwrap();
        bytes.into_inner()
    };
    let corpus = [encoded(image::ImageFormat::Jpeg), encoded(image::ImageFormat::Png)];
    fuzz::run("photo", &corpus, as_it_is, fuzz::photo::case);
}

/// Pipes and devices are errors of every reader that takes a path, and are not waited for.
#[cfg(unix)]
#[test]
fn pipes_are_not_read() {
    use pinhole::runs::pretrained::PretrainedSource;

    let folder = temporary();
    let pipe = |name: &str| {
        let path = folder.path().join(name);
        assert!(std::process::Command::new("mkfifo").arg(&path).status().unwrap().success());
        path
    };
    let refused = |path: &Path, error: Option<String>| {
        let error = error.unwrap_or_else(|| panic!("{} was read", path.display()));
        assert!(error.contains("not a regular file"), "{error}");
    };
    let (model, recipe, list) = (pipe("a.pinhole"), pipe("a.toml"), pipe("a.csv"));
    let (weights, tflite, photo) = (pipe("weights.safetensors"), pipe("a.tflite"), pipe("a.jpg"));
    refused(&model, runs::open(&model).err().map(|error| error.to_string()));
    refused(&model, PretrainedSource::read(&model).err().map(|error| error.to_string()));
    refused(&weights, PretrainedSource::read(&weights).err().map(|error| error.to_string()));
    refused(&recipe, Recipe::find(recipe.to_str().unwrap()).err().map(|error| error.to_string()));
    // A list is a file: a pipe is taken for a folder of photos, which it is not.
    assert!(load(&list, InputShape::gray(8), None).is_err());
    refused(&tflite, import(&tflite, None).err().map(|error| error.to_string()));
    let read = pinhole::photos::read_unlabeled(std::slice::from_ref(&photo), InputShape::gray(8));
    refused(&photo, read.err().map(|error| error.to_string()));
    let checkpoint = pipe("checkpoint");
    refused(&checkpoint, Checkpoint::read(&checkpoint).err().map(|error| error.to_string()));
    let plan = pipe("plan.json");
    refused(&plan, StudyFolder::open(folder.path()).err().map(|error| error.to_string()));
    pipe("run.json");
    assert!(runs::summary(folder.path()).is_none());
    assert!(!pinhole::artifacts::is_run(folder.path()) && !pinhole::artifacts::is_study(folder.path()));
}
