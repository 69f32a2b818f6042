//! `pinhole recipes`.

use std::process::ExitCode;

use clap::Args;
use miette::Result;
use pinhole_core::recipe::{AUTO, NAMED, Recipe};

use super::completions::recipe_names;
use super::output::{print_text, say};

/// Description of [`AUTO`].
pub(super) const ABOUT_AUTO: &str = "a bundled network to continue from, and settings, chosen by the photos";

/// `pinhole recipes`.
#[derive(Debug, Args)]
pub(super) struct Recipes {
    /// Recipe to print, as a start for your own
    #[arg(add = recipe_names())]
    name: Option<String>,
}

/// Returns the description of a recipe: the first line of its text.
pub(super) fn about(text: &str) -> &str {
    text.lines().next().unwrap_or_default().trim_start_matches('#').trim()
}

impl Recipes {
    pub(super) fn run(&self) -> Result<ExitCode> {
        if let Some(name) = &self.name {
            // `find` gives the usual error for an unknown name.
            let recipe = Recipe::find(name)?;
            let text = NAMED.iter().find(|(known, _)| known == name).map(|(_, text)| (*text).to_owned());
            print_text(text.unwrap_or_else(|| recipe.to_toml()).trim_end());
            return Ok(ExitCode::SUCCESS);
        }
        say!("{AUTO:<23} {ABOUT_AUTO} (default)");
        for &(name, text) in NAMED {
            say!("{name:<23} {}", about(text));
        }
        Ok(ExitCode::SUCCESS)
    }
}
