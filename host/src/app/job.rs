//! A training job: from photo folders to all contents of a run folder.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use pinhole_boards::board::Board;
use pinhole_core::artifacts::write_files;
use pinhole_core::model_file::ModelFile;
use pinhole_core::photos::{self, Dataset, DuplicatePhotos, PhotoError, PhotoOptions, Series, Warning};
use pinhole_core::recipe::Recipe;
use pinhole_lab::evaluate::{Evaluation, evaluate};
use pinhole_lab::explain::{Explanation, explain};
use pinhole_lab::verdict::{DoubtedLabel, NetworkVerdict, TrainingFacts};
use pinhole_shared::pixels::InputShape;
use pinhole_train::quantize::{ActivationBits, LayerError, measure, quantize};
use pinhole_train::runs::pretrained::PretrainedSource;
use pinhole_train::runs::{
    self, JobError, PartDigests, PretrainedSummary, Quantization, RecipeChoice, RunSummary, files,
};
use pinhole_train::{
    Accelerator, Epoch, Network, Training, TrainingIdentity, TrainingOutcome, TrainingState, transfer,
};

use super::command::command_of;
use super::events::{Events, Note};
use super::labels::doubted_labels;
use super::photos::{Compared, compare, read};
use super::report_page::ReportPage;
use super::train::TestResults;

/// Fraction of the photos of each class that is held out if there is no validation folder. Near-duplicates stay
/// together.
pub const HOLD_OUT: f32 = 0.2;

/// Largest number of validation photos that a report explains.
pub const EXPLAINED: usize = 24;

/// Photos and settings of a training.
#[derive(Clone, Debug)]
pub struct Job {
    /// Folder of training photos.
    pub photos: PathBuf,
    /// Folder of validation photos; without one, [`HOLD_OUT`] of the training photos.
    pub validation: Option<PathBuf>,
    /// Folder of test photos, which are used once, after the training.
    pub test: Option<PathBuf>,
    /// Settings of reading and comparing the photos.
    pub options: PhotoOptions,
    /// Name or path that the recipe was given by.
    pub recipe_name: String,
    /// The recipe.
    pub recipe: Recipe,
    /// The automatic choice that the recipe and network come from; absent if the user named them.
    pub choice: Option<RecipeChoice>,
    /// Network to continue from; a new network if absent.
    pub from: Option<PretrainedInit>,
    /// Seed of all randomness.
    pub seed: u64,
    /// Quantization of activations.
    pub bits: ActivationBits,
    /// Device that computes the gradients.
    pub accelerator: Accelerator,
    /// Board that the model is for, if the user named one.
    pub board: Option<Board>,
}

/// A trained network to continue from, and the settings for it.
#[derive(Clone, Debug)]
pub struct PretrainedInit {
    /// The network. The job's recipe must have its input size and layers.
    pub source: PretrainedSource,
    /// True to train only the last layer, which decides.
    pub freeze: bool,
}

/// Photos of a job, decoded.
#[derive(Clone, Debug)]
pub struct JobData {
    /// Training examples, without copies.
    pub training: Dataset,
    /// Validation examples.
    pub validation: Dataset,
    /// Files of both folders that were left out.
    pub warnings: Vec<Warning>,
    /// Number of photos of both folders that were enlarged, because they are smaller than the network's input.
    pub enlarged: usize,
    /// Photos that are nearly the same picture.
    pub duplicates: Vec<DuplicatePhotos>,
    /// Classes whose photos are nearly one picture. If photos are held out, these are cut into blocks.
    pub series: Vec<Series>,
}

/// Results of a finished job.
pub struct FinishedTraining {
    /// Summary of the run.
    pub summary: RunSummary,
    /// Outcome of the training.
    pub outcome: TrainingOutcome,
    /// The quantized model.
    pub model: ModelFile,
    /// Evaluation of both networks on the validation photos.
    pub evaluation: Evaluation,
    /// Verdict on the model.
    pub verdict: NetworkVerdict,
    /// Results of the model on test photos; [`super::train::train`] adds them.
    pub test: Option<TestResults>,
    /// The integer layers' errors on the validation photos.
    pub layers: Vec<LayerError>,
}

impl Job {
    /// Reads the photos, without reports of progress.
    ///
    /// # Errors
    /// [`JobError::Photos`].
    pub fn load(&self) -> Result<JobData, JobError> {
        self.load_telling(&mut ())
    }

    /// Reads the photos, and reports the progress.
    ///
    /// # Errors
    /// [`JobError::Photos`].
    pub fn load_telling(&self, events: &mut dyn Events) -> Result<JobData, JobError> {
        let (validation, input) = (self.validation.as_deref(), self.recipe.input());
        Ok(load((&self.photos, validation), &self.options, input, None, self.seed, events)?)
    }

    /// Trains, quantizes and evaluates. `observe` is called after every epoch and may end the training.
    ///
    /// # Errors
    /// [`JobError`].
    pub fn run(
        &self,
        data: &JobData,
        mut observe: impl FnMut(&Epoch) -> ControlFlow<()>,
    ) -> Result<FinishedTraining, JobError> {
        self.resume(data, None, |_, epoch| observe(epoch))
    }

    /// Returns the identity of this job's training. A checkpoint with another identity must not be resumed.
    ///
    /// # Errors
    /// [`JobError::Transfer`], [`JobError::Train`].
    pub fn identity(&self, data: &JobData) -> Result<TrainingIdentity, JobError> {
        let network = self.network(&data.training.classes)?;
        Ok(TrainingIdentity::of(&network, &data.training, &data.validation, self.seed)?.on(self.accelerator))
    }

    /// Like [`Job::run`], but continues from a state of this training, if given. The results are the same as without
    /// the interruption. `observe` also receives the training, whose state it may take.
    ///
    /// # Errors
    /// [`JobError`].
    pub fn resume(
        &self,
        data: &JobData,
        state: Option<TrainingState>,
        observe: impl FnMut(&Training<'_>, &Epoch) -> ControlFlow<()>,
    ) -> Result<FinishedTraining, JobError> {
        let outcome = self.train(data, state, observe)?;
        self.finish(data, outcome)
    }

    /// Trains, as the first part of [`Job::resume`].
    ///
    /// # Errors
    /// [`JobError`].
    pub(super) fn train(
        &self,
        data: &JobData,
        state: Option<TrainingState>,
        observe: impl FnMut(&Training<'_>, &Epoch) -> ControlFlow<()>,
    ) -> Result<TrainingOutcome, JobError> {
        let photos = photos::copies(&data.training, &self.recipe.training.copies);
        let network = self.network(&photos.classes)?;
        let mut training = Training::new(network, &photos, &data.validation, self.seed)?.on(self.accelerator)?;
        if let Some(state) = state {
            training.restore(state)?;
        }
        Ok(training.run(observe)?)
    }

    /// Quantizes and evaluates, as the second part of [`Job::resume`].
    ///
    /// # Errors
    /// [`JobError`].
    pub(super) fn finish(&self, data: &JobData, outcome: TrainingOutcome) -> Result<FinishedTraining, JobError> {
        let model = quantize(&outcome.network, &data.training, self.bits)?;
        let evaluation = evaluate(Some(&outcome.network), &model, &data.validation)?;
        let layers = measure(&outcome.network, &model, &data.validation)?;
        let epochs = outcome.epochs.last().map_or(0, |epoch| epoch.epoch);
        let base = self.from.is_some().then(|| self.network(&data.training.classes)).transpose()?;
        let judge = base.as_ref().unwrap_or(&outcome.network);
        let doubted = doubted_labels(judge, &data.training, &data.duplicates, self.seed)?;
        let verdict = data.verdict(&evaluation, &doubted, outcome.best.epoch, epochs);
        let (weights, metrics) = (outcome.network.to_safetensors()?, runs::metrics_csv(&outcome.epochs));
        let parts = PartDigests::of(&[(files::WEIGHTS, &weights), (files::METRICS, &metrics)]);
        let summary = RunSummary {
            pinhole: env!("CARGO_PKG_VERSION").to_owned(),
            recipe: self.recipe_name.clone(),
            choice: self.choice.clone(),
            from: self.from.as_ref().map(|from| from.summary(&data.training.classes)),
            frozen: self.from.as_ref().is_some_and(|from| from.freeze),
            seed: self.seed,
            accelerator: self.accelerator,
            board: self.board.map(|board| board.name().to_owned()),
            photos: self.photos.clone(),
            validation: self.validation.clone(),
            class_from: (!self.options.class_from.is_structure()).then(|| self.options.class_from.to_string()),
            no_duplicate_search: !self.options.duplicate_search,
            training_photos: data.training.examples.len(),
            validation_photos: data.validation.examples.len(),
            enlarged_photos: data.enlarged,
            epochs,
            stopped: runs::stopped_name(outcome.stopped),
            best_epoch: outcome.best.epoch,
            validation_loss: outcome.best.validation_loss,
            validation_accuracy: outcome.best.validation_accuracy,
            model_checksum: model.model().checksum(),
            parts,
            quantization: Some(Quantization::new(&self.recipe, self.bits)),
            command: Some(command_of(self)),
            verdict: serialized(&verdict),
            test: None,
            doubted_training: serde_json::to_value(&doubted).ok().filter(|_| !doubted.is_empty()),
        };
        Ok(FinishedTraining { summary, outcome, model, evaluation, verdict, test: None, layers })
    }

    /// Returns the network that training starts with.
    fn network(&self, classes: &[String]) -> Result<Network, JobError> {
        let Some(from) = &self.from else { return Ok(Network::new(&self.recipe, classes, self.seed)?) };
        let mut network = transfer(&from.source.pretrained, &self.recipe, classes, self.seed)?;
        if from.freeze {
            network.freeze_hidden();
        }
        Ok(network)
    }
}

/// Returns a verdict as a run's summary has it.
pub(super) fn serialized(verdict: &NetworkVerdict) -> Option<serde_json::Value> {
    serde_json::to_value(verdict).ok()
}

impl JobData {
    /// Returns the verdict on a network that was trained on these photos: `evaluation` is of its validation photos, and
    /// `doubted` are the doubted labels of training photos.
    pub(super) fn verdict(
        &self,
        evaluation: &Evaluation,
        doubted: &[DoubtedLabel],
        best_epoch: u32,
        epochs: u32,
    ) -> NetworkVerdict {
        // A fixed camera's pictures of two classes may differ in a small part only: that is no wrong label.
        let (two_classes, mut duplicates): (Vec<_>, Vec<_>) =
            self.duplicates.iter().cloned().partition(|pair| pair.contradiction.is_some());
        duplicates.extend(Series::without(&self.series, &two_classes));
        let facts = TrainingFacts { training: &self.training, duplicates: &duplicates, best_epoch, epochs, doubted };
        NetworkVerdict::of(evaluation, &self.validation, Some(facts))
    }
}

/// Reads training photos as inputs of this shape, and validation photos of the same classes. These are the photos of
/// the validation folder or, without one, [`HOLD_OUT`] of the training photos, chosen by a seed. The classes are
/// `classes`, if given, otherwise those of the photos.
///
/// # Errors
/// [`PhotoError`].
pub fn load(
    (photos, validation): (&Path, Option<&Path>),
    options: &PhotoOptions,
    input: InputShape,
    classes: Option<&[String]>,
    seed: u64,
    events: &mut dyn Events,
) -> Result<JobData, PhotoError> {
    let mut all = read(options.of(photos), input, classes, None, events)?;
    let mut warnings = std::mem::take(&mut all.warnings);
    let mut given = match validation {
        Some(folder) => Some(read(options.of(folder), input, Some(&all.classes), None, events)?),
        None => None,
    };
    let enlarged = all.enlarged + given.as_ref().map_or(0, |validation| validation.enlarged);
    let missing = given.as_ref().map_or(Vec::new(), Dataset::missing);
    if !missing.is_empty() {
        events.note(&Note::NotValidated { classes: missing });
    }
    warnings.extend(given.iter_mut().flat_map(|validation| std::mem::take(&mut validation.warnings)));
    // Training photos come first, so that a pair on both sides lists its training photo first.
    let others = given.iter().flat_map(|validation| &validation.examples);
    let Compared { pairs, mut duplicates, count } =
        compare(&all.examples, others, &all.classes, options, input, events);
    let groups = photos::groups(count, &pairs);
    // Training photos come first, so the others do not change their groups' indices.
    let groups = &groups[..all.examples.len()];
    let series = photos::series(&all, groups, HOLD_OUT);
    let (training, validation) = match given {
        None => photos::hold_out(&all, groups, HOLD_OUT, seed)?,
        Some(validation) => (all, validation),
    };
    if !series.is_empty() {
        // Pairs at the ends of a series' blocks.
        let held_out = validation.examples.iter().map(|example| &example.path).collect();
        DuplicatePhotos::mark_across(&mut duplicates, &held_out);
    }
    Ok(JobData { training, validation, warnings, enlarged, duplicates, series })
}

impl PretrainedInit {
    fn summary(&self, classes: &[String]) -> PretrainedSummary {
        let source = &self.source;
        PretrainedSummary {
            path: source.path.clone(),
            checksum: source.checksum,
            dequantized: source.dequantized,
            last_layer: source.pretrained.last_layer(classes),
        }
    }
}

impl FinishedTraining {
    /// Writes all files of the run into an existing folder, or none of them after an error. An earlier run is replaced.
    ///
    /// # Errors
    /// [`JobError::Write`] with the path.
    pub fn write(&self, folder: &Path, data: &JobData) -> Result<(), JobError> {
        Ok(write_files(folder, &self.files(folder, data)?)?)
    }

    /// Returns the contents of the run's files, in the order of [`files::RUN`]. `folder` is the one they are for: the report
    /// names it.
    ///
    /// # Errors
    /// [`JobError::Train`] if candle fails.
    pub fn files(&self, folder: &Path, data: &JobData) -> Result<[(&'static str, Vec<u8>); 6], JobError> {
        let recipe = self.outcome.network.recipe.to_toml();
        let page = ReportPage {
            run: &self.summary,
            recipe: &recipe,
            network: &self.outcome.network,
            model: &self.model,
            data,
            evaluation: &self.evaluation,
            verdict: &self.verdict,
            test: self.test.as_ref(),
            epochs: &self.outcome.epochs,
            layers: &self.layers,
        };
        let report = page.to_html(folder)?.into_bytes();
        let weights = self.outcome.network.to_safetensors()?;
        Ok([
            (files::RECIPE, recipe.into_bytes()),
            (files::METRICS, runs::metrics_csv(&self.outcome.epochs)),
            (files::WEIGHTS, weights),
            (files::MODEL, self.model.bytes().to_owned()),
            (files::REPORT, report),
            (files::SUMMARY, runs::summary_bytes(&self.summary)),
        ])
    }
}

/// Returns the photos that a report explains, by index, with their explanations.
pub(super) fn explain_some(model: &ModelFile, photos: &Dataset, evaluation: &Evaluation) -> Vec<(usize, Explanation)> {
    let chosen = chosen_to_explain(photos, evaluation).into_iter();
    chosen.map(|index| (index, explain(model, &photos.examples[index].pixels))).collect()
}

/// Returns the indices of the photos to explain, [`EXPLAINED`] at most: mistakes first, the surest of them at the beginning,
/// then one photo of each class in turn.
fn chosen_to_explain(photos: &Dataset, evaluation: &Evaluation) -> Vec<usize> {
    let is_wrong = |index: &usize| photos.examples[*index].class != evaluation.results[*index].int8.class;
    let (mut chosen, right): (Vec<usize>, Vec<usize>) = (0..photos.examples.len()).partition(|index| is_wrong(index));
    // Stable: of equal ones, the first photo.
    chosen.sort_by_key(|&index| std::cmp::Reverse(evaluation.results[index].int8.probability));
    let mut of_class: Vec<_> = (0..photos.classes.len())
        .map(|class| right.iter().filter(move |&&index| usize::from(photos.examples[index].class) == class))
        .collect();
    let mut in_turn: Vec<usize> = Vec::with_capacity(right.len());
    while in_turn.len() < right.len() {
        in_turn.extend(of_class.iter_mut().filter_map(Iterator::next));
    }
    chosen.extend(in_turn);
    chosen.truncate(EXPLAINED);
    chosen
}
