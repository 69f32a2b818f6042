//! `cargo xtask counts`.

use std::fs;
use std::path::Path;
use std::process::ExitCode;

use clap::Args;
use miette::{IntoDiagnostic as _, Result, miette};
use pinhole::bench::table::table;
use pinhole::firmware::checkout;
use pinhole::model_file::ModelFile;

/// Bundled networks in the table.
const NETWORKS: [&str; 3] = ["conv-96", "conv-50", "conv-50-tiny"];
/// Lines around the table.
const MARKS: [&str; 2] = ["<!-- cargo xtask counts: begin -->\n", "<!-- cargo xtask counts: end -->\n"];

/// `cargo xtask counts`.
#[derive(Debug, Args)]
pub(super) struct CountsCommand {
    /// Change nothing: end with an error if the table is not what is counted
    #[arg(long)]
    check: bool,
}

impl CountsCommand {
    pub(super) fn run(&self) -> Result<ExitCode> {
        let checkout = checkout()?;
        let path = checkout.join("docs").join("measurements.md");
        let text = fs::read_to_string(&path).into_diagnostic()?;
        let counted = with_table(&text, &counted(&checkout)?)
            .ok_or_else(|| miette!("{}: the lines around the table of counts are missing", path.display()))?;
        if counted == text {
            println!("{} is what is counted", path.display());
        } else if self.check {
            return Err(miette!(help = "run `cargo xtask counts`", "{} is not what is counted", path.display()));
        } else {
            fs::write(&path, counted).into_diagnostic()?;
            println!("{}: the table was written anew", path.display());
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// Counts the networks on all emulated boards.
fn counted(checkout: &Path) -> Result<String> {
    let paths = NETWORKS.map(|name| checkout.join("data").join("models").join(name).join("model.pinhole"));
    let mut files = Vec::new();
    for path in &paths {
        files.push(ModelFile::read(path)?);
    }
    let networks = NETWORKS.into_iter().zip(&files).zip(&paths);
    Ok(table(networks.map(|((name, file), path)| (name, file, path.as_path())))?)
}

/// Returns the text with another table between the marks; `None` without them.
fn with_table(text: &str, table: &str) -> Option<String> {
    let (before, rest) = text.split_once(MARKS[0])?;
    let (_, after) = rest.split_once(MARKS[1])?;
    Some(format!("{before}{}{table}{}{after}", MARKS[0], MARKS[1]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_table_changes() {
        let text = format!("a\n{}old\n{}b\n", MARKS[0], MARKS[1]);
        let expected = format!("a\n{}new\n{}b\n", MARKS[0], MARKS[1]);
        assert_eq!(with_table(&text, "new\n"), Some(expected));
        assert_eq!(with_table("a\nb\n", "new\n"), None);
    }
}
