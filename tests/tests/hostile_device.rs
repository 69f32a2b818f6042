//! Whatever a device does, every command ends: with a right result or with an error that says what is wrong.
//!
//! The device is test equipment ([`pinhole_tests::hostile_device`]). In memory it has a clock of its own, so that thousands of
//! timeouts take no time. Behind a pseudo terminal, it meets the commands as users start them.

#![cfg(unix)]

use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use pinhole::board::Board;
use pinhole::device::{
    ANSWER_TIMEOUT, AttachedDevice, ClientError, InferenceDevice, InferenceDeviceError, WithRetries,
};
use pinhole::firmware::packed_for;
use pinhole::inference::Inference;
use pinhole::runs;
use pinhole_shared::link::Report;
use pinhole_shared::policy::{Policy, Verdict};
use pinhole_tests::hostile_device::{HostilePort, Lie, MemoryLink, Peer, Screen, start};
use pinhole_tests::{Ran, bundled_model, files_in, pinhole, synthetic, temporary};

const BOARD: Board = Board::NucleoF446re;

/// Longest time of one exchange, as documented at the client: three silences and three minutes, and the last read.
const LONGEST_EXCHANGE: Duration = Duration::from_secs(3 * ANSWER_TIMEOUT.as_secs() + 181);

/// An inference is what its identity promises.
fn check(device: &dyn InferenceDevice, report: Report, inference: &Inference) {
    let identity = device.identity();
    let classes = identity.classes;
    assert!(inference.decision.class < classes && inference.decision.probability.0 <= 65_536);
    assert!(!matches!(inference.verdict, Verdict::Class(class) if class >= classes));
    if report == Report::Decision {
        assert!(inference.stages.is_empty());
        return;
    }
    assert_eq!(inference.stages.last().unwrap().len(), usize::from(classes));
    assert!(inference.stages[0].iter().all(|pixel| (0..256).contains(pixel)));
    if let Some(input) = identity.input() {
        assert_eq!(inference.stages[0].len(), input.bytes());
    }
}

/// Asks a device for everything. Returns the number of right answers.
fn ask_everything(link: MemoryLink) -> usize {
    let clock = link.clock();
    let mut last = Duration::ZERO;
    // The time by the device's clock of this many exchanges.
    let mut took = |exchanges: u32, what: &str| {
        let now = *clock.lock().unwrap();
        assert!(now - last <= exchanges * LONGEST_EXCHANGE, "{what} took {:?}", now - last);
        last = now;
    };
    let device = AttachedDevice::on(Box::new(link));
    took(2, "identify");
    let Ok(mut device) = device else { return 0 };
    let input = vec![3; device.identity().input().map_or(64, |input| input.bytes().min(4_000))];
    let mut right = 1;
    for report in [Report::AllValues, Report::Decision] {
        if let Ok(inference) = device.capture(report) {
            check(&device, report, &inference);
            right += 1;
        }
        took(1, "capture");
        if let Ok(inference) = device.classify(&input, report) {
            check(&device, report, &inference);
            right += 1;
        }
        took(2, "classify");
    }
    right += usize::from(device.policy().is_ok_and(|policy| policy == Policy::NONE));
    took(1, "policy");
    right += usize::from(device.set_policy(Policy::NONE).is_ok());
    took(1, "set_policy");
    right += usize::from(device.statistics().is_ok());
    took(1, "statistics");
    let again = WithRetries::new(&mut device).ask(|device| device.capture(Report::AllValues));
    if let Ok(inference) = again {
        check(&device, Report::AllValues, &inference);
        right += 1;
    }
    took(4, "capture with retries");
    right
}

#[test]
fn an_honest_device_is_understood() {
    assert_eq!(ask_everything(MemoryLink::new(Peer::honest())), 9);
}

#[test]
fn a_thousand_hostile_devices_keep_nobody() {
    let mut counts = [0; 10];
    for seed in 0..1_000 {
        counts[ask_everything(MemoryLink::new(Peer::seeded(seed)))] += 1;
    }
    // The lies are neither all harmless nor all fatal.
    assert!(counts[0] > 50 && counts[0] < 500, "{counts:?}");
    assert!(counts[2..9].iter().all(|&count| count > 0), "{counts:?}");
}

/// The time of a link is no limit if bytes take no time; their number is.
#[test]
fn floods_on_an_infinitely_fast_link_end() {
    let lies = [
        Lie::Flood(0),
        Lie::Flood(0xFF),
        Lie::NoiseForever,
        Lie::EmptyValues,
        Lie::EndlessAnswers,
        Lie::EndlessValues(64),
        Lie::EndlessValues(1),
        Lie::EndlessParts,
    ];
    for lie in lies {
        let link = MemoryLink::new(Peer::honest().lying_from(1, lie)).instant();
        let mut device = AttachedDevice::on(Box::new(link)).unwrap();
        let captured = device.capture(Report::AllValues);
        assert!(captured.is_err() || lie == Lie::EndlessAnswers, "{lie:?}");
        // This one has to skip the flood first.
        let result = device.policy();
        assert!(result.is_err() || lie == Lie::EndlessParts, "{lie:?}: {result:?}");
    }
}

#[test]
fn lies_are_named() {
    for (lie, words) in [
        (Lie::Pixels(63), "63 pixels instead of the 64"),
        (Lie::Pixels(65), "more pixels than the 64"),
        (Lie::Pixels(65_535), "more pixels than the 64"),
        (Lie::Pixel(-5), "a pixel of -5"),
        (Lie::Pixel(256), "a pixel of 256"),
        (Lie::Logits(65_535), "65535 logits for 3 classes"),
        (Lie::Class(3), "class 3 of 3"),
        (Lie::Answered(u16::MAX), "class 65535 of 3"),
        (Lie::Certain, "probability above 1"),
        (Lie::Text, "bytes, but no answer in time"),
        (Lie::Silence, "did not answer in time"),
        (Lie::Deaf, "did not answer in time"),
        (Lie::Close, "closed the link"),
    ] {
        let mut device = AttachedDevice::on(Box::new(MemoryLink::new(Peer::honest().lying_from(1, lie)))).unwrap();
        let error = device.capture(Report::AllValues).unwrap_err();
        assert!(error.to_string().contains(words), "{lie:?}: {error}");
    }
    // A device takes the first part of an input, and nothing after it.
    let deaf = MemoryLink::new(Peer::honest().lying_from(1, Lie::Deaf));
    let mut device = AttachedDevice::on(Box::new(deaf)).unwrap();
    let error = device.classify(&[0; 64], Report::Decision).unwrap_err();
    assert!(matches!(error, InferenceDeviceError::Request(ClientError::Timeout)), "{error}");
    let error = device.policy().unwrap_err();
    assert!(matches!(error, InferenceDeviceError::Request(ClientError::Timeout)), "{error}");
}

/// Returns a device that says it runs the bundled model.
fn with_bundled_model() -> Peer {
    let trained = runs::open("drawn".as_ref()).unwrap();
    let packed = packed_for(BOARD, &trained.model, &trained.model_path).unwrap();
    let model = packed.model();
    let mut peer = Peer::honest();
    peer.identity.board = BOARD.name().try_into().unwrap();
    peer.identity.pipeline = model.input().pipeline_id();
    (peer.identity.input_height, peer.identity.input_width) = (model.input().height, model.input().width);
    (peer.identity.model_checksum, peer.identity.model_bytes) = (model.checksum(), model.file_bytes());
    peer.identity.classes = model.classes();
    peer.hidden = vec![128, 16];
    peer
}

/// Returns a command on the board at this port.
fn on<'a>(port: &HostilePort, arguments: impl IntoIterator<Item = &'a Path>) -> Command {
    let mut command = pinhole(arguments);
    command.args(["--board", BOARD.name(), "--port", port.name()]);
    command
}

fn prove_command(port: &HostilePort) -> Command {
    on(port, [Path::new("prove"), &bundled_model(), &synthetic("validation"), "--limit".as_ref(), "1".as_ref()])
}

/// Returns a command that captures two pictures into a folder.
fn capture_command(port: &HostilePort, folder: &Path) -> Command {
    on(port, [Path::new("capture"), folder, "--label".as_ref(), "ring".as_ref(), "--count".as_ref(), "2".as_ref()])
}

/// Runs a command to its end.
fn run(mut command: Command) -> Ran {
    start(command.stdout(Stdio::piped()).stderr(Stdio::piped())).wait_with_output().unwrap().into()
}

/// Asserts that a command failed, and told all of this without a panic.
fn failed(ran: &Ran, words: &[&str]) {
    assert_eq!(ran.code, Some(1), "{}\n{}", ran.stdout, ran.stderr);
    for words in words {
        assert!(ran.stderr.contains(words), "no {words:?} in:\n{}", ran.stderr);
    }
    assert!(!ran.stderr.contains("panicked"), "{}", ran.stderr);
}

/// A port on which something else than Pinhole's firmware talks.
#[test]
fn commands_end_on_ports_that_babble() {
    let prove = |lie| {
        let port = HostilePort::start(with_bundled_model().lying_from(0, lie));
        failed(&run(prove_command(&port)), &["bytes, but no answer in time", "right port"]);
    };
    // At once: each waits for its timeout.
    std::thread::scope(|scope| {
        for lie in [Lie::Flood(0xFF), Lie::Flood(0), Lie::Drip(b'.'), Lie::Text] {
            scope.spawn(move || prove(lie));
        }
    });
}

#[test]
fn a_device_that_does_not_read_is_given_up() {
    let port = HostilePort::start(with_bundled_model().lying_from(0, Lie::Deaf));
    failed(&run(prove_command(&port)), &["did not answer in time"]);
}

#[test]
fn captures_that_are_no_pictures_are_told_and_nothing_is_written() {
    for (lie, words) in [
        (Lie::Pixels(0), "values that do not continue the ones before"),
        (Lie::Pixels(2_499), "2499 pixels instead of the 2500"),
        (Lie::Pixels(65_535), "more pixels than the 2500"),
        (Lie::Pixel(-5), "a pixel of -5"),
        (Lie::Close, "closed the link"),
    ] {
        let folder = temporary();
        let port = HostilePort::start(with_bundled_model().lying_from(1, lie));
        failed(&run(capture_command(&port, folder.path())), &[words]);
        assert_eq!(files_in(&folder.path().join("ring")).len(), 0, "{lie:?}");
    }
    let port = HostilePort::start(with_bundled_model().lying_from(0, Lie::Sides(65_535, 65_535)));
    let folder = temporary();
    failed(&run(capture_command(&port, folder.path())), &["pixels instead of the 4294836225"]);
}

#[test]
fn a_proof_does_not_hold_with_a_device_that_lies() {
    for (lie, words) in
        [(Lie::Sides(65_535, 1), "1x65535 gray"), (Lie::Classes(65_535), "65535 classes"), (Lie::Protocol, "protocol")]
    {
        let port = HostilePort::start(with_bundled_model().lying_from(0, lie));
        failed(&run(prove_command(&port)), &[words]);
    }
    // The policy is asked for before the input is sent: 10 chunks of it.
    for (lie, words) in [(Lie::Class(2), "class 2 of 2"), (Lie::Logits(65_535), "65535 logits for 2 classes")] {
        let port = HostilePort::start(with_bundled_model().lying_from(2, lie));
        failed(&run(prove_command(&port)), &[words]);
    }
}

/// Ends a command as Ctrl-C does. A test runner in the background may have made its children ignore that: then as a system does
/// that shuts down.
fn interrupt(child: &Child) {
    send_signal(child, "INT");
    // It may have ended.
    let kill = format!("kill -TERM {}", child.id());
    let _ = start(Command::new("sh").args(["-c", &kill]).stderr(Stdio::null())).wait();
}

/// Sends a signal.
fn send_signal(child: &Child, signal: &str) {
    let kill = format!("kill -{signal} {}", child.id());
    assert!(start(Command::new("sh").args(["-c", &kill])).wait().unwrap().success());
}

/// Asserts that a signal ends a command, and not the limit of its exchange: an error of the command, after 12 s of silence.
fn ended_by_signal(child: &mut Child) {
    let status = child.wait().unwrap();
    assert!(status.signal().is_some(), "{status}");
}

/// A stuck exchange does not keep a command that its user ends.
#[test]
fn ctrl_c_ends_commands_while_a_device_is_stuck() {
    let folder = temporary();
    let port = HostilePort::start(with_bundled_model().lying_from(1, Lie::Flood(0xFF)));
    let mut capture = start(capture_command(&port, folder.path()).stderr(Stdio::null()));
    port.wait_for("Capture");
    interrupt(&capture);
    ended_by_signal(&mut capture);
    let port = HostilePort::start(with_bundled_model().lying_from(2, Lie::Silence));
    let mut prove = start(prove_command(&port).stderr(Stdio::null()));
    port.wait_for("Input");
    interrupt(&prove);
    ended_by_signal(&mut prove);
}

/// Escape sequences that begin and end a view over a whole terminal.
const VIEW: [&str; 2] = ["\u{1b}[?1049h", "\u{1b}[?1049l"];

/// What ends a view, from outside.
type End<'a> = &'a dyn Fn(&mut Screen, &Child);

/// Runs `pinhole watch` in a terminal on a device that tells this lie at its first capture. Ends it with `end` when the device
/// has received the request to capture; without `end`, the lie ends it. Returns exit status and output.
fn watch(lie: Lie, end: Option<End<'_>>) -> (Option<i32>, String) {
    let port = HostilePort::start(with_bundled_model().lying_from(2, lie));
    let mut screen = Screen::open();
    let before = screen.modes();
    let mut command = on(&port, [Path::new("watch"), &bundled_model()]);
    let mut watch = screen.run(&mut command);
    if let Some(end) = end {
        port.wait_for("Capture");
        end(&mut screen, &watch);
    }
    let status = watch.wait().unwrap();
    assert_eq!(screen.modes(), before, "{lie:?}: the terminal is restored");
    let shown = screen.shown();
    let [begun, ended] = VIEW.map(|sequence| shown.rfind(sequence));
    assert!(begun.is_some() && begun < ended, "{lie:?}: the view ends:\n{shown}");
    assert!(!shown.contains("panicked"), "{shown}");
    (status.code(), shown)
}

#[test]
fn keys_and_signals_end_the_view_while_a_device_is_stuck() {
    for lie in [Lie::Flood(0xFF), Lie::Silence, Lie::EmptyValues] {
        assert_eq!(watch(lie, Some(&|screen, _| screen.press('q'))).0, Some(0), "{lie:?}");
    }
    // Control-C is a key in a view.
    assert_eq!(watch(Lie::Silence, Some(&|screen, _| screen.press('\u{3}'))).0, Some(0));
    for signal in ["INT", "TERM", "HUP"] {
        let (code, _) = watch(Lie::Text, Some(&move |_, child| send_signal(child, signal)));
        assert_eq!(code, Some(130), "{signal}");
    }
}

#[test]
fn an_error_is_told_in_the_restored_terminal() {
    for (lie, words) in [(Lie::Logits(65_535), "logits for 2 classes"), (Lie::Close, "closed the link")] {
        let (code, shown) = watch(lie, None);
        assert_eq!(code, Some(1), "{lie:?}");
        let told = &shown[shown.rfind(VIEW[1]).unwrap()..];
        assert!(told.contains(words), "{lie:?}: no {words:?} in:\n{told}");
    }
}
