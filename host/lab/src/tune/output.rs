//! The files of a finished search.

use std::path::{Path, PathBuf};

use pinhole_core::artifacts::{WriteError, create_folder, remove, starts_with, write_files};

use super::{FoundNetwork, SearchResult};
use crate::report::search_page;
use crate::study::files;

/// Folder of the recipes, in the folder of a search.
const RECIPES: &str = "recipes";

/// First line of every recipe that a search writes.
const FOUND: &str = "# Found by `pinhole tune`.";

/// Files of a finished search.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WrittenSearch {
    /// Folder of the recipes on the Pareto front.
    pub recipes: PathBuf,
    /// The report.
    pub report: PathBuf,
}

impl SearchResult {
    /// Returns the networks on the Pareto front, the most accurate first.
    pub fn front(&self) -> impl Iterator<Item = &FoundNetwork> {
        self.networks.iter().filter(|network| network.on_front)
    }

    /// Writes recipes, results and report into the folder of the search. Recipes of an earlier search are removed.
    ///
    /// # Errors
    /// [`WriteError`] with the path.
    pub fn write(&self, out: &Path) -> Result<WrittenSearch, WriteError> {
        let recipes = out.join(RECIPES);
        create_folder(&recipes)?;
        let file = |network: &FoundNetwork| (format!("{}.toml", network.name), format!("{FOUND}\n{}", network.recipe));
        let new: Vec<(String, String)> = self.front().map(file).collect();
        write_files(&recipes, &new)?;
        // Perhaps of another budget.
        for entry in std::fs::read_dir(&recipes).into_iter().flatten().flatten() {
            let is_new = new.iter().any(|(name, _)| entry.file_name() == name.as_str());
            if starts_with(&entry.path(), FOUND.as_bytes()) && !is_new {
                remove(entry.path())?;
            }
        }
        let mut json = serde_json::to_string_pretty(self).expect("the results of a search have JSON forms");
        json.push('\n');
        write_files(out, &[(files::RESULTS, json), (files::REPORT, search_page(self))])?;
        Ok(WrittenSearch { recipes, report: out.join(files::REPORT) })
    }
}
