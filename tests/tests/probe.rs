//! Commands on a board behind a debug probe.
//!
//! The board and its probe are test equipment ([`pinhole_tests::virtual_board`]); all code between them and the
//! commands is the code for hardware.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};

use pinhole::app::capture::capture;
use pinhole::app::flash::Prepared;
use pinhole::app::{Events, LogSink, Note, Progress, Task};
use pinhole::board::Board;
use pinhole::board_camera::{BoardCamera, BoardCameraError};
use pinhole::device::{AttachedDevice, InferenceDevice as _};
use pinhole::firmware::{Firmware, FlashImage, packed_for};
use pinhole::photos::{Picture, decode, read_unlabeled};
use pinhole::probe::{Attachment, Unlock, connect, flash};
use pinhole::prove::{ProofInputs, prove};
use pinhole::runs;
use pinhole_app::test_card::TestCard;
use pinhole_shared::decision::Probability;
use pinhole_shared::link::Report;
use pinhole_shared::pixels::{InputShape, PictureSize, PixelFormat};
use pinhole_shared::policy::{Policy, Verdict};
use pinhole_tests::virtual_board::{BoardFault, VirtualBoard};
use pinhole_tests::{Ran, bundled_model, files_in, synthetic, temporary};
use tempfile::TempDir;

const BOARD: Board = Board::QemuProbed;

/// Returns `pinhole` with virtual probes.
fn program<A: AsRef<std::ffi::OsStr>>(arguments: impl IntoIterator<Item = A>) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_pinhole-virtual-bench"));
    command.args(arguments).args(["--board", BOARD.name()]).stdin(Stdio::null()).env("NO_COLOR", "1");
    command
}

fn run<A: AsRef<std::ffi::OsStr>>(board: &VirtualBoard, arguments: impl IntoIterator<Item = A>) -> Ran {
    Ran::of(board.plug_into(&mut program(arguments), 1, None))
}

fn flash_bundled(board: &VirtualBoard) -> Ran {
    run(board, [Path::new("flash"), &bundled_model()]).ok()
}

/// Returns a board that runs the bundled model.
fn flashed() -> VirtualBoard {
    let board = VirtualBoard::start(VirtualBoard::MACHINE);
    flash_bundled(&board);
    board
}

/// Returns another model with the same input and classes: the bundled one with 4-bit weights.
fn other_model(folder: &TempDir) -> PathBuf {
    let path = folder.path().join("other.pinhole");
    let run = pinhole_tests::run_folder();
    let arguments = [Path::new("quantize"), run.path(), &synthetic("train"), "--weights".as_ref(), "4".as_ref()];
    Ran::of(pinhole_tests::pinhole(arguments).arg("--out").arg(&path)).ok();
    path
}

#[test]
fn flash_writes_firmware_and_model_and_sees_them_run() {
    let board = VirtualBoard::start(VirtualBoard::MACHINE);
    let told = flash_bundled(&board);
    let trained = runs::open("drawn".as_ref()).unwrap();
    let packed = packed_for(BOARD, &trained.model, &trained.model_path).unwrap();
    let last = format!(
        "qemu-probed runs the model {:08x} ({} bytes), kernel cortex-m4-dsp",
        packed.model().checksum(),
        packed.bytes().len()
    );
    assert_eq!(told.last_line(), last);
    // Read directly: the contents of the board's flash.
    let image = FlashImage::new(BOARD, Some(&Firmware::of(BOARD).unwrap()), &packed).unwrap();
    assert_eq!(image.parts.iter().filter(|part| part.what == "model").count(), 1);
    assert!(image.parts.len() >= 2);
    for part in &image.parts {
        let mut found = vec![0; part.bytes.len()];
        board.read(part.address, &mut found);
        assert!(found == part.bytes, "{} at {:#x} differs", part.what, part.address);
    }
    let told = run(&board, [Path::new("flash"), &bundled_model(), Path::new("--json")]).ok().json();
    assert_eq!(told["device"]["board"], "qemu-probed");
    assert_eq!(told["device"]["model_checksum"], told["model_checksum"]);
    assert_eq!(told["model_checksum"], format!("{:08x}", packed.model().checksum()));
}

#[test]
fn a_model_alone_is_written_beside_the_firmware() {
    let folder = temporary();
    let board = flashed();
    let other = other_model(&folder);
    let mut before = vec![0; BOARD.declaration().flash.bytes as usize];
    board.read(BOARD.declaration().flash.origin, &mut before);
    // While the board has the first model, it is not taken for the other.
    let told =
        run(&board, [Path::new("prove"), &other, &synthetic("validation"), Path::new("--limit"), Path::new("1")]);
    assert_eq!(told.code, Some(1), "{}", told.stdout);
    assert!(
        told.stderr.contains("the board runs the model") && told.stderr.contains("--model-only"),
        "{}",
        told.stderr
    );
    let told = run(&board, [Path::new("flash"), &other, Path::new("--model-only")]).ok();
    assert!(!told.stdout.contains("firmware"), "{}", told.stdout);
    let mut after = vec![0; before.len()];
    board.read(BOARD.declaration().flash.origin, &mut after);
    assert!(before == after, "the firmware is as it was");
    let told =
        run(&board, [Path::new("prove"), &other, &synthetic("validation"), Path::new("--limit"), Path::new("1")]).ok();
    assert!(told.last_line().ends_with("on 1 photos: 0 mismatches"), "{}", told.stdout);
}

#[test]
fn a_proof_runs_on_the_attached_board() {
    let board = flashed();
    // Pixels, neurons of three layers, class, probability and verdict.
    let values = 2500 + 128 + 16 + 2 + 3;
    let told = run(
        &board,
        [Path::new("prove"), &bundled_model(), &synthetic("validation"), Path::new("--limit"), Path::new("3")],
    );
    assert_eq!(told.ok().last_line(), format!("compared {} values on 3 photos: 0 mismatches", 3 * values));
    let told = run(&board, [Path::new("prove"), &bundled_model(), Path::new("--captures"), Path::new("2")]);
    assert_eq!(told.ok().last_line(), format!("compared {} values on 2 photos: 0 mismatches", 2 * values));
}

#[test]
fn captured_pictures_are_what_the_board_sees() {
    let board = flashed();
    let folder = temporary();
    let arguments = [
        Path::new("capture"),
        folder.path(),
        Path::new("--label"),
        Path::new("ring"),
        Path::new("--count"),
        Path::new("3"),
    ];
    run(&board, arguments).ok();
    let side = 100;
    let shrunk = |picture| {
        let rows = (0..side).flat_map(|y| (0..side).map(move |x| TestCard::pixel(picture, side, x, y))).collect();
        let picture = Picture::new(PictureSize { width: side, height: side }, PixelFormat::Gray8, rows).unwrap();
        picture.shrink(InputShape::gray(50)).unwrap()
    };
    // The device captured some on its own before.
    let cards: Vec<Vec<u8>> = (0..200).map(shrunk).collect();
    let numbers: Vec<usize> = files_in(&folder.path().join("ring"))
        .iter()
        .map(|file| {
            let pixels: Vec<u8> = decode::read(file).unwrap().to_gray().rows().flatten().copied().collect();
            cards.iter().position(|card| *card == pixels).unwrap_or_else(|| panic!("{} is no card", file.display()))
        })
        .collect();
    assert_eq!(numbers.len(), 3);
    assert!(numbers.windows(2).all(|two| two[0] < two[1]), "a new picture each time: {numbers:?}");
}

/// Flashes the bundled model, without the command.
fn attached(board: &VirtualBoard) -> AttachedDevice {
    let trained = runs::open("drawn".as_ref()).unwrap();
    let packed = packed_for(BOARD, &trained.model, &trained.model_path).unwrap();
    let firmware = Firmware::of(BOARD).unwrap();
    let bench = board.bench();
    let mut attachment = Attachment::new(&bench, BOARD, None, Unlock::No).unwrap();
    let image = FlashImage::new(BOARD, Some(&firmware), &packed).unwrap();
    flash(&bench, &mut attachment, &image, |_| ()).unwrap();
    connect(attachment, &firmware, |_| ()).unwrap()
}

/// Writes down what flashing and capturing tell; stops a capture after two pictures.
#[derive(Default)]
struct Recorder {
    notes: Vec<Note>,
    work: Vec<Task>,
    working: bool,
    total: u64,
    done: u64,
    lines: Arc<Mutex<Vec<String>>>,
}

impl Events for Recorder {
    fn note(&mut self, note: &Note) {
        assert!(!self.working, "{note:?}");
        self.notes.push(note.clone());
    }

    fn progress(&mut self, progress: &Progress) {
        match progress {
            Progress::Begins(work) => {
                assert!(!std::mem::replace(&mut self.working, true), "{work:?} begins amid other work");
                self.work.push(*work);
            }
            Progress::Total(bytes) => self.total += bytes,
            Progress::Done(bytes) => self.done += bytes,
            Progress::Ends => assert!(std::mem::take(&mut self.working), "nothing ends"),
            Progress::Epoch { .. } => panic!("{progress:?}"),
        }
    }

    fn should_stop(&mut self) -> bool {
        self.notes.len() >= 2
    }

    fn log(&mut self) -> LogSink {
        let lines = self.lines.clone();
        Box::new(move |line| lines.lock().unwrap().push(line.message.clone()))
    }
}

/// A front end other than the command line sees the same facts.
#[test]
fn flashing_and_capturing_tell_what_happens() {
    let board = VirtualBoard::start(VirtualBoard::MACHINE);
    let (bench, trained) = (board.bench(), runs::open("drawn".as_ref()).unwrap());
    let prepared = Prepared::new(&trained, BOARD, false).unwrap();
    prepared.check(&bench).unwrap();
    let mut recorder = Recorder::default();
    let identity = prepared.flash(&bench, None, Unlock::No, &mut recorder).unwrap();
    assert_eq!(identity.model_checksum, prepared.model().model().checksum());
    assert_eq!(recorder.work, [Task::Flashing, Task::WaitingForBoard]);
    assert!(matches!(recorder.notes[..], [Note::Flashed { bytes }] if bytes > prepared.model().bytes().len()));
    // None at all, where flash is written like memory, as this board's is.
    assert_eq!((recorder.total, recorder.done), (0, 0));
    assert!(recorder.lines.lock().unwrap().iter().any(|line| line.contains("ready")));

    let temp = temporary();
    let folder = temp.path().join("card");
    let mut camera = BoardCamera::new(Box::new(attached(&board)));
    let mut recorder = Recorder::default();
    let taken = capture(&mut camera, &folder, "card", 9, &mut recorder).unwrap();
    assert_eq!(taken.iter().map(|taken| taken.path.clone()).collect::<Vec<_>>(), files_in(&folder));
    let captured = taken.into_iter().map(|taken| Note::Captured { path: taken.path });
    assert_eq!(recorder.notes, captured.collect::<Vec<_>>());
    assert_eq!(recorder.notes.len(), 2, "it was asked to stop");
}

/// The standalone loop of a board, with link and log over RTT. It does not include a camera driver.
#[test]
fn the_stack_is_within_what_is_kept_for_it() {
    let board = VirtualBoard::start(VirtualBoard::MACHINE);
    let mut device = attached(&board);
    for _ in 0..2 {
        device.capture(Report::AllValues).unwrap();
        device.classify(&[128; 2500], Report::AllValues).unwrap();
    }
    let statistics = device.statistics().unwrap();
    let kept = BOARD.declaration().budget.stack_bytes;
    println!("deepest stack: {} of {kept} bytes", statistics.stack_bytes);
    assert!((1_000..=kept).contains(&statistics.stack_bytes), "{statistics:?}");
}

/// Over the link and by captures, under a policy that is not the model's: answers that need three of four frames.
#[test]
fn a_proof_goes_by_the_policy_that_the_device_answers_by() {
    let board = VirtualBoard::start(VirtualBoard::MACHINE);
    let mut device = attached(&board);
    device.set_policy(Policy::new(Probability(40_000), 3, 4).unwrap()).unwrap();
    let trained = runs::open("drawn".as_ref()).unwrap();
    let proof = prove(&trained.model, &mut device, ProofInputs::Captures(6), || ()).unwrap();
    assert!(proof.holds(), "{:?}", proof.first);
    let verdict = device.capture(Report::Decision).unwrap().verdict;
    // One frame alone is unknown, so the proof above did not cover classes alone.
    let policy = device.policy().unwrap();
    device.set_policy(policy).unwrap();
    assert_eq!(device.capture(Report::Decision).unwrap().verdict, Verdict::Unknown, "after {verdict:?}");
    let input = trained.model.model().input();
    let (inputs, _) = read_unlabeled(&files_in(&synthetic("validation"))[..2], input).unwrap();
    let proof = prove(&trained.model, &mut device, ProofInputs::Inputs(&inputs), || ()).unwrap();
    assert!(proof.holds(), "{:?}", proof.first);
}

#[test]
fn a_reset_in_the_middle_is_survived() {
    let board = VirtualBoard::start(VirtualBoard::MACHINE);
    let mut camera = BoardCamera::new(Box::new(attached(&board)));
    let ready = |camera: &mut BoardCamera| {
        camera.device_mut().logs().iter().filter(|line| line.message.contains("ready")).count()
    };
    for round in 1..=3 {
        // The first response may be lost in the reset.
        let captured = camera.capture(Report::AllValues).or_else(|error| {
            assert!(error.is_passing(), "round {round}: {error}");
            camera.capture(Report::AllValues)
        });
        assert_eq!(captured.unwrap().inference.stages.len(), 4, "round {round}");
        board.press_reset();
    }
    let captured = camera.capture(Report::Decision).or_else(|error| match error {
        error if error.is_passing() => camera.capture(Report::Decision),
        error => Err::<_, BoardCameraError>(error),
    });
    assert!(captured.is_ok(), "{captured:?}");
    assert!(ready(&mut camera) >= 2, "{:?}", camera.device_mut().logs());
}

#[test]
fn a_board_that_cannot_start_says_why() {
    let board = VirtualBoard::start(VirtualBoard::MACHINE);
    let trained = runs::open("drawn".as_ref()).unwrap();
    let packed = packed_for(BOARD, &trained.model, &trained.model_path).unwrap();
    let firmware = Firmware::of(BOARD).unwrap();
    let bench = board.bench();
    let mut attachment = Attachment::new(&bench, BOARD, None, Unlock::No).unwrap();
    let mut image = FlashImage::new(BOARD, Some(&firmware), &packed).unwrap();
    let model = image.parts.iter_mut().find(|part| part.what == "model").unwrap();
    *model.bytes.last_mut().unwrap() ^= 1;
    flash(&bench, &mut attachment, &image, |_| ()).unwrap();
    let error = connect(attachment, &firmware, |_| ()).unwrap_err().to_string();
    assert!(error.contains("its log ends with") && error.contains("cannot start"), "{error}");
}

#[test]
fn what_is_wrong_with_probe_or_chip_is_said() {
    let board = VirtualBoard::start(VirtualBoard::MACHINE);
    let flash = || program([Path::new("flash"), &bundled_model()]);
    let refused = |command: &mut Command, words: &[&str]| {
        let told = Ran::of(command);
        assert_eq!(told.code, Some(1), "{}", told.stderr);
        for words in words {
            assert!(told.stderr.contains(words), "no {words:?} in:\n{}", told.stderr);
        }
    };
    refused(board.plug_into(&mut flash(), 0, None), &["no debug probe is plugged in", "udev", "flash --out"]);
    let two = ["more than one debug probe", "ffff:0001:VIRTUAL1", "ffff:0001:VIRTUAL2", "--probe"];
    refused(board.plug_into(&mut flash(), 2, None), &two);
    let mut third = flash();
    third.args(["--probe", "ffff:0001:VIRTUAL3"]);
    refused(board.plug_into(&mut third, 2, None), &["no debug probe matches ffff:0001:VIRTUAL3", "VIRTUAL2"]);
    refused(board.plug_into(&mut flash(), 1, Some(BoardFault::Locked)), &["is locked", "--unlock", "ERASES ALL"]);
    refused(board.plug_into(&mut flash(), 1, Some(BoardFault::Silent)), &["does not answer", "SWDIO"]);
    let prove = || program([Path::new("prove"), &bundled_model()]);
    refused(board.plug_into(&mut prove(), 1, None), &["has no link", "pinhole flash MODEL --board qemu-probed"]);
    let other = VirtualBoard::start(VirtualBoard::OTHER_MACHINE);
    let number = ["is not the mps2-an386", "0x41043850, not 0x41043860", "pinhole boards"];
    refused(other.plug_into(&mut flash(), 1, None), &number);
    // One of two probes, chosen by its serial number.
    let mut second = flash();
    second.args(["--probe", "ffff:0001:VIRTUAL2"]);
    Ran::of(board.plug_into(&mut second, 2, None)).ok();
}

#[test]
fn a_dry_run_needs_no_probe_and_shows_the_memory_map() {
    for board in Board::ALL.into_iter().filter(|board| board.chip().is_some() && !board.is_test_equipment()) {
        let declared = board.declaration();
        let model = bundled_model();
        let arguments =
            ["flash".as_ref(), model.as_os_str(), "--board".as_ref(), board.name().as_ref(), "--dry-run".as_ref()];
        let told = Ran::of(&mut pinhole_tests::pinhole(arguments)).ok();
        assert_eq!(told.last_line(), "it fits; nothing was written");
        let range = format!("{:#010x}..{:#010x}", declared.model.origin, declared.model.origin + declared.model.bytes);
        assert!(told.stdout.contains(&range) && told.stdout.contains(board.chip().unwrap().name), "{}", told.stdout);
        let told = Ran::of(pinhole_tests::pinhole(arguments).arg("--json")).ok().json();
        let map = told["memory_map"].as_array().unwrap();
        assert!(
            map.iter().all(|used| used["used_bytes"].as_u64()
                <= Some(used["end"].as_u64().unwrap() - used["start"].as_u64().unwrap()))
        );
        assert!(map.iter().any(|used| used["what"] == "model" && used["used_bytes"] == told["model_bytes"]));
        assert!(told["device"].is_null());
    }
}
