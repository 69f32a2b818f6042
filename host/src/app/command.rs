//! A command line that says the same as a training job.

use std::path::Path;

use pinhole_core::recipe::Recipe;
use pinhole_train::Accelerator;
use pinhole_train::quantize::ActivationBits;

use super::job::Job;
use super::train::RecipeChanges;

/// Returns the command that trains this job. Run folder and threads are not part of it: the result does not depend on them.
pub(super) fn command_of(job: &Job) -> String {
    let mut words = vec!["pinhole train".to_owned(), quoted(&job.photos)];
    if let Some(validation) = &job.validation {
        words.extend(["--validation".to_owned(), quoted(validation)]);
    }
    if let Some(test) = &job.test {
        words.extend(["--test".to_owned(), quoted(test)]);
    }
    if !job.options.class_from.is_structure() {
        words.extend(["--class-from".to_owned(), quoted(Path::new(&job.options.class_from.to_string()))]);
    }
    words.extend((!job.options.duplicate_search).then(|| "--no-duplicate-search".to_owned()));
    // Without --recipe, the recipe is that of the network to continue from.
    let own = job.from.as_ref().and_then(|from| changes_of(&from.source.pretrained.recipe, &job.recipe));
    let changes = own.unwrap_or_else(|| {
        words.extend(["--recipe".to_owned(), quoted(Path::new(&job.recipe_name))]);
        Recipe::find(&job.recipe_name)
            .map_or_else(|_| RecipeChanges::default(), |named| differences(&named, &job.recipe))
    });
    if let Some(from) = &job.from {
        words.extend(["--from".to_owned(), quoted(&from.source.path)]);
        words.extend(from.freeze.then(|| "--freeze".to_owned()));
    }
    words.extend(changes.options());
    words.push(format!("--seed {}", job.seed));
    if job.bits == ActivationBits::Eight {
        words.push("--activations 8".to_owned());
    }
    if job.accelerator == Accelerator::Gpu {
        words.push("--device gpu".to_owned());
    }
    words.join(" ")
}

/// Returns the changes that make one recipe of another; `None` if no options can.
fn changes_of(before: &Recipe, after: &Recipe) -> Option<RecipeChanges> {
    let changes = differences(before, after);
    changes.apply(before, "").is_ok_and(|changed| changed == *after).then_some(changes)
}

/// Returns the changes that make one recipe of another, as far as options can.
fn differences(before: &Recipe, after: &Recipe) -> RecipeChanges {
    fn changed<T: PartialEq>(before: &T, after: T) -> Option<T> {
        (*before != after).then_some(after)
    }
    let (old, new) = (&before.training, &after.training);
    RecipeChanges {
        color: changed(&before.input.color, after.input.color),
        input_size: changed(&before.input.size(), after.input.size()),
        fit: changed(&before.input.fit, after.input.fit),
        epochs: changed(&old.epochs, new.epochs),
        patience: changed(&old.patience, new.patience),
        frozen_epochs: changed(&old.frozen_epochs, new.frozen_epochs),
        batch: changed(&old.batch, new.batch),
        learning_rate: changed(&old.learning_rate, new.learning_rate),
        class_weights: changed(&old.class_weights, new.class_weights),
        flip: changed(&old.augment.flip, new.augment.flip),
    }
}

/// Returns a path as an argument of a shell, quoted if it needs that.
pub(super) fn quoted(path: &Path) -> String {
    let text = path.to_string_lossy();
    // In other shells, a backslash escapes.
    let is_plain = |c: char| c.is_alphanumeric() || "/._-+:=@%,".contains(c) || (cfg!(windows) && c == '\\');
    // Not an option.
    let text = if text.starts_with('-') { format!("./{text}").into() } else { text };
    if !text.is_empty() && text.chars().all(is_plain) {
        return text.into_owned();
    }
    if cfg!(windows) { format!("\"{text}\"") } else { format!("'{}'", text.replace('\'', r"'\''")) }
}

#[cfg(test)]
mod tests {
    use pinhole_core::recipe::OptimizerSettings;

    use super::*;

    #[test]
    fn differences_are_options() {
        let mut before = Recipe::find("baseline").unwrap();
        let mut after = before.clone();
        after.training.epochs = 7;
        after.training.augment.flip = true;
        (after.input.width, after.input.height) = (46, 28);
        assert_eq!(differences(&before, &after).options(), ["--input-size 46x28", "--epochs 7", "--flip"]);
        assert_eq!(differences(&before, &before).options(), [""; 0]);
        assert!(changes_of(&before, &after).is_some());
        before.training.patience = Some(5);
        let changes = changes_of(&before, &after).unwrap();
        assert_eq!(changes.options(), ["--input-size 46x28", "--epochs 7", "--no-patience", "--flip"]);
        // No option sets the momentum.
        after.training.optimizer = OptimizerSettings::Sgd { momentum: 0.5, nesterov: false };
        assert_eq!(changes_of(&before, &after), None);
    }

    #[test]
    fn paths_are_quoted_where_a_shell_would_split_them() {
        assert_eq!(quoted(Path::new("runs/first-1.2")), "runs/first-1.2");
        assert_eq!(quoted(Path::new("fünf/パン")), "fünf/パン");
        if cfg!(unix) {
            assert_eq!(quoted(Path::new("my photos")), "'my photos'");
            assert_eq!(quoted(Path::new("it's")), r"'it'\''s'");
            assert_eq!(quoted(Path::new("a;b")), "'a;b'");
            assert_eq!(quoted(Path::new(r"a\b")), r"'a\b'");
            assert_eq!(quoted(Path::new("-photos")), "./-photos");
        }
    }
}
