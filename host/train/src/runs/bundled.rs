//! Trained models that are bundled inside the program.

use std::path::{Path, PathBuf};

use miette::Diagnostic;
use pinhole_core::data;
use pinhole_core::model_file::ModelFile;
use pinhole_core::recipe::NAMED;
use pinhole_core::suggest::did_you_mean;
use thiserror::Error;

use crate::Network;
use crate::runs::{RunSummary, Trained, files};

/// Name of the default model.
pub const DEFAULT: &str = "conv-96";

/// Name of the model trained on the synthetic pictures.
pub const DRAWN: &str = "drawn";

/// Error: no bundled model has this name.
#[derive(Debug, Error, Diagnostic)]
pub enum UnknownModel {
    /// A recipe has this name, but no bundled model was trained by it.
    #[error("{0} is the name of a recipe, not of a model, and no trained model of it is bundled")]
    #[diagnostic(help("train one: `pinhole train PHOTOS --recipe {0} --out {0}`; bundled models: {}", names()))]
    Recipe(String),
    /// Nothing has this name.
    #[error("there is no model {0:?}: it is neither a file or folder, nor the name of a bundled model")]
    #[diagnostic(help("{}give a .pinhole file, a run folder that `pinhole train` made, or a bundled model: {}", meant(.0), names()))]
    Name(String),
}

/// Returns the names of all bundled models, separated by commas.
pub fn names() -> String {
    Bundled::all().iter().map(|bundled_model| bundled_model.name).collect::<Vec<_>>().join(", ")
}

fn meant(name: &str) -> String {
    did_you_mean(name, Bundled::all().iter().map(|bundled_model| bundled_model.name))
}

/// A bundled model: some files of its run folder.
#[derive(Clone, Copy, Debug)]
pub struct Bundled {
    /// Name of the recipe it was trained by, or [`DRAWN`].
    pub name: &'static str,
}

impl Bundled {
    /// Returns all bundled models, in order of their names.
    pub fn all() -> Vec<Self> {
        data::folders("models").into_iter().map(|name| Self { name }).collect()
    }

    /// Returns the model whose name is this path, if there is no such file or folder.
    pub fn named(path: &Path) -> Option<Self> {
        if path.exists() {
            return None;
        }
        Self::all().into_iter().find(|bundled_model| path.as_os_str() == bundled_model.name)
    }

    /// Returns the model as [`Bundled::named`] does, and refuses unknown names: a path of one part without an
    /// extension, where nothing exists.
    ///
    /// # Errors
    /// [`UnknownModel`].
    pub fn lookup(path: &Path) -> Result<Option<Self>, UnknownModel> {
        let found = Self::named(path);
        let Some(name) = path.to_str().filter(|_| found.is_none() && is_name(path)) else { return Ok(found) };
        let is_recipe = NAMED.iter().any(|(recipe, _)| *recipe == name);
        Err(if is_recipe { UnknownModel::Recipe(name.to_owned()) } else { UnknownModel::Name(name.to_owned()) })
    }

    /// Returns the model file.
    pub fn model(&self) -> ModelFile {
        ModelFile::from_bytes(self.file(files::MODEL).unwrap_or_default())
            .expect("a bundled model is valid; a test reads all")
    }

    /// Returns the bytes of the float weights that the model was made from, if they are bundled.
    pub fn weights(&self) -> Option<&'static [u8]> {
        self.file(files::WEIGHTS)
    }

    /// Returns the summary of its training, if it is bundled.
    pub fn summary(&self) -> Option<RunSummary> {
        serde_json::from_slice(self.file(files::SUMMARY)?).ok()
    }

    /// Opens the model as [`crate::runs::open`] does.
    pub fn open(&self) -> Trained {
        let network = self.weights().map(|bytes| {
            Network::from_safetensors(bytes, &self.path()).expect("bundled weights are valid; a test reads all")
        });
        Trained { model_path: self.path(), model: self.model(), network }
    }

    /// Returns the name as a path, for messages.
    pub fn path(&self) -> PathBuf {
        PathBuf::from(self.name)
    }

    fn file(&self, name: &str) -> Option<&'static [u8]> {
        data::file(&format!("models/{}/{name}", self.name))
    }
}

/// Returns true if nothing exists at the path and it looks like a name: one part without an extension.
fn is_name(path: &Path) -> bool {
    !path.exists() && path.extension().is_none() && path.file_name() == Some(path.as_os_str())
}

/// Opens the default model.
pub fn default_model() -> Trained {
    let default = Bundled::all().into_iter().find(|bundled| bundled.name == DEFAULT);
    default.expect("it is bundled; a test reads all").open()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::FloatLayer;
    use crate::quantize::dequantize;
    use pinhole_core::recipe::Recipe;

    /// Every bundled model can be read, has the layers of its recipe, and was made from the weights beside it.
    #[test]
    fn all_can_be_read_and_are_what_they_say() {
        let all = Bundled::all();
        let names: Vec<&str> = all.iter().map(|bundled_model| bundled_model.name).collect();
        assert_eq!(names, ["conv-50", "conv-50-tiny", "conv-96", "drawn"]);
        assert!(names.contains(&DEFAULT) && names.contains(&DRAWN));
        for bundled_model in all {
            let trained = bundled_model.open();
            let model = trained.model.model();
            let Some(network) = trained.network else {
                assert_eq!(bundled_model.name, DRAWN, "the others ship with their weights");
                continue;
            };
            let summary = bundled_model.summary().expect("a summary");
            assert_eq!((summary.recipe.as_str(), summary.model_checksum), (bundled_model.name, model.checksum()));
            assert_eq!(network.recipe, Recipe::find(bundled_model.name).unwrap(), "{}", bundled_model.name);
            let classes: Vec<&str> = model.class_names().collect();
            assert_eq!(classes, network.classes);
            // Each weight of the model is within half a unit of the float weight it was rounded from; the unit is that
            // of its filter.
            let back = dequantize(&model, &network.recipe);
            let (first, of_model) = (&network.float_layers().unwrap()[0], &back.layers[0]);
            let (FloatLayer::Conv(first), FloatLayer::Conv(of_model)) = (first, of_model) else {
                panic!("{}: a first layer that is no convolution", bundled_model.name)
            };
            let (folded, _) = first.folded();
            for (filter, of_model) in folded.chunks(9).zip(of_model.weights.chunks(9)) {
                let largest = filter.iter().fold(0.0_f32, |largest, weight| largest.max(weight.abs()));
                for (weight, of_model) in filter.iter().zip(of_model) {
                    assert!(
                        (weight - of_model).abs() <= 0.51 * largest / 127.0,
                        "{}: {weight}, {of_model}",
                        bundled_model.name
                    );
                }
            }
        }
    }
}
