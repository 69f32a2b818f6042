//! `pinhole completions`, and the answers to shells that ask for completions.
//!
//! The shell's script runs this program on every press of the Tab key. So it can offer names of recipes and bundled
//! models beside paths, which a script alone cannot do in all shells.

use std::ffi::OsStr;
use std::process::ExitCode;

use clap::builder::StyledStr;
use clap::{Args, ValueEnum};
use clap_complete::engine::{CompletionCandidate, PathCompleter, ValueCompleter as _};
use clap_complete::env::Shells;
use clap_complete::{ArgValueCompleter, CompleteEnv};
use miette::{IntoDiagnostic as _, Result};
use pinhole_core::recipe::{AUTO, NAMED};
use pinhole_train::runs::bundled::Bundled;

use super::output::print_text;
use super::{NAME, command};

/// Environment variable by which a shell's script asks for completions instead of running a command.
const ASKS: &str = "PINHOLE_COMPLETE";

/// If a shell asks for completions, answers it and ends the process; otherwise does nothing.
pub(super) fn answer() {
    CompleteEnv::with_factory(command).var(ASKS).complete();
}

/// `pinhole completions`.
#[derive(Debug, Args)]
pub(super) struct Completions {
    /// Shell to write the script for
    shell: Shell,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Shell {
    Bash,
    Elvish,
    Fish,
    #[value(name = "powershell")]
    Pwsh,
    Zsh,
}

impl Shell {
    const fn name(self) -> &'static str {
        match self {
            Self::Bash => "bash",
            Self::Elvish => "elvish",
            Self::Fish => "fish",
            Self::Pwsh => "powershell",
            Self::Zsh => "zsh",
        }
    }
}

impl Completions {
    pub(super) fn run(&self) -> Result<ExitCode> {
        let mut script = Vec::new();
        if let Some(shell) = Shells::builtins().completer(self.shell.name()) {
            shell.write_registration(ASKS, NAME, NAME, NAME, &mut script).into_diagnostic()?;
        }
        print_text(String::from_utf8_lossy(&script).trim());
        Ok(ExitCode::SUCCESS)
    }
}

/// Completes names of bundled models, then paths.
pub(super) fn models() -> ArgValueCompleter {
    ArgValueCompleter::new(|current: &OsStr| {
        let names = Bundled::all().into_iter().map(|bundled_model| (bundled_model.name, "bundled model"));
        with_paths(current, names)
    })
}

/// Completes names of recipes and the automatic choice, then paths.
pub(super) fn recipes() -> ArgValueCompleter {
    ArgValueCompleter::new(|current: &OsStr| with_paths(current, chosen_and_named()))
}

/// Completes names of recipes.
pub(super) fn recipe_names() -> ArgValueCompleter {
    ArgValueCompleter::new(|current: &OsStr| beginning_with(current, named_recipes()))
}

fn chosen_and_named() -> impl Iterator<Item = (&'static str, &'static str)> {
    [(AUTO, super::recipes::ABOUT_AUTO)].into_iter().chain(named_recipes())
}

fn named_recipes() -> impl Iterator<Item = (&'static str, &'static str)> {
    NAMED.iter().map(|&(name, text)| (name, super::recipes::about(text)))
}

fn with_paths(current: &OsStr, names: impl Iterator<Item = (&'static str, &'static str)>) -> Vec<CompletionCandidate> {
    let mut candidates = beginning_with(current, names);
    candidates.extend(PathCompleter::any().complete(current));
    candidates
}

fn beginning_with(
    current: &OsStr,
    names: impl Iterator<Item = (&'static str, &'static str)>,
) -> Vec<CompletionCandidate> {
    let current = current.to_string_lossy();
    let candidate = |(name, about)| CompletionCandidate::new(name).help(Some(StyledStr::from(about)));
    names.filter(|(name, _)| name.starts_with(&*current)).map(candidate).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_a_script_for_every_shell() {
        for shell in Shell::value_variants() {
            assert!(Shells::builtins().completer(shell.name()).is_some(), "{shell:?}");
        }
    }
}
