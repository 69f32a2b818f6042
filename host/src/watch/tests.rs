use pinhole_core::inference::Inference;
use pinhole_shared::decision::{decide, probability};
use pinhole_shared::policy::Policy;
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::style::Color;

use super::*;
use crate::watch::view::draw;

fn state() -> WatchState {
    WatchState::new(
        "qemu, cortex-m4-dsp".to_owned(),
        square(4),
        vec!["chihuahua".to_owned(), "muffin".to_owned()],
        Some(15.0),
    )
}

fn square(side: u16) -> PictureSize {
    PictureSize { width: side, height: side }
}

fn inference() -> Inference {
    deciding(vec![65_536, -65_536])
}

/// Returns an inference with these logits.
fn deciding(logits: Vec<i32>) -> Inference {
    let decision = decide(&logits);
    Inference {
        stages: vec![(0..16).map(|pixel| pixel * 17).collect(), vec![1, 2, 3], logits],
        decision,
        verdict: Policy::NONE.judge(decision),
    }
}

fn classified() -> ClassifiedFrame {
    of(inference()).unwrap()
}

/// Returns what is shown of an inference of a network with 4x4 pixels and 2 classes.
fn of(inference: Inference) -> Option<ClassifiedFrame> {
    ClassifiedFrame::of(frame(inference), &statistics(), InputShape::gray(4), 2)
}

fn statistics() -> Statistics {
    Statistics { capture_us: 7_200, inference_us: 14_800, ..Statistics::default() }
}

fn frame(inference: Inference) -> CapturedFrame {
    let (photo, device) = (Some(Duration::from_millis(3)), Duration::from_micros(12_345));
    CapturedFrame { inference, shown: Some("photos/a.jpg".into()), photo, device }
}

/// Returns a screen as text, and the terminal for its colors.
fn screen(state: &WatchState, width: u16, height: u16) -> (String, Terminal<TestBackend>) {
    let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
    terminal.draw(|frame| draw(frame, state)).unwrap();
    let buffer = terminal.backend().buffer();
    let rows = (0..height).map(|y| (0..width).map(|x| buffer[(x, y)].symbol()).collect::<String>());
    (rows.collect::<Vec<_>>().join("\n"), terminal)
}

#[test]
fn probabilities_are_the_devices() {
    let classified = classified();
    assert_eq!(classified.class, 0);
    assert_eq!(classified.probabilities[0], inference().decision.probability.to_f64());
    // The softmax of 1 and -1.
    let [likely, unlikely] = [1.0, -1.0].map(|logit: f64| 1.0 / (1.0 + (-2.0 * logit).exp()));
    let near = |probabilities: &[f64], expected: [f64; 2]| {
        assert_eq!(probabilities.len(), 2);
        let distances = probabilities.iter().zip(expected).map(|(got, expected)| (got - expected).abs());
        assert!(distances.into_iter().all(|distance| distance < 1e-4), "{probabilities:?}, not {expected:?}");
    };
    near(&classified.probabilities, [likely, unlikely]);
    let other = of(deciding(vec![-65_536, 65_536])).unwrap();
    assert_eq!((other.class, other.verdict), (1, Verdict::Class(1)));
    near(&other.probabilities, [unlikely, likely]);
    for logits in [vec![7; 40], vec![i32::MIN, 0, i32::MAX], (0..300).map(|logit| logit * 999).collect()] {
        let each: Vec<f64> = (0..logits.len()).map(|class| probability(&logits, class).to_f64()).collect();
        assert_eq!(probabilities(&logits), each);
    }
}

#[test]
fn results_that_no_network_has_are_left_out() {
    // Missing integers or pixels give no result.
    let mut without_output = inference();
    without_output.stages.truncate(1);
    assert_eq!(of(without_output.clone()), None);
    without_output.stages.clear();
    assert_eq!(of(without_output.clone()), None);
    let lies: [fn(&mut Inference); 9] = [
        |lie| lie.stages[0][3] = 256,
        |lie| lie.stages[0][3] = -1,
        |lie| lie.stages[0].push(0),
        |lie| lie.stages[0].truncate(15),
        |lie| lie.stages[2].push(0),
        |lie| lie.stages[2].truncate(1),
        // A device may send millions.
        |lie| lie.stages[2] = vec![0; 1 << 24],
        |lie| lie.decision.class = 2,
        |lie| lie.verdict = Verdict::Class(u16::MAX),
    ];
    for (number, lie) in lies.into_iter().enumerate() {
        let mut inference = inference();
        lie(&mut inference);
        assert_eq!(of(inference), None, "lie {number}");
    }
}

#[test]
fn a_screen_shows_all_of_it() {
    let mut state = state();
    assert!(screen(&state, 80, 24).0.contains("waiting for the first picture"));
    state.add_frame(classified(), Duration::from_secs(1));
    state.add_frame(classified(), Duration::from_millis(1_250));
    state.logged(["info  ready", "warn  the camera did not answer in time"].into_iter());
    let (text, terminal) = screen(&state, 80, 24);
    for words in [
        "qemu, cortex-m4-dsp",
        "frame 2",
        "4.0 frames/s",
        "4x4",
        "chihuahua 88.1 %",
        "muffin 11.9 %",
        "a.jpg",
        "3.0 ms",
        "12.3 ms",
        "7.2 ms by the device's clock",
        "14.8 ms by the device's clock",
        "15.0 ms modeled",
        "answer     chihuahua",
        "every frame",
        "info  ready",
        "did not answer",
        "q quit",
    ] {
        assert!(text.contains(words), "no {words:?} in\n{text}");
    }
    // The picture: four columns, two rows of two pixels each, inside its frame below the headline.
    let buffer = terminal.backend().buffer();
    for (x, y) in [(0, 0), (3, 0), (1, 1)] {
        let cell = &buffer[(1 + x, 2 + y)];
        let gray = |row: u16| {
            let value = ((row * 4 + x) * 17) as u8;
            Color::Rgb(value, value, value)
        };
        assert_eq!((cell.fg, cell.bg), (gray(2 * y), gray(2 * y + 1)), "column {x}, row {y}");
    }
}

#[test]
fn pictures_that_are_not_square_keep_their_shape() {
    // 6x4 pixels, each with its own gray, in a terminal with room for all of them and in one with room for half.
    let mut state = WatchState { size: PictureSize { width: 6, height: 4 }, ..state() };
    let pixels = (0..24).map(|pixel| 10 * pixel).collect();
    let (verdict, stages) = (Verdict::Class(0), Stages::default());
    let probabilities = vec![0.9, 0.1];
    state.add_frame(ClassifiedFrame { shown: None, pixels, probabilities, class: 0, verdict, stages }, Duration::ZERO);
    let (text, terminal) = screen(&state, 80, 24);
    assert!(text.contains("6x4"), "{text}");
    let buffer = terminal.backend().buffer();
    let gray = |value: u8| Color::Rgb(value, value, value);
    for (x, y) in [(0, 0), (5, 0), (2, 1), (5, 1)] {
        let cell = &buffer[(1 + x, 2 + y)];
        let value = |row: u16| gray(10 * (row * 6 + x) as u8);
        assert_eq!((cell.fg, cell.bg), (value(2 * y), value(2 * y + 1)), "column {x}, row {y}");
    }
    // Three columns: every second pixel of every second row.
    let (_, terminal) = screen(&state, 35, 24);
    let buffer = terminal.backend().buffer();
    for x in 0..3 {
        let cell = &buffer[(1 + x, 2)];
        let value = |row: u16| gray(10 * (row * 6 + 2 * x + 1) as u8);
        assert_eq!((cell.fg, cell.bg), (value(1), value(3)), "column {x}");
    }
}

#[test]
fn small_terminals_and_large_networks_are_no_trouble() {
    let mut state =
        WatchState::new("board".to_owned(), square(96), (0..40).map(|n| format!("class {n}")).collect(), None);
    let probabilities = (0..40).map(|n| f64::from(n) / 780.0).collect();
    let pixels = vec![128; 96 * 96];
    let (verdict, stages) = (Verdict::Class(39), Stages::default());
    let classified = ClassifiedFrame { shown: None, pixels, probabilities, class: 39, verdict, stages };
    state.add_frame(classified, Duration::ZERO);
    for (width, height) in [(1, 1), (5, 3), (20, 10), (80, 24), (200, 80)] {
        let (text, _) = screen(&state, width, height);
        // Not all classes fit; the most likely one must be visible.
        assert!(height < 24 || text.contains("class 39"), "{width}x{height}:\n{text}");
    }
    state.trouble = Some("the camera failed".to_owned());
    assert!(screen(&state, 80, 24).0.contains("the camera failed"));
}

#[test]
fn the_rate_is_of_the_last_frames() {
    let mut state = state();
    assert_eq!(state.frames_per_s(), None);
    for frame in 0..100_u32 {
        // Slow at first, then ten frames per second.
        let at = if frame < 50 {
            Duration::from_secs(frame.into())
        } else {
            Duration::from_millis(u64::from(45_000 + frame * 100))
        };
        state.add_frame(classified(), at);
    }
    assert!((state.frames_per_s().unwrap() - 10.0).abs() < 1e-9);
    assert_eq!(state.frames, 100);
}

#[test]
fn old_lines_of_the_log_go() {
    let mut state = state();
    let lines: Vec<String> = (0..LOG_LINES + 5).map(|number| number.to_string()).collect();
    state.logged(lines.iter().map(String::as_str));
    assert_eq!((state.log.len(), state.log.front().unwrap().as_str()), (LOG_LINES, "5"));
}

#[test]
fn an_unknown_is_shown_with_the_policy_that_made_it_one() {
    let mut state = state();
    state.add_frame(ClassifiedFrame { verdict: Verdict::Unknown, ..classified() }, Duration::ZERO);
    state.policy = Policy::new(Probability(52_429), 2, 3).unwrap();
    let (text, _) = screen(&state, 100, 24);
    assert!(text.contains("answer     unknown"), "{text}");
    assert!(text.contains("80 % or more, 2 of the last 3 frames"), "{text}");
}

#[test]
fn keys_reach_every_policy_between_nothing_and_certainty() {
    let mut policy = Policy::NONE;
    assert_eq!(step_probability(policy, -1), policy);
    for _ in 0..21 {
        policy = step_probability(policy, 1);
    }
    assert_eq!((policy.min_probability(), policy.window()), (Probability(65_536), 1));
    let windows: Vec<_> = (0..5)
        .map(|_| {
            policy = next_smoothing(policy);
            (policy.needed(), policy.window())
        })
        .collect();
    assert_eq!(windows, [(2, 3), (3, 5), (5, 9), (1, 1), (2, 3)]);
    // Starts from a model's own policy.
    let own = Policy::new(Probability(0), 3, 4).unwrap();
    assert_eq!((next_smoothing(own).needed(), next_smoothing(own).window()), (3, 5));
}

/// Names and logs that others chose are shown, not obeyed, in every part of the screen.
#[test]
fn control_characters_are_escaped() {
    let name = "cat\u{1b}[2J\u{202e}";
    let classes = vec![name.to_owned(), "muffin".to_owned()];
    let mut state = WatchState::new(format!("board {name}"), square(4), classes, Some(15.0));
    state.log = vec![format!("info  log {name}")].into();
    let mut captured = frame(inference());
    captured.shown = Some(format!("photos/shown {name}.jpg").into());
    state.add_frame(
        ClassifiedFrame::of(captured, &statistics(), InputShape::gray(4), 2).unwrap(),
        Duration::from_secs(1),
    );
    state.trouble = Some(format!("trouble {name}"));
    let (text, _) = screen(&state, 130, 40);
    assert!(!text.contains(['\u{1b}', '\u{202e}']), "{text:?}");
    for part in ["board cat", "log cat", "shown cat", "trouble cat", "answer     cat"] {
        let part = part.replace("cat", r"cat\u{1b}[2J\u{202e}");
        let part = part.strip_prefix("shown ").unwrap_or(&part);
        assert!(text.contains(part), "no {part:?} in:\n{text}");
    }
}
