//! The boards: whether the model fits, and what it takes there.

use maud::{Markup, html};

/// Memory and time of a model on a board.
#[derive(Clone, Debug, PartialEq)]
pub struct BoardRow {
    /// Name of the board.
    pub name: String,
    /// Its processor core and clock.
    pub core: String,
    /// Flash for the model, used and available, bytes.
    pub model_flash: (u64, u64),
    /// Flash for the firmware's code, used and available, bytes.
    pub code_flash: (u64, u64),
    /// RAM for variables, used and available, bytes; the stack is apart.
    pub ram: (u64, u64),
    /// Time of an inference, modeled, ms; absent if it cannot be predicted.
    pub time_ms: Option<f64>,
    /// Shortfalls of the board for the model, in words; `None` if it fits.
    pub lacks: Option<String>,
}

pub(super) fn section(boards: &[BoardRow]) -> Markup {
    html! {
        @if !boards.is_empty() {
            h2 #boards { "Boards" }
            table.boards {
                thead {
                    tr {
                        th { "board" }
                        th { "fits" }
                        th { "time" }
                        th { "flash, model" }
                        th { "flash, code" }
                        th { "RAM" }
                    }
                }
                tbody {
                    @for board in boards { (row(board)) }
                }
            }
            p.note {
                "Times are modeled from counted instructions and timing tables, with no memory wait states, for one inference. \
                 RAM is that of the firmware's variables, with the buffers for the largest network that fits; the stack is \
                 apart. "
                code { "pinhole inspect RUN --board NAME" } " shows more."
            }
        }
    }
}

fn row(board: &BoardRow) -> Markup {
    html! {
        tr {
            th scope="row" { (board.name) br; small { (board.core) } }
            @if let Some(lacks) = &board.lacks {
                td.wrong data-label="fits" { "no" br; small { (lacks) } }
            } @else {
                td.right data-label="fits" { "yes" }
            }
            td data-label="time" {
                @if let Some(time) = board.time_ms { (format_args!("{time:.1}\u{a0}ms")) } @else { "unknown" }
            }
            td data-label="flash, model" { (used(board.model_flash)) }
            td data-label="flash, code" { (used(board.code_flash)) }
            td data-label="RAM" { (used(board.ram)) }
        }
    }
}

fn used((used, available): (u64, u64)) -> Markup {
    html! {
        (kilobytes(used)) " of " (kilobytes(available))
        div.scale {
            span.interval.part style={
                "left:0;width:" (format_args!("{:.1}%", 100.0 * (used as f64 / available.max(1) as f64).min(1.0)))
            } {}
        }
    }
}

fn kilobytes(bytes: u64) -> String {
    if bytes < 10_000 {
        format!("{:.1}\u{a0}kB", bytes as f64 / 1e3)
    } else {
        format!("{}\u{a0}kB", (bytes + 500) / 1_000)
    }
}
