//! Display of errors on a terminal.
//!
//! Errors quote what others wrote: paths, classes, logs. So every text in them is escaped before it is shown, while the colors of
//! the display stay. Line feeds stay too: some texts have several lines, and each is shown inside the error's frame.

use std::error::Error;
use std::fmt;

use miette::{Diagnostic, Report, Severity};
use pinhole_core::shown::shown_lines;

/// Returns an error as it is shown: with [escaped](shown_lines) texts.
pub(super) fn shown(report: &Report) -> Report {
    Report::new(ShownError::of(report.as_ref()))
}

/// The texts of an error and of its causes.
#[derive(Debug)]
struct ShownError {
    message: String,
    code: Option<String>,
    severity: Option<Severity>,
    help: Option<String>,
    url: Option<String>,
    cause: Option<Cause>,
    related: Vec<Self>,
}

#[derive(Debug)]
enum Cause {
    /// With its own help, which is shown.
    Diagnostic(Box<ShownError>),
    Other(Box<ShownError>),
}

impl ShownError {
    fn of(error: &dyn Diagnostic) -> Self {
        let cause = match (error.diagnostic_source(), error.source()) {
            (Some(cause), _) => Some(Cause::Diagnostic(Box::new(Self::of(cause)))),
            (None, Some(cause)) => Some(Cause::Other(Box::new(Self::of_plain(cause)))),
            (None, None) => None,
        };
        Self {
            message: text(error),
            code: error.code().map(text),
            severity: error.severity(),
            help: error.help().map(text),
            url: error.url().map(text),
            cause,
            related: error.related().into_iter().flatten().map(Self::of).collect(),
        }
    }

    fn of_plain(error: &dyn Error) -> Self {
        Self {
            message: text(error),
            code: None,
            severity: None,
            help: None,
            url: None,
            cause: error.source().map(|cause| Cause::Other(Box::new(Self::of_plain(cause)))),
            related: Vec::new(),
        }
    }
}

fn text(shown: impl fmt::Display) -> String {
    shown_lines(&shown.to_string()).into_owned()
}

fn boxed(text: Option<&String>) -> Option<Box<dyn fmt::Display + '_>> {
    text.map(|text| Box::new(text) as Box<dyn fmt::Display>)
}

impl fmt::Display for ShownError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl Error for ShownError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self.cause.as_ref()? {
            Cause::Diagnostic(cause) | Cause::Other(cause) => Some(cause.as_ref()),
        }
    }
}

impl Diagnostic for ShownError {
    fn code<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        boxed(self.code.as_ref())
    }

    fn severity(&self) -> Option<Severity> {
        self.severity
    }

    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        boxed(self.help.as_ref())
    }

    fn url<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        boxed(self.url.as_ref())
    }

    fn related<'a>(&'a self) -> Option<Box<dyn Iterator<Item = &'a dyn Diagnostic> + 'a>> {
        if self.related.is_empty() {
            return None;
        }
        Some(Box::new(self.related.iter().map(|error| error as &dyn Diagnostic)))
    }

    fn diagnostic_source(&self) -> Option<&dyn Diagnostic> {
        match self.cause.as_ref()? {
            Cause::Diagnostic(cause) => Some(cause.as_ref()),
            Cause::Other(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use miette::{IntoDiagnostic as _, WrapErr as _, miette};

    use super::*;

    /// Errors without control characters look as before, with their causes and help.
    #[test]
    fn usual_errors_are_unchanged() {
        let io = || std::io::Error::other("the disk is full");
        let plain = Err::<(), _>(io()).into_diagnostic().wrap_err("no model").unwrap_err();
        let with_help = miette!(help = "give another --out", "out is a folder").wrap_err("run");
        for report in [plain, with_help] {
            assert_eq!(format!("{:?}", shown(&report)), format!("{report:?}"));
        }
    }

    #[test]
    fn every_text_of_an_error_is_escaped() {
        let report = miette!(help = "help \u{1b}[3m", "inner \u{1b}[2m\nline").wrap_err("outer \u{1b}[1m");
        let text = format!("{:?}", shown(&report)).replace("\u{1b}[0m", "");
        for escaped in [r"outer \u{1b}[1m", r"inner \u{1b}[2m", r"help \u{1b}[3m"] {
            assert!(text.contains(escaped), "{text}");
        }
        assert!(!["\u{1b}[1m", "\u{1b}[2m", "\u{1b}[3m"].iter().any(|raw| text.contains(raw)), "{text:?}");
        assert!(text.contains("line") && !text.contains(r"\nline"), "{text}");
    }
}
