//! Divides photos into training and held-out ones, or into folds. Near-duplicates stay together, since a copy of a training photo
//! tests nothing. Only a series of them is cut, into blocks of neighbors (see [`super::series()`]).

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use super::series::{cut, parts};
use super::{Dataset, PhotoError};
use crate::random::{Purpose, Random};

/// Splits a dataset in two: training examples and held-out ones, chosen by the seed. `fraction` of each class is held out,
/// rounded, at least one example; fewer if whole groups do not add up to it. `groups` are those of [`super::groups`]; none
/// is split, except those of which [`super::series()`] makes blocks.
///
/// # Errors
/// [`PhotoError::TooFewToHoldOut`] if a class has fewer than two groups (or blocks), or none that can be held out without taking
/// all of some class.
///
/// # Panics
/// If the number of `groups` is not that of the examples.
pub fn hold_out(
    dataset: &Dataset,
    groups: &[usize],
    fraction: f32,
    seed: u64,
) -> Result<(Dataset, Dataset), PhotoError> {
    let (groups, _) = cut(dataset, groups, parts(fraction, dataset.examples.len()), 2);
    let groups = Groups::of(dataset, &groups);
    let counts = dataset.class_counts();
    let mut random = Random::stream(seed, Purpose::Split);
    let mut held_out = vec![false; dataset.examples.len()];
    let mut held_counts = vec![0; counts.len()];
    for (class, name) in dataset.classes.iter().enumerate() {
        let different = groups.of_class(class).len();
        let too_few = PhotoError::TooFewToHoldOut { class: name.clone(), count: different };
        if different < 2 {
            return Err(too_few);
        }
        let mut members = dataset.members(class);
        random.shuffle(&mut members);
        let target = ((members.len() as f32 * fraction).round() as usize).clamp(1, members.len() - 1);
        let leaves_some = |held_counts: &[usize], sizes: &[usize]| {
            (0..counts.len()).all(|class| sizes[class] == 0 || held_counts[class] + sizes[class] < counts[class])
        };
        let mut hold = |member: usize, held_counts: &mut [usize]| {
            groups.members(member).iter().for_each(|&i| held_out[i] = true);
            held_counts.iter_mut().zip(groups.sizes(member)).for_each(|(held, size)| *held += size);
        };
        let mut tried = BTreeSet::new();
        for &member in &members {
            // Once for each group; groups with photos in an earlier class were tried there.
            if groups.first_class(member) < class || !tried.insert(groups.ids[member]) {
                continue;
            }
            let sizes = groups.sizes(member);
            if held_counts[class] + sizes[class] <= target && leaves_some(&held_counts, &sizes) {
                hold(member, &mut held_counts);
            }
        }
        if held_counts[class] == 0 {
            // Each group alone is more than the fraction, so the smallest is taken.
            let candidates = members.iter().filter(|&&member| leaves_some(&held_counts, &groups.sizes(member)));
            let smallest = candidates.min_by_key(|&&member| groups.sizes(member)[class]).ok_or(too_few)?;
            hold(*smallest, &mut held_counts);
        }
    }
    Ok((dataset.select(|i| !held_out[i]), dataset.select(|i| held_out[i])))
}

/// Divides a dataset into `count` folds for cross-validation. Returns the fold of each example, 0..`count`, by the seed.
///
/// Each class is spread over the folds as evenly as its groups allow; without near-duplicates, their sizes differ by at most
/// one photo. `groups` are those of [`super::groups`]; all of a group are in one fold, except those of which
/// [`super::series()`] makes blocks: then all of a block are.
///
/// # Errors
/// [`PhotoError::TooFewForFolds`] if a fold would have no photo of a class.
///
/// # Panics
/// If `count` is 0, or the number of `groups` is not that of the examples.
pub fn folds(dataset: &Dataset, groups: &[usize], count: usize, seed: u64) -> Result<Vec<usize>, PhotoError> {
    assert!(count > 0, "no folds");
    let (groups, _) = cut(dataset, groups, count, count);
    let groups = Groups::of(dataset, &groups);
    // Checked before the folds' memory is allocated: `count` may be any number.
    for (class, name) in dataset.classes.iter().enumerate() {
        let different = groups.of_class(class).len();
        if different < count {
            return Err(PhotoError::TooFewForFolds { class: name.clone(), count: different, folds: count });
        }
    }
    let mut random = Random::stream(seed, Purpose::Folds);
    let mut order = Vec::new();
    for class in 0..dataset.classes.len() {
        let mut of_class = groups.of_class(class);
        of_class.retain(|&group| groups.first_class(group) == class);
        random.shuffle(&mut of_class);
        order.extend(of_class);
    }
    // The groups that are hardest to place come first; small groups can even out the differences that large ones leave.
    let spanned = |group: usize| groups.sizes(group).iter().filter(|&&size| size > 0).count();
    order.sort_by_key(|&group| Reverse((spanned(group), groups.members(group).len())));
    let mut fold_of = vec![0; dataset.examples.len()];
    let mut fold_counts = vec![vec![0; dataset.classes.len()]; count];
    for group in order {
        let sizes = groups.sizes(group);
        let of_its_classes =
            |counts: &[usize]| counts.iter().zip(&sizes).filter(|(_, size)| **size > 0).map(|(count, _)| *count).sum();
        let emptiest = |fold: &usize| -> (usize, usize) {
            let counts = &fold_counts[*fold];
            (of_its_classes(counts), counts.iter().sum())
        };
        let fold = (0..count).min_by_key(emptiest).unwrap_or(0);
        groups.members(group).iter().for_each(|&i| fold_of[i] = fold);
        fold_counts[fold].iter_mut().zip(&sizes).for_each(|(count, size)| *count += size);
    }
    for (class, name) in dataset.classes.iter().enumerate() {
        if fold_counts.iter().any(|counts| counts[class] == 0) {
            let different = groups.of_class(class).len();
            return Err(PhotoError::TooFewForFolds { class: name.clone(), count: different, folds: count });
        }
    }
    Ok(fold_of)
}

/// Groups of a dataset's examples. The index of any member identifies its group.
struct Groups<'a> {
    dataset: &'a Dataset,
    ids: &'a [usize],
    members: BTreeMap<usize, Vec<usize>>,
}

impl<'a> Groups<'a> {
    fn of(dataset: &'a Dataset, ids: &'a [usize]) -> Self {
        assert_eq!(ids.len(), dataset.examples.len(), "a group for each example");
        let mut members: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        for (index, &id) in ids.iter().enumerate() {
            members.entry(id).or_default().push(index);
        }
        Self { dataset, ids, members }
    }

    fn members(&self, member: usize) -> &[usize] {
        &self.members[&self.ids[member]]
    }

    fn class(&self, index: usize) -> usize {
        usize::from(self.dataset.examples[index].class)
    }

    /// Returns the number of a group's members in each class: the same picture may have several labels.
    fn sizes(&self, member: usize) -> Vec<usize> {
        let mut sizes = vec![0; self.dataset.classes.len()];
        self.members(member).iter().for_each(|&index| sizes[self.class(index)] += 1);
        sizes
    }

    fn first_class(&self, member: usize) -> usize {
        self.members(member).iter().map(|&index| self.class(index)).min().unwrap_or_default()
    }

    /// Returns the groups with photos of a class, each by its first member of that class.
    fn of_class(&self, class: usize) -> Vec<usize> {
        let firsts = self.members.values().filter_map(|members| members.iter().find(|&&i| self.class(i) == class));
        firsts.copied().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::photos::dataset::tests::dataset;

    /// Returns the groups of `count` examples: those in `together` are joined, the others alone.
    fn groups(count: usize, together: &[&[usize]]) -> Vec<usize> {
        let mut groups: Vec<usize> = (0..count).collect();
        for members in together {
            members.iter().for_each(|&member| groups[member] = members[0]);
        }
        groups
    }

    fn paths(dataset: &Dataset) -> Vec<&str> {
        dataset.examples.iter().map(|example| example.path.to_str().unwrap()).collect()
    }

    #[test]
    fn holding_out_is_stratified_complete_and_by_seed() {
        let all = dataset(&[10, 20]);
        let ungrouped = groups(30, &[]);
        let (train, validation) = hold_out(&all, &ungrouped, 0.2, 1).unwrap();
        assert_eq!((train.class_counts(), validation.class_counts()), (vec![8, 16], vec![2, 4]));
        let mut together: Vec<_> = train.examples.iter().chain(&validation.examples).cloned().collect();
        together.sort_by(|a, b| (a.class, &a.path).cmp(&(b.class, &b.path)));
        let mut expected = all.examples.clone();
        expected.sort_by(|a, b| (a.class, &a.path).cmp(&(b.class, &b.path)));
        assert_eq!(together, expected);
        assert_eq!(hold_out(&all, &ungrouped, 0.2, 1).unwrap().1, validation);
        assert_ne!(hold_out(&all, &ungrouped, 0.2, 2).unwrap().1, validation);
        let few = hold_out(&dataset(&[1, 9]), &groups(10, &[]), 0.2, 1);
        assert!(matches!(few, Err(PhotoError::TooFewToHoldOut { count: 1, .. })));
    }

    /// Earlier versions did not search for near-duplicates. Without any, a seed must still give the same split.
    #[test]
    fn without_near_duplicates_the_first_of_each_shuffled_class_are_held_out() {
        for (class_counts, fraction) in [(&[10, 20][..], 0.2), (&[2, 3, 17], 0.2), (&[5, 5], 0.9), (&[7, 2], 0.0)] {
            let all = dataset(class_counts);
            for seed in 0..20 {
                let mut random = Random::stream(seed, Purpose::Split);
                let mut expected = Vec::new();
                for (class, &count) in class_counts.iter().enumerate() {
                    let mut members = all.members(class);
                    random.shuffle(&mut members);
                    let held = ((count as f32 * fraction).round() as usize).clamp(1, count - 1);
                    expected.extend(members.into_iter().take(held));
                }
                expected.sort_unstable();
                let ungrouped = groups(all.examples.len(), &[]);
                let (_, validation) = hold_out(&all, &ungrouped, fraction, seed).unwrap();
                assert_eq!(validation, all.select(|i| expected.contains(&i)), "{class_counts:?}, seed {seed}");
            }
        }
        let (_, validation) = hold_out(&dataset(&[10, 20]), &groups(30, &[]), 0.2, 1).unwrap();
        assert_eq!(paths(&validation), ["0/7", "0/9", "1/4", "1/12", "1/14", "1/18"]);
    }

    #[test]
    fn near_duplicates_are_held_out_together_or_not_at_all() {
        let all = dataset(&[10, 10]);
        // A group of three is more than the two to hold out; one group has both labels.
        let groups = groups(20, &[&[0, 1], &[2, 3, 4], &[5, 15], &[11, 12]]);
        for seed in 0..50 {
            let (train, validation) = hold_out(&all, &groups, 0.2, seed).unwrap();
            assert_eq!(validation.class_counts(), [2, 2], "seed {seed}");
            let group = |path: &str| groups[all.examples.iter().position(|e| e.path.to_str() == Some(path)).unwrap()];
            let trained: BTreeSet<usize> = paths(&train).into_iter().map(group).collect();
            assert!(paths(&validation).into_iter().all(|path| !trained.contains(&group(path))), "seed {seed}");
        }
    }

    #[test]
    fn large_groups_are_held_out_when_there_are_no_smaller_ones_and_never_all_of_a_class() {
        let all = dataset(&[4, 6]);
        let (train, validation) = hold_out(&all, &groups(10, &[&[0, 1], &[2, 3], &[4, 5, 6, 7]]), 0.2, 1).unwrap();
        assert_eq!((train.class_counts(), validation.class_counts()), (vec![2, 5], vec![2, 1]));
        // Both pictures of the second class are in the first class too.
        let spanning = groups(8, &[&[0, 4, 5], &[1, 2, 6, 7]]);
        let (train, validation) = hold_out(&dataset(&[4, 4]), &spanning, 0.25, 1).unwrap();
        assert!(train.class_counts().iter().chain(&validation.class_counts()).all(|&count| count > 0));
        let one_picture = hold_out(&all, &groups(10, &[&[4, 5, 6, 7, 8, 9]]), 0.2, 1);
        assert!(matches!(one_picture, Err(PhotoError::TooFewToHoldOut { class, count: 1 }) if class == "1"));
    }

    /// Returns the number of photos of each class in each fold.
    fn counts(dataset: &Dataset, fold_of: &[usize], count: usize) -> Vec<Vec<usize>> {
        (0..count).map(|fold| dataset.select(|i| fold_of[i] == fold).class_counts()).collect()
    }

    #[test]
    fn folds_are_even_in_each_class_and_by_seed() {
        let all = dataset(&[13, 22]);
        let ungrouped = groups(35, &[]);
        let fold_of = folds(&all, &ungrouped, 5, 1).unwrap();
        for (fold, of_class) in counts(&all, &fold_of, 5).into_iter().enumerate() {
            assert!((2..=3).contains(&of_class[0]) && (4..=5).contains(&of_class[1]), "{fold}: {of_class:?}");
            // A fold with one more of a class has one less of the other.
            assert_eq!(of_class.iter().sum::<usize>(), 7, "{fold}");
        }
        assert_eq!(folds(&all, &ungrouped, 5, 1).unwrap(), fold_of);
        assert_ne!(folds(&all, &ungrouped, 5, 2).unwrap(), fold_of);
        assert_eq!(folds(&all, &ungrouped, 1, 1).unwrap(), [0; 35]);
    }

    #[test]
    fn folds_keep_groups_together() {
        let all = dataset(&[12, 12]);
        let groups = groups(24, &[&[0, 1, 2, 3], &[4, 5, 16], &[20, 21, 22]]);
        for seed in 0..50 {
            let fold_of = folds(&all, &groups, 3, seed).unwrap();
            for (index, &group) in groups.iter().enumerate() {
                assert_eq!(fold_of[index], fold_of[group], "seed {seed}");
            }
            assert_eq!(counts(&all, &fold_of, 3), [[4, 4]; 3], "seed {seed}");
        }
    }

    #[test]
    fn too_few_for_so_many_folds() {
        let few = folds(&dataset(&[5, 3]), &groups(8, &[]), 4, 1);
        assert!(matches!(few, Err(PhotoError::TooFewForFolds { class, count: 3, folds: 4 }) if class == "1"));
        let copies = folds(&dataset(&[5, 5]), &groups(10, &[&[0, 1], &[2, 3, 4]]), 3, 1);
        assert!(matches!(copies, Err(PhotoError::TooFewForFolds { class, count: 2, folds: 3 }) if class == "0"));
    }
}
