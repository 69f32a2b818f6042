//! Arguments of most commands: a model, then photos.

use std::path::{Path, PathBuf};

use clap::Args;
use miette::{Result, miette};
use pinhole_core::artifacts;
use pinhole_core::photos::{self, Unlabeled};
use pinhole_core::simd::Instructions;
use pinhole_shared::model::MAGIC;
use pinhole_shared::pixels::InputShape;
use pinhole_train::runs::bundled::{self, Bundled};
use pinhole_train::runs::{self, Trained};

use super::completions;
use super::output::{detail, note, note_enlarged, warn};
use super::values::at_least;

/// Help text of the model argument.
pub(super) const MODEL: &str = "A .pinhole file, a run folder of `pinhole train`, or the name of a bundled model";

/// Number of photos to use.
#[derive(Clone, Copy, Debug, Args)]
pub(super) struct Limit {
    /// Use at most this many photos, evenly spread over all of them
    #[arg(long, value_name = "COUNT", value_parser = at_least::<u32>(1))]
    limit: Option<u32>,
}

impl Limit {
    pub(super) fn count(self) -> Option<usize> {
        self.limit.map(|limit| limit as usize)
    }
}

/// A model and photos. Either may be left out if the command can do without it.
#[derive(Clone, Debug, Args)]
pub(super) struct ModelAndPhotos {
    /// A .pinhole file, a run folder of `pinhole train`, or the name of a bundled model [default: conv-96]
    #[arg(add = completions::models())]
    model: Option<PathBuf>,
    /// Photos, or folders of photos
    photos: Vec<PathBuf>,
    /// Photos, as they were given before they had a place of their own.
    #[arg(long = "photos", value_name = "PHOTOS", hide = true)]
    more_photos: Vec<PathBuf>,
    #[command(flatten)]
    limit: Limit,
}

/// Opens a model, and prints its origin, and by which instructions it will run, if the output is verbose.
pub(super) fn open(path: &Path) -> Result<Trained> {
    let trained = runs::open(path)?;
    describe(&trained);
    Ok(trained)
}

fn describe(trained: &Trained) {
    let (bytes, checksum) = (trained.model.bytes().len(), trained.model.model().checksum());
    let bundled = if Bundled::named(&trained.model_path).is_some() { ", bundled" } else { "" };
    detail(&format!("model {}{bundled}: {bytes} bytes, checksum {checksum:08x}", trained.model_path.display()));
    detail(&format!("vector instructions of the integer engine: {}", Instructions::detect()));
}

/// Returns true if a path is a model rather than photos: by its extension, its first bytes, the folder's content, or
/// because it is the name of a bundled model.
fn is_model(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "pinhole")
        || path.join(runs::files::MODEL).is_file()
        || artifacts::is_run(path)
        || Bundled::named(path).is_some()
        || artifacts::starts_with(path, &MAGIC)
}

impl ModelAndPhotos {
    /// Returns the first path if it is meant as a model; `None` if it is a photo or a folder of photos.
    ///
    /// # Errors
    /// If it does not exist and has no extension, as a photo would have.
    fn named_model(&self) -> Result<Option<&Path>> {
        let Some(first) = self.model.as_deref().filter(|first| !is_model(first)) else {
            return Ok(self.model.as_deref());
        };
        if first.exists() || first.extension().is_some() {
            return Ok(None);
        }
        // Gives the usual error for a path that looks like a model's name.
        Bundled::lookup(first)?;
        Err(miette!(
            help = "first give a .pinhole file, a run folder that `pinhole train` made, or a bundled model (`pinhole models`); \
                    then give photos",
            "there is nothing at {}: neither a model nor a photo",
            first.display()
        ))
    }

    /// Opens the given model; `None` if none is given.
    pub(super) fn model(&self) -> Result<Option<Trained>> {
        self.named_model()?.map(open).transpose()
    }

    /// Opens the given model, or the default model with a note.
    pub(super) fn trained(&self) -> Result<Trained> {
        if let Some(trained) = self.model()? {
            return Ok(trained);
        }
        let trained = bundled::default_model();
        let classes: Vec<&str> = trained.model.model().class_names().collect();
        note(&format!(
            "using the bundled model {}, which knows {}; to use another model, give it before the photos",
            bundled::DEFAULT,
            classes.join(" and ")
        ));
        describe(&trained);
        Ok(trained)
    }

    /// Splits off the first path as a folder; `None` if it is a model, a file, or not the only path.
    pub(super) fn split_folder(&self) -> Option<(PathBuf, Self)> {
        let first =
            self.model.clone().filter(|first| self.photos.is_empty() && !is_model(first) && !first.is_file())?;
        Some((first, Self { model: None, ..self.clone() }))
    }

    /// Returns the paths of photos, in the order given.
    fn places(&self) -> Vec<PathBuf> {
        let first = self.model.as_deref().filter(|_| self.named_model().is_ok_and(|model| model.is_none()));
        let first = first.map(Path::to_owned);
        first.into_iter().chain(self.photos.iter().chain(&self.more_photos).cloned()).collect()
    }

    /// Returns true if photos are given.
    pub(super) fn has_photos(&self) -> bool {
        !self.places().is_empty()
    }

    /// Reads the photos as a network with this input sees them, up to the limit.
    ///
    /// # Errors
    /// If none are given, or if one that was given itself cannot be read.
    pub(super) fn read(&self, input: InputShape) -> Result<Vec<Unlabeled>> {
        let places = self.places();
        if places.is_empty() {
            let model =
                self.model.as_deref().map(|model| format!("{} is a model: ", model.display())).unwrap_or_default();
            return Err(miette!(
                help = "give photos, or folders of photos, after the model",
                "{model}no photos are given"
            ));
        }
        let (photos, warnings) = photos::read_some_unlabeled(&places, input, self.limit.count())?;
        warn(&warnings);
        note_enlarged(photos.iter().filter(|photo| photo.enlarged).count(), input);
        Ok(photos)
    }

    /// Returns the paths of photos that an emulated board's camera can show, at least one. All are read here, before a
    /// board is started, and again when they are shown.
    pub(super) fn paths(&self, input: InputShape) -> Result<Vec<PathBuf>> {
        if !self.has_photos() {
            return Err(miette!(
                help = "give photos after the model",
                "an emulated board's camera needs photos, and none are given"
            ));
        }
        Ok(self.read(input)?.into_iter().map(|photo| photo.path).collect())
    }
}
