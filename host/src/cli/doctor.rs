//! `pinhole doctor`.

use std::process::ExitCode;

use clap::Args;
use miette::Result;
use pinhole_boards::probe::DebugProbes;
use serde::Serialize;

use super::output::{json, note, say};
use crate::doctor::{Check, CheckState, Facts, diagnose, fix};

/// Columns of the table. Paths may be longer: a path cut in two can be neither copied nor searched for.
const WIDTH: usize = 80;
/// Columns of a part's name and of its state, before the findings.
const NAME: usize = 15;
const STATE: usize = 12;

/// `pinhole doctor`.
#[derive(Debug, Args)]
pub(super) struct Doctor {
    /// Fix what needs no further rights: create or clean the cache folder, make the emulator's private copy
    #[arg(long)]
    fix: bool,
    /// Print as JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Serialize)]
struct DoctorOutput<'a> {
    /// True if nothing is missing.
    ok: bool,
    checks: &'a [Check],
    #[serde(flatten)]
    facts: &'a Facts,
}

impl Doctor {
    pub(super) fn run(&self, debug_probes: &DebugProbes) -> Result<ExitCode> {
        let mut facts = Facts::of_this_machine(debug_probes);
        if self.fix {
            for done in fix(&facts, |step| note(&step.to_string()))? {
                note(&done);
            }
            facts = Facts::of_this_machine(debug_probes);
        }
        let checks = diagnose(&facts);
        let ok = checks.iter().all(|check| check.state != CheckState::Missing);
        if self.json {
            json(&DoctorOutput { ok, checks: &checks, facts: &facts })?;
        } else {
            say!("{:<NAME$}{:<STATE$}found", "part", "state");
            for check in &checks {
                for line in text(check).lines() {
                    say!("{line}");
                }
            }
        }
        Ok(if ok { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}

/// Formats a check for the table: its findings, and below them who requires the part and what to do.
fn text(check: &Check) -> String {
    let start = format!("{:<NAME$}{:<STATE$}", check.name, check.state.name());
    let indent = " ".repeat(NAME + STATE);
    let mut text = wrapped(&check.found, &start, &indent);
    let below = [("for: ", Some(check.needed_by)), ("do:  ", check.remedy.as_deref())];
    for (title, what) in below {
        if let Some(what) = what {
            text += "\n";
            text += &wrapped(what, &format!("{indent}{title}"), &format!("{indent}     "));
        }
    }
    text
}

fn wrapped(text: &str, first: &str, further: &str) -> String {
    let options = textwrap::Options::new(WIDTH).initial_indent(first).subsequent_indent(further);
    // Commands and paths stay whole, so that they can be copied.
    let options = options
        .break_words(false)
        .word_separator(textwrap::WordSeparator::AsciiSpace)
        .word_splitter(textwrap::WordSplitter::NoHyphenation);
    textwrap::fill(text, options)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_fit_the_width_and_paths_stay_whole() {
        let path = "/a/path/that/is/longer/than/the/rest/of/the/line/and/therefore/longer/than/eighty/columns";
        let found = format!("{} {path}", "some words ".repeat(12));
        let remedy = Some("a command".to_owned());
        let check = Check { name: "emulator", state: CheckState::Missing, found, needed_by: "prove, watch", remedy };
        let text = text(&check);
        assert!(text.starts_with("emulator       MISSING     some words"), "{text}");
        assert!(text.lines().any(|line| line.trim() == path), "{text}");
        assert!(text.lines().all(|line| line.len() <= WIDTH || line.trim() == path), "{text}");
        let below = "\n                           for: prove, watch\n                           do:  a command";
        assert!(text.ends_with(below), "{text}");
    }
}
