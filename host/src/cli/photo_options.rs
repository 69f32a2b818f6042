//! Options of commands that read labeled photos.

use clap::Args;
use pinhole_core::photos::{ClassFrom, PhotoOptions};
use pinhole_train::runs::RunSummary;

/// Option of commands that read labeled photos.
#[derive(Clone, Debug, Args)]
pub(super) struct ClassFromArgument {
    /// Part of the name that is the class: folder, prefix (the letters at the start of the file's name), first-char, or
    /// regex:PATTERN (its first group in the file's name) [default: the folder if there are folders, else the prefix]
    #[arg(long, value_name = "PART")]
    class_from: Option<ClassFrom>,
}

impl ClassFromArgument {
    /// Returns where the classes are. If it is not given, it is where those of the run's photos were.
    pub(super) fn class_from(&self, run: Option<&RunSummary>) -> ClassFrom {
        self.class_from.clone().or_else(|| run.map(RunSummary::class_from)).unwrap_or_default()
    }
}

/// Options of commands that also compare photos with each other.
#[derive(Clone, Debug, Args)]
pub(super) struct PhotoArguments {
    #[command(flatten)]
    class_from: ClassFromArgument,
    /// Do not search for near-duplicates, which takes long for tens of thousands of photos. Copies of training photos may then be
    /// held out, and scores be too high
    #[arg(long)]
    no_duplicate_search: bool,
}

impl PhotoArguments {
    /// Returns the settings, with the class where it is for the run's photos if the user does not say.
    pub(super) fn options(&self, run: Option<&RunSummary>) -> PhotoOptions {
        PhotoOptions { class_from: self.class_from.class_from(run), duplicate_search: !self.no_duplicate_search }
    }
}
