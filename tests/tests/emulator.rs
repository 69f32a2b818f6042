//! The firmware on the emulated board against the host's engine: every integer of every layer, over the link and
//! through the camera path. Also the board's messages for files that it cannot run.
//!
//! A machine on which the emulator cannot run fails these tests.

use std::path::{Path, PathBuf};
use std::thread;

use miette::Diagnostic as _;
use pinhole::board::Board;
use pinhole::device::{ClientError, InferenceDevice as _, InferenceDeviceError};
use pinhole::emulator::testing::{start_expecting, start_with_bytes_of};
use pinhole::emulator::{EmulatedBoard, EmulatorError};
use pinhole::model_file::{ModelFile, PackedModel, Packing};
use pinhole::photos::{Picture, decode};
use pinhole::prove::{ProofInputs, prove};
use pinhole::quantize::{ActivationBits, quantize};
use pinhole::random::Random;
use pinhole::recipe::{NAMED, Recipe, RecipeLayer, WEIGHT_BITS};
use pinhole::train::{Network, train};
use pinhole_core::testing::{self, pictures};
use pinhole_shared::decision::{Decision, Probability};
use pinhole_shared::link::{PROTOCOL, Refusal, Report};
use pinhole_shared::model::{Activation, Output};
use pinhole_shared::pixels::{InputShape, PIPELINE_ID, PictureSize, PixelFormat};
use pinhole_shared::policy::{Policy, Smoother, Verdict};
use pinhole_tests::handmade::{LayerShape, encode, logits, tiny};
use pinhole_tests::tensors::{ALL_KINDS, BANDS, FIRST_LAYER, TILES, network_of};
use pinhole_tests::{bundled_model, files_in, on_disk, synthetic, temporary, trained};
use tempfile::TempDir;

/// A model file, in a folder that is removed with it.
struct OnDisk {
    path: PathBuf,
    _temp: TempDir,
}

impl OnDisk {
    fn new(bytes: &[u8]) -> Self {
        let (_temp, path) = on_disk(bytes);
        Self { path, _temp }
    }

    fn board(&self) -> EmulatedBoard {
        EmulatedBoard::start(Board::Qemu, &self.path).unwrap_or_else(|error| panic!("{}", whole(error)))
    }
}

/// Returns the full text of an error, as a user sees it, without its frame.
fn whole(error: EmulatorError) -> String {
    let help = error.help().map(|help| help.to_string()).unwrap_or_default();
    format!("{error}\nhelp: {help}")
}

fn noise(random: &mut Random, count: usize) -> Vec<u8> {
    (0..count).map(|_| random.below(256) as u8).collect()
}

/// Returns inputs that reach both ends of the range, and some in between.
fn inputs(pixels: usize) -> Vec<Vec<u8>> {
    let mut random = Random::seeded(7);
    let slope = (0..pixels).map(|i| (i * 255 / pixels) as u8).collect();
    vec![vec![0; pixels], vec![255; pixels], slope, noise(&mut random, pixels), noise(&mut random, pixels)]
}

/// Asserts that every input gives equal results: over the link, with all values and with the decision alone.
fn assert_equal(file: &ModelFile, inputs: &[Vec<u8>]) {
    let on_disk = OnDisk::new(file.bytes());
    let mut board = on_disk.board();
    let mut engine = file.engine();
    for (number, input) in inputs.iter().enumerate() {
        let expected = engine.run_all(input);
        assert_eq!(expected.stages.len(), 1 + file.model().layers().len());
        let got = board.classify(input, Report::AllValues).unwrap();
        for (stage, (got, expected)) in got.stages.iter().zip(&expected.stages).enumerate() {
            assert_eq!(got, expected, "input {number}, stage {stage}");
        }
        assert_eq!(got, expected, "input {number}");
        let decision_only = board.classify(input, Report::Decision).unwrap();
        assert_eq!((decision_only.stages.len(), decision_only.decision), (0, expected.decision), "input {number}");
    }
}

/// Trains on three classes of noise with different brightness; the 8-bit network has every activation function.
fn mixed() -> ModelFile {
    let text = "input_side = 12\n[training]\nepochs = 30\nbatch = 8\nlearning_rate = 0.01\n\
                [[layer]]\noutputs = 17\nactivation = \"relu\"\n[[layer]]\noutputs = 9\nactivation = \"linear\"\n\
                [[layer]]\noutputs = 5\nactivation = \"sigmoid\"\n";
    let mut random = Random::seeded(3);
    let pixels = |class| (class, (0..144).map(|_| (usize::from(class) * 60 + random.below(120)) as u8).collect());
    let examples = testing::in_turn(30, 3).map(pixels);
    let photos = testing::dataset(InputShape::gray(12), &["dark", "gray", "light"], examples);
    let network = Network::new(&testing::recipe(text), &photos.classes, 1).unwrap();
    let outcome = train(network, &photos, &photos, 1, |_| std::ops::ControlFlow::Continue(()));
    let file = quantize(&outcome.unwrap().network, &photos, ActivationBits::Eight).unwrap();
    let outputs: Vec<Output> = file.model().layers().map(|layer| layer.output()).collect();
    assert_eq!(outputs, [Output::U8, Output::I16, Output::U8, Output::Logits], "not the mixture this test is for");
    file
}

/// Networks with every kind of layer, 8-bit and 4-bit weights, and every way of computing a convolution, on all cores.
#[test]
fn tensors_are_the_hosts() {
    for (layers, side) in [(ALL_KINDS, 17), (FIRST_LAYER, 17), (BANDS, 17), (TILES, 96)] {
        let pictures = pictures(InputShape::gray(side), 6);
        let (_, file) = network_of(layers, &pictures);
        let on_disk = OnDisk::new(file.bytes());
        let mut engine = file.engine();
        for board in [Board::Qemu, Board::QemuM0plus, Board::QemuM33] {
            let mut running = EmulatedBoard::start(board, &on_disk.path).unwrap_or_else(|e| panic!("{}", whole(e)));
            for example in &pictures.examples {
                let got = running.classify(&example.pixels, Report::AllValues).unwrap();
                assert_eq!(got, engine.run_all(&example.pixels), "{board:?}");
            }
        }
    }
}

/// Every assembly loop, on every shape of its blocks, groups, chunks and turns: weights of 8, 7 and 4 bits, with
/// partial groups and blocks, on all cores. (Sides of 13 to 45 give 22 to 254 groups of columns, so that the first
/// turn of an unrolled loop skips anything from none to all but one.)
#[test]
fn every_loop_gives_the_hosts_integers() {
    for (side, hidden) in [(1, 1), (3, 6), (13, 4), (22, 5), (31, 10), (45, 7)] {
        let layers = format!(
            "[[layer]]\noutputs = {hidden}\nactivation = \"sigmoid\"\n\
             [[layer]]\noutputs = {}\nactivation = \"relu\"\n[[layer]]\noutputs = 33\nactivation = \"linear\"\n",
            hidden + 3
        );
        let pixels = side * side;
        let inputs = inputs(pixels);
        let examples = testing::in_turn(inputs.len(), 2).zip(inputs.iter().cloned());
        let photos = testing::dataset(InputShape::gray(side as u16), &["a", "b"], examples);
        for bits in WEIGHT_BITS {
            let mut recipe = testing::untrained(photos.input, &layers);
            recipe.set_weight_bits(&[bits]).unwrap();
            let network = Network::new(&recipe, &photos.classes, 1).unwrap();
            let file = quantize(&network, &photos, ActivationBits::Sixteen).unwrap();
            let on_disk = OnDisk::new(file.bytes());
            let mut engine = file.engine();
            for board in [Board::Qemu, Board::QemuM0plus, Board::QemuM33] {
                let mut running = EmulatedBoard::start(board, &on_disk.path).unwrap_or_else(|e| panic!("{}", whole(e)));
                for input in &inputs {
                    let got = running.classify(input, Report::AllValues).unwrap();
                    assert_eq!(got, engine.run_all(input), "{board:?}, side {side}, {bits} bits");
                }
            }
        }
    }
}

/// A model packed for one board and copied unchanged into another's flash is refused, with a way out.
#[test]
fn a_board_refuses_another_kernels_layout() {
    let file = ModelFile::from_bytes(tiny(4).bytes()).unwrap();
    for (board, packing) in
        [(Board::Qemu, Packing::CortexM0Plus), (Board::Qemu, Packing::Rows), (Board::QemuM0plus, Packing::CortexM4)]
    {
        let on_disk = OnDisk::new(file.packed(packing).unwrap().bytes());
        let Err(error) = start_with_bytes_of(board, &on_disk.path) else { panic!("{board:?} took it") };
        let text = whole(error);
        assert!(text.contains("the model file was refused"), "{text}");
        assert!(text.contains("which is not run here: pack the model for this board"), "{text}");
        // As a file it is a model like any other.
        EmulatedBoard::start(board, &on_disk.path).unwrap_or_else(|error| panic!("{}", whole(error)));
    }
}

/// All networks of the named recipes fit the board, the largest with 3 MB of weights, and give the host's integers.
#[test]
fn every_named_recipe_runs_on_the_board() {
    let data = &trained().data;
    // Recipes that differ only in training are the same network on a board.
    let mut seen_networks: Vec<Vec<_>> = Vec::new();
    for (name, _) in NAMED {
        let recipe = Recipe::find(name).unwrap();
        let activation = |layer: &RecipeLayer| layer.as_dense().map(|dense| dense.activation);
        let activations = recipe.layers.iter().map(activation).chain([None]);
        let layers: Vec<_> = recipe.shapes(2).into_iter().zip(activations).collect();
        // The article's VGG-style network fits no board.
        if seen_networks.contains(&layers) || *name == "vgg" {
            continue;
        }
        seen_networks.push(layers);
        let network = Network::new(&recipe, &data.training.classes, 1).unwrap();
        let noise = pictures(recipe.input(), 2);
        let photos = if recipe.input() == data.training.input { &data.training } else { &noise };
        let shown: Vec<Vec<u8>> = photos.examples.iter().step_by(10).map(|e| e.pixels.clone()).collect();
        for bits in [ActivationBits::Eight, ActivationBits::Sixteen] {
            println!("{name}, {bits:?}");
            assert_equal(&quantize(&network, photos, bits).unwrap(), &shown);
        }
    }
    assert_eq!(seen_networks.len(), 8, "the article's five and three of convolutions");
}

#[test]
fn the_default_network_gives_the_hosts_integers() {
    let file = &trained().finished.model;
    let mut all = inputs(2500);
    all.extend(trained().data.validation.examples.iter().map(|example| example.pixels.clone()));
    assert_equal(file, &all);
}

#[test]
fn a_tiny_network_gives_the_hosts_integers() {
    assert_equal(&ModelFile::from_bytes(tiny(4).bytes()).unwrap(), &inputs(16));
    assert_equal(&ModelFile::from_bytes(tiny(1).bytes()).unwrap(), &inputs(1));
}

#[test]
fn every_kind_of_layer_gives_the_hosts_integers() {
    assert_equal(&mixed(), &inputs(144));
}

/// The largest input and the widest layer that fit the board.
#[test]
fn the_largest_networks_give_the_hosts_integers() {
    let widest = LayerShape { outputs: 1024, activation: Activation::Relu, output: Output::U8 };
    for file in [encode(96, &[logits(3)], 5), encode(32, &[widest, logits(2)], 6)] {
        let file = ModelFile::from_bytes(file.bytes()).unwrap();
        assert_equal(&file, &inputs(file.model().inputs())[2..4]);
    }
}

/// Pictures in every format, cropped on either axis or not at all, in sizes that are multiples of the network's input
/// side and that are not.
#[test]
fn the_camera_path_gives_the_hosts_integers() {
    let file = &trained().finished.model;
    let on_disk = OnDisk::new(file.bytes());
    let mut board = on_disk.board();
    let mut engine = file.engine();
    let mut random = Random::seeded(11);
    for (width, height) in [(50, 50), (100, 100), (131, 112), (61, 77), (160, 53)] {
        let mut seen = Vec::new();
        for format in [PixelFormat::Gray8, PixelFormat::Yuv422, PixelFormat::Rgb565, PixelFormat::Rgb888] {
            let rows = noise(&mut random, format.row_bytes(width) * usize::from(height));
            let picture = Picture::new(PictureSize { width, height }, format, rows).unwrap();
            let expected = engine.run_all(&picture.shrink(InputShape::gray(50)).unwrap());
            board.show(picture).unwrap();
            let got = board.capture(Report::AllValues).unwrap();
            assert_eq!(got, expected, "{width}x{height} {format:?}");
            seen.push(got.stages[0].clone());
        }
        seen.dedup();
        assert_eq!(seen.len(), 4, "the board saw one picture twice");
    }
    let statistics = board.statistics().unwrap();
    assert_eq!((statistics.captures, statistics.decisions, statistics.camera_faults), (20, 20, 0));
}

/// The model's policy on both boards: the proof compares the smoothed verdicts, which include every kind. Also another
/// policy over the link.
#[test]
fn boards_answer_by_the_models_policy() {
    let file = &trained().finished.model;
    let mut engine = file.engine();
    let photos = files_in(&synthetic("validation"));
    let decided: Vec<Decision> = photos
        .iter()
        .map(|path| engine.run(&decode::read(path).unwrap().shrink(InputShape::gray(50)).unwrap()))
        .collect();
    let mut probabilities: Vec<Probability> = decided.iter().map(|decision| decision.probability).collect();
    probabilities.sort();
    // A third of the frames vote for no class.
    let policy = Policy::new(probabilities[probabilities.len() / 3], 2, 3).unwrap();
    let mut smoother = Smoother::default();
    let answers: Vec<Verdict> = decided.iter().map(|&decision| smoother.see(&policy, decision)).collect();
    for verdict in [Verdict::Unknown, Verdict::Class(0), Verdict::Class(1)] {
        assert!(answers.contains(&verdict), "{answers:?}");
    }
    let unsmoothed: Vec<Verdict> = decided.iter().map(|&decision| policy.judge(decision)).collect();
    assert_ne!(unsmoothed, answers, "smoothing changes nothing here");

    let file = file.with_policy(policy);
    let on_disk = OnDisk::new(file.bytes());
    for board in [Board::Qemu, Board::QemuM0plus, Board::QemuM33] {
        let mut board = EmulatedBoard::start(board, &on_disk.path).unwrap_or_else(|error| panic!("{}", whole(error)));
        assert_eq!(board.policy().unwrap(), policy);
        let proof = prove(&file, &mut board, ProofInputs::Photos(&photos), || ()).unwrap();
        assert!(proof.holds(), "{proof:?}");
        // An input from the host is judged alone.
        let input = decode::read(&photos[0]).unwrap().shrink(InputShape::gray(50)).unwrap();
        let classified = board.classify(&input, Report::Decision).unwrap();
        assert_eq!(classified.verdict, policy.judge(classified.decision));
        // Under another policy the same photos get other answers, which the proof detects.
        board.set_policy(Policy::NONE).unwrap();
        let proof = prove(&file, &mut board, ProofInputs::Photos(&photos), || ()).unwrap();
        let different = decided.iter().zip(&answers).filter(|(d, answer)| **answer != Verdict::Class(d.class)).count();
        assert_eq!(proof.mismatches, different);
        assert_eq!(proof.first.unwrap().location, "verdict (-1 is unknown)");
    }
}

#[test]
fn a_board_says_who_it_is() {
    let file = &trained().finished.model;
    let on_disk = OnDisk::new(file.bytes());
    let mut board = on_disk.board();
    let identity = board.identity().clone();
    assert_eq!((identity.protocol, identity.board.as_str()), (PROTOCOL, "qemu-mps2-an386"));
    // The fast kernel, without a silent fallback: a proof covers the kernel that ran.
    assert_eq!(identity.kernel.as_str(), "cortex-m4-dsp");
    assert_eq!(identity.pipeline, PIPELINE_ID);
    // The model in its flash: packed for this board.
    let packed = file.packed(Board::Qemu.packing()).unwrap();
    let model = packed.model();
    assert_eq!((identity.model_checksum, identity.model_bytes), (model.checksum(), model.file_bytes()));
    assert_eq!((identity.input_width, identity.input_height, identity.classes), (50, 50, 2));
    let first = board.logs().first().map(ToString::to_string).unwrap_or_default();
    assert!(first.contains("ready") && first.contains(&format!("{:#010x}", model.checksum())), "{first}");
}

/// The second board, built for a Cortex-M0+, computes the same; its proof covers its own code.
#[test]
fn the_cortex_m0plus_gives_the_hosts_integers() {
    let path = bundled_model();
    let file = ModelFile::read(&path).unwrap();
    let mut board = EmulatedBoard::start(Board::QemuM0plus, &path).unwrap_or_else(|error| panic!("{}", whole(error)));
    assert_eq!(
        (board.identity().board.as_str(), board.identity().kernel.as_str()),
        ("qemu-thumbv6m", "cortex-m0plus-pairs")
    );
    let photos: Vec<PathBuf> = files_in(&synthetic("validation")).into_iter().step_by(4).collect();
    let proof = prove(&file, &mut board, ProofInputs::Photos(&photos), || ()).unwrap();
    assert!(proof.holds(), "{}", proof.verdict());
    assert_eq!((proof.photos, proof.values), (4, 4 * (50 * 50 + 128 + 16 + 2 + 3)));
    let mut engine = file.engine();
    for input in inputs(2500) {
        assert_eq!(board.classify(&input, Report::AllValues).unwrap(), engine.run_all(&input));
    }
}

/// Asserts that the board refuses this file, and that its log gives the reason.
fn refused(bytes: &[u8], reasons: &[&str]) {
    let on_disk = OnDisk::new(bytes);
    let Err(error) = EmulatedBoard::start(Board::Qemu, &on_disk.path) else { panic!("the board took it") };
    assert!(
        matches!(&error, EmulatorError::Device(InferenceDeviceError::Stopped { log, .. }) if !log.is_empty()),
        "{error:?}"
    );
    let text = whole(error);
    for reason in reasons.iter().chain(&["help: the last lines above show why"]) {
        assert!(text.contains(reason), "no {reason:?} in: {text}");
    }
}

#[test]
fn a_damaged_model_is_refused_with_the_devices_words() {
    let good = tiny(4);
    let mut flipped = good.bytes().to_vec();
    flipped[100] ^= 1;
    refused(&flipped, &["the model file was refused", "damaged: its checksum"]);
    let mut other_version = good.bytes().to_vec();
    other_version[4] = 99;
    refused(&other_version, &["the model file was refused", "format version 99"]);
    refused(b"hello, I am a text file and nothing else", &["the model file was refused", "not a Pinhole model"]);
    refused(b"", &["the model file was refused"]);
    // Cut short: the memory after it is zeros, which the checksum detects (unless only padding is missing).
    refused(&good.bytes()[..good.bytes().len() / 2], &["the model file was refused", "damaged: its checksum"]);
}

/// A host never loads such a file; only `start_with_bytes_of` does.
#[test]
fn a_model_larger_than_the_boards_buffers_is_refused_with_the_devices_words() {
    let wide = LayerShape { outputs: 1025, activation: Activation::Relu, output: Output::U8 };
    for (file, numbers) in
        [(encode(4, &[wide, logits(2)], 3), ["1025", "1024"]), (encode(167, &[logits(2)], 3), ["27889", "27648"])]
    {
        let packed = ModelFile::from_bytes(file.bytes()).unwrap().packed(Board::Qemu.packing()).unwrap();
        let on_disk = OnDisk::new(packed.bytes());
        let Err(error) = start_with_bytes_of(Board::Qemu, &on_disk.path) else { panic!("the board took it") };
        let text = whole(error);
        for reason in ["the model does not fit this board"].iter().chain(&numbers) {
            assert!(text.contains(reason), "no {reason:?} in: {text}");
        }
    }
}

#[test]
fn a_file_that_is_missing_or_too_large_is_refused_before_anything_starts() {
    let error = EmulatedBoard::start(Board::Qemu, Path::new("/no/such/model.pinhole")).unwrap_err();
    assert!(matches!(error, EmulatorError::Model { .. }), "{error:?}");
    assert!(whole(error).contains("/no/such/model.pinhole"));
    let too_large = OnDisk::new(&vec![0; (3 << 20) + 1]);
    let error = EmulatedBoard::start(Board::Qemu, &too_large.path).unwrap_err();
    assert!(matches!(error, EmulatorError::ModelTooLarge { got: 3_145_729, room: 3_145_728, .. }), "{error:?}");
}

#[test]
fn after_an_error_the_board_goes_on() {
    let on_disk = OnDisk::new(tiny(4).bytes());
    let mut board = on_disk.board();
    let refusal = |error: InferenceDeviceError| match error {
        InferenceDeviceError::Request(ClientError::Refused(refusal)) => refusal,
        other => panic!("{other:?}"),
    };
    let gray = |width: u16, height: u16| {
        let rows = vec![77; usize::from(width) * usize::from(height)];
        Picture::new(PictureSize { width, height }, PixelFormat::Gray8, rows).unwrap()
    };
    assert_eq!(refusal(board.classify(&[1; 17], Report::Decision).unwrap_err()), Refusal::WrongOffset);
    assert_eq!(refusal(board.classify(&[1; 15], Report::Decision).unwrap_err()), Refusal::NoInput);
    board.classify(&[1; 16], Report::Decision).unwrap();
    // Smaller than the input; a row longer than the board's buffer; and one that just fits.
    for (width, height) in [(3, 9), (12_289, 9)] {
        board.show(gray(width, height)).unwrap();
        assert_eq!(refusal(board.capture(Report::Decision).unwrap_err()), Refusal::Picture, "{width}x{height}");
    }
    board.show(gray(12_288, 9)).unwrap();
    let inference = board.capture(Report::AllValues).unwrap();
    assert_eq!(inference.stages[0], [77; 16]);
    let statistics = board.statistics().unwrap();
    assert_eq!((statistics.captures, statistics.decisions), (1, 2));
    assert_eq!((statistics.brightness, statistics.contrast), (77, 0));
    let log: Vec<String> = board.logs().iter().map(ToString::to_string).collect();
    assert!(log.iter().any(|line| line.starts_with("warn") && line.contains("RowTooLong")), "{log:?}");
}

#[test]
fn boards_run_side_by_side() {
    let files: Vec<_> = (1..=4).map(|seed| encode(4, &[logits(2)], seed)).collect();
    thread::scope(|scope| {
        for file in &files {
            scope.spawn(move || assert_equal(&ModelFile::from_bytes(file.bytes()).unwrap(), &inputs(16)));
        }
    });
}

/// Returns the bytes of the tiny network packed for the Cortex-M4F, for loading without conversion.
fn packed_tiny() -> PackedModel {
    ModelFile::from_bytes(tiny(4).bytes()).unwrap().packed(Board::Qemu.packing()).unwrap()
}

/// Whoever answers on the link must be the started board with its model.
#[test]
fn a_board_with_another_model_is_not_the_started_one() {
    let on_disk = OnDisk::new(packed_tiny().bytes());
    let checksum = packed_tiny().model().checksum();
    start_expecting(Board::Qemu, &on_disk.path, checksum).unwrap();
    let error = start_expecting(Board::Qemu, &on_disk.path, checksum ^ 1).unwrap_err();
    assert!(matches!(error, EmulatorError::Impostor { board: Board::Qemu, .. }), "{error:?}");
}

/// A file name that QEMU's option syntax could misinterpret.
#[test]
fn a_models_name_may_be_anything() {
    let folder = temporary();
    let path = folder.path().join("my model, \"new\" = größer.pinhole");
    std::fs::write(&path, packed_tiny().bytes()).unwrap();
    let board = start_with_bytes_of(Board::Qemu, &path).unwrap_or_else(|error| panic!("{}", whole(error)));
    assert_eq!(board.identity().model_bytes as usize, packed_tiny().bytes().len());
}

/// Returns the number of processes with this path in their arguments.
#[cfg(target_os = "linux")]
fn processes_with(path: &Path) -> usize {
    let path = path.to_str().unwrap().as_bytes();
    let processes = std::fs::read_dir("/proc").unwrap().flatten();
    let arguments = processes.filter_map(|process| std::fs::read(process.path().join("cmdline")).ok());
    arguments.filter(|arguments| arguments.windows(path.len()).any(|window| window == path)).count()
}

/// No emulator outlives its board, however the board ends. Each emulator has its model's unique path in its arguments.
#[cfg(target_os = "linux")]
#[test]
fn no_emulator_outlives_its_board() {
    let good = OnDisk::new(packed_tiny().bytes());
    let board = start_with_bytes_of(Board::Qemu, &good.path).unwrap();
    assert_eq!(processes_with(&good.path), 1);
    drop(board);
    assert_eq!(processes_with(&good.path), 0, "dropping the board left its emulator");

    let bad = OnDisk::new(b"no model");
    EmulatedBoard::start(Board::Qemu, &bad.path).unwrap_err();
    assert_eq!(processes_with(&bad.path), 0, "a refused model left its emulator");

    // A panic while a board runs ends it too.
    let path = good.path.clone();
    let panicked = thread::spawn(move || {
        let _board = start_with_bytes_of(Board::Qemu, &path).unwrap();
        panic!("on purpose");
    });
    panicked.join().unwrap_err();
    assert_eq!(processes_with(&good.path), 0, "a panic left its emulator");
}

/// Ports on which this process listens, on any address.
#[cfg(target_os = "linux")]
fn own_ports() -> Vec<u16> {
    let links = std::fs::read_dir("/proc/self/fd").unwrap().flatten();
    let own: Vec<String> = links
        .filter_map(|entry| Some(std::fs::read_link(entry.path()).ok()?.to_str()?.strip_prefix("socket:[")?.to_owned()))
        .collect();
    let tables =
        ["/proc/self/net/tcp", "/proc/self/net/tcp6"].map(|table| std::fs::read_to_string(table).unwrap_or_default());
    let lines = tables.iter().flat_map(|table| table.lines());
    let ports = lines.filter_map(|line| {
        let columns: Vec<&str> = line.split_whitespace().collect();
        // Its state is LISTEN.
        let is_own = columns.get(3) == Some(&"0A")
            && own.iter().any(|id| columns.get(9).is_some_and(|of| id.strip_suffix(']') == Some(of)));
        is_own.then(|| u16::from_str_radix(columns[1].split(':').nth(1)?, 16).ok()).flatten()
    });
    ports.collect()
}

/// A process of another user that connects to every port can take no line of a board: there is no port.
#[cfg(target_os = "linux")]
#[test]
fn strangers_cannot_take_the_place_of_a_board() {
    use std::sync::atomic::{AtomicBool, Ordering};

    let model = OnDisk::new(packed_tiny().bytes());
    let (begun, done) = (AtomicBool::new(false), AtomicBool::new(false));
    thread::scope(|scope| {
        let stranger = scope.spawn(|| {
            let mut taken = Vec::new();
            while !done.load(Ordering::SeqCst) {
                taken.extend(
                    own_ports().into_iter().filter_map(|port| std::net::TcpStream::connect(("127.0.0.1", port)).ok()),
                );
                begun.store(true, Ordering::SeqCst);
            }
            taken.len()
        });
        while !begun.load(Ordering::SeqCst) {
            thread::yield_now();
        }
        let answers: Vec<_> = (0..3).map(|_| EmulatedBoard::start(Board::Qemu, &model.path).map(drop)).collect();
        done.store(true, Ordering::SeqCst);
        assert_eq!(stranger.join().unwrap(), 0, "a stranger was connected");
        assert!(answers.iter().all(Result::is_ok), "{answers:?}");
    });
}
