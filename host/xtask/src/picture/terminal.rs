//! Converts a terminal's screen to SVG.

use ratatui::buffer::{Buffer, Cell};
use ratatui::style::{Color, Modifier};

use super::svg::{DIM, LIGHT, Svg};

/// Size of a cell, px.
const CELL: (f64, f64) = (7.8, 16.0);
/// Distance from the top of a cell to the baseline of its text, px.
const BASELINE: f64 = 12.0;
/// Upper half block: the upper half has the foreground color, the lower half the background color.
const UPPER_HALF: &str = "\u{2580}";

fn css(color: Color, otherwise: &str) -> String {
    match color {
        Color::Rgb(red, green, blue) => format!("#{red:02x}{green:02x}{blue:02x}"),
        Color::Green => "#3fb950".to_owned(),
        Color::Red => "#f85149".to_owned(),
        Color::Yellow => "#d29922".to_owned(),
        Color::Gray | Color::DarkGray => DIM.to_owned(),
        Color::Black => "#0d1117".to_owned(),
        _ => otherwise.to_owned(),
    }
}

/// Returns foreground and background color; `None` for the terminal's default background.
fn colors(cell: &Cell) -> (String, Option<String>) {
    let front = if cell.modifier.contains(Modifier::DIM) { DIM.to_owned() } else { css(cell.fg, LIGHT) };
    let back = (cell.bg != Color::Reset).then(|| css(cell.bg, LIGHT));
    if cell.modifier.contains(Modifier::REVERSED) {
        (back.unwrap_or_else(|| "#0d1117".to_owned()), Some(front))
    } else {
        (front, back)
    }
}

/// Draws a screen with its upper left corner at `(left, top)`.
pub(super) fn cells(svg: &mut Svg, (left, top): (u32, u32), screen: &Buffer) {
    for row in 0..screen.area.height {
        let y = f64::from(top) + f64::from(row) * CELL.1;
        let mut run: Option<((String, bool), Vec<f64>, String)> = None;
        for column in 0..screen.area.width {
            let cell = &screen[(column, row)];
            let x = f64::from(left) + f64::from(column) * CELL.0;
            let (front, back) = colors(cell);
            if let Some(back) = &back {
                svg.rect((x, y, CELL.0 + 0.3, CELL.1 + 0.3), back);
            }
            if cell.symbol() == UPPER_HALF {
                svg.rect((x, y, CELL.0 + 0.3, CELL.1 / 2.0 + 0.3), &front);
                continue;
            }
            if cell.symbol().trim().is_empty() {
                continue;
            }
            let style = (front, cell.modifier.contains(Modifier::BOLD));
            match &mut run {
                Some((of, columns, text)) if *of == style => {
                    columns.push(x);
                    text.push_str(cell.symbol());
                }
                _ => {
                    flush(svg, run.take(), y);
                    run = Some((style, vec![x], cell.symbol().to_owned()));
                }
            }
        }
        flush(svg, run, y);
    }
}

fn flush(svg: &mut Svg, run: Option<((String, bool), Vec<f64>, String)>, y: f64) {
    if let Some(((color, is_bold), columns, text)) = run {
        svg.characters(&columns, y + BASELINE, (&color, is_bold), &text);
    }
}
