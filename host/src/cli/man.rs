//! `pinhole man`.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use clap_mangen::Man;
use miette::{IntoDiagnostic as _, Result};
use pinhole_core::artifacts::{create_folder, write_files};

use super::output::say;
use super::{NAME, command};

/// `pinhole man`.
#[derive(Debug, Args)]
pub(super) struct ManPages {
    /// Folder to write pinhole.1 and a page for each command to
    #[arg(long, value_name = "FOLDER")]
    out: PathBuf,
}

impl ManPages {
    pub(super) fn run(&self) -> Result<ExitCode> {
        create_folder(&self.out)?;
        // The subcommand `help` is left out: its page would be of no use.
        let mut whole = command().disable_help_subcommand(true);
        // Names the page of each command, such as pinhole-train.
        whole.build();
        let commands = whole.get_subcommands().filter(|command| !command.is_hide_set());
        let mut pages = Vec::new();
        for command in commands.chain([&whole]) {
            let page = Man::new(command.clone()).source(format!("{NAME} {}", env!("CARGO_PKG_VERSION")));
            let mut text = Vec::new();
            page.render(&mut text).into_diagnostic()?;
            pages.push((page.get_filename(), text));
        }
        write_files(&self.out, &pages)?;
        say!("{} pages in {}", pages.len(), self.out.display());
        Ok(ExitCode::SUCCESS)
    }
}
