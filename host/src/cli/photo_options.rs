//! Options of commands that read labeled photos.

use clap::Args;
use pinhole_core::photos::PhotoOptions;

/// Options of commands that compare photos with each other.
#[derive(Clone, Debug, Args)]
pub(super) struct PhotoArguments {
    /// Do not search for near-duplicates, which takes long for tens of thousands of photos. Copies of training photos may then be
    /// held out, and scores be too high
    #[arg(long)]
    no_duplicate_search: bool,
}

impl PhotoArguments {
    pub(super) fn options(&self) -> PhotoOptions {
        PhotoOptions { duplicate_search: !self.no_duplicate_search }
    }
}
