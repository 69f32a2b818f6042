//! Draws a screen of the live view.

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Modifier, Style, Stylize as _};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, Gauge, Paragraph};

use pinhole_core::shown::shown as escaped;
use pinhole_shared::policy::{Policy, Verdict};

use super::pixels::PixelsWidget;
use super::{ClassifiedFrame, WatchState};

/// Lines of the log area, including its frame.
const LOG_ROWS: u16 = 6;
/// Smallest number of columns beside the picture.
const SIDE_COLUMNS: u16 = 30;

/// Draws the state.
pub fn draw(frame: &mut Frame<'_>, state: &WatchState) {
    let [head, middle, log, keys] = Layout::vertical([
        Constraint::Length(1),
        Constraint::Min(4),
        Constraint::Length(LOG_ROWS),
        Constraint::Length(1),
    ])
    .areas(frame.area());
    frame.render_widget(headline(state), head);
    // The frame around the picture takes two columns and two rows.
    let room = Rect {
        width: middle.width.saturating_sub(SIDE_COLUMNS + 2),
        height: middle.height.saturating_sub(2),
        ..middle
    };
    let (columns, _) = PixelsWidget::cells(state.size, room);
    let [picture, facts] =
        Layout::horizontal([Constraint::Length(columns + 2), Constraint::Min(SIDE_COLUMNS)]).areas(middle);
    draw_picture(frame, picture, state);
    draw_facts(frame, facts, state);
    draw_log(frame, log, state);
    let pause = if state.paused { "space resume" } else { "space pause" };
    frame.render_widget(
        Line::from(format!(" q quit   {pause}   n next   + - least probability   s smoothing")).dim(),
        keys,
    );
}

fn headline(state: &WatchState) -> Line<'_> {
    let rate = state.frames_per_s().map_or("-".to_owned(), |rate| format!("{rate:.1}"));
    let paused = if state.paused { "   paused" } else { "" };
    Line::from(vec![
        Span::from(" pinhole watch ").bold().reversed(),
        Span::from(format!(" {}   frame {}   {rate} frames/s{paused}", escaped(&state.device), state.frames)),
    ])
}

fn draw_picture(frame: &mut Frame<'_>, area: Rect, state: &WatchState) {
    let block =
        Block::bordered().title(format!(" {}x{}, as the network sees it ", state.size.width, state.size.height));
    let inner = block.inner(area);
    frame.render_widget(block, area);
    if let Some(ClassifiedFrame { pixels, .. }) = &state.frame {
        frame.render_widget(PixelsWidget { size: state.size, pixels }, inner);
    }
}

fn draw_facts(frame: &mut Frame<'_>, area: Rect, state: &WatchState) {
    let block = Block::bordered().title(" classes ");
    let inner = block.inner(area);
    frame.render_widget(block, area);
    let Some(seen) = &state.frame else {
        let text = state.trouble.as_deref().unwrap_or("waiting for the first picture");
        frame.render_widget(Paragraph::new(escaped(text)).wrap(ratatui::widgets::Wrap { trim: true }), inner);
        return;
    };
    let mut lines = times(state, seen);
    if let Some(trouble) = &state.trouble {
        lines.push(Line::from(escaped(trouble)).red().bold());
    }
    let [bars, below] =
        Layout::vertical([Constraint::Min(0), Constraint::Length((lines.len() as u16).min(inner.height))]).areas(inner);
    let each = if bars.height as usize >= 2 * state.classes.len() { 2 } else { 1 };
    let shown = (bars.height / each) as usize;
    for (place, class) in most_likely(seen, shown).into_iter().enumerate() {
        let row = Rect { y: bars.y + place as u16 * each, height: 1, ..bars };
        let name = state.classes.get(class).map_or("?", String::as_str);
        let probability = seen.probabilities.get(class).copied().unwrap_or_default();
        let style = if class == seen.class { Style::new().green() } else { Style::new().gray() };
        let label = Span::styled(
            format!("{} {:.1} %", escaped(name), 100.0 * probability),
            Style::new().add_modifier(Modifier::BOLD),
        );
        frame.render_widget(
            Gauge::default().ratio(probability.clamp(0.0, 1.0)).label(label).gauge_style(style).use_unicode(true),
            row,
        );
    }
    frame.render_widget(Paragraph::new(lines), below);
}

/// Returns the classes to show: all in their own order if there is room, so that nothing jumps; otherwise the most
/// likely ones.
fn most_likely(frame: &ClassifiedFrame, shown: usize) -> Vec<usize> {
    let mut classes: Vec<usize> = (0..frame.probabilities.len()).collect();
    if classes.len() > shown {
        classes.sort_by(|&one, &other| frame.probabilities[other].total_cmp(&frame.probabilities[one]));
        classes.truncate(shown);
    }
    classes
}

fn times<'s>(state: &'s WatchState, frame: &'s ClassifiedFrame) -> Vec<Line<'s>> {
    let ms = |time: std::time::Duration| time.as_secs_f64() * 1000.0;
    let mut lines = vec![answer(state, frame), Line::from(policy(&state.policy)).dim()];
    if let Some(name) = frame.shown.as_ref().and_then(|path| path.file_name()) {
        lines.push(Line::from(format!("shown      {}", escaped(&name.to_string_lossy()))));
    }
    if let Some(photo) = frame.stages.photo {
        lines.push(Line::from(format!("photo      {:>8.1} ms", ms(photo))));
    }
    lines.push(Line::from(format!("capture    {:>8.1} ms by the device's clock", ms(frame.stages.capture))));
    lines.push(Line::from(format!("inference  {:>8.1} ms by the device's clock", ms(frame.stages.inference))));
    if let Some(predicted) = state.predicted_ms {
        lines.push(Line::from(format!("           {predicted:>8.1} ms modeled, no memory wait states")));
    }
    lines.push(Line::from(format!("total      {:>8.1} ms, with the report", ms(frame.stages.device))));
    lines
}

fn answer<'s>(state: &'s WatchState, frame: &ClassifiedFrame) -> Line<'s> {
    match frame.verdict {
        Verdict::Class(class) => {
            let name = state.classes.get(usize::from(class)).map_or("?", String::as_str);
            Line::from(format!("answer     {}", escaped(name))).bold().green()
        }
        Verdict::Unknown => Line::from("answer     unknown").bold().yellow(),
    }
}

fn policy(policy: &Policy) -> String {
    let percent = 100.0 * policy.min_probability().to_f64();
    let (needed, window) = (policy.needed(), policy.window());
    match (percent > 0.0, window > 1) {
        (false, false) => "           every frame, whatever its probability".to_owned(),
        (true, false) => format!("           {percent:.0} % or more"),
        (false, true) => format!("           {needed} of the last {window} frames"),
        (true, true) => format!("           {percent:.0} % or more, {needed} of the last {window} frames"),
    }
}

fn draw_log(frame: &mut Frame<'_>, area: Rect, state: &WatchState) {
    let block = Block::bordered().title(" log ");
    let inner = block.inner(area);
    frame.render_widget(block, area);
    let skip = state.log.len().saturating_sub(usize::from(inner.height));
    let lines: Vec<Line<'_>> = state
        .log
        .iter()
        .skip(skip)
        .map(|line| {
            let is_fault = line.starts_with("warn") || line.starts_with("error");
            let line = Line::from(escaped(line));
            if is_fault { line.yellow() } else { line }
        })
        .collect();
    frame.render_widget(Paragraph::new(lines), inner);
}
