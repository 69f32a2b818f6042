//! Series: groups of near-duplicates that are not copies of one picture but pictures of one place, as a fixed camera takes them.
//!
//! All photos of a class may be near-duplicates of each other, directly or through others in between. Kept together, they could
//! not be split at all. So a series is cut into blocks, and a split keeps the photos of a block together.
//!
//! The rule, for a split of which one part in `parts` is held out (or for `parts` folds):
//!
//! 1. A group is a series of a class if it has at least [`SERIES`] photos of the class, and more than one `parts`-th of the class.
//! 2. If a class has fewer groups than the split needs, its largest groups are series too, one after the other. Groups of equal
//!    inputs are not: these are copies.
//! 3. The photos of a series are ordered by their paths, with numbers in names as numbers: the order in which they were taken,
//!    for most cameras. They are cut into as few blocks as fit into one `parts`-th of the class, at least two. The blocks'
//!    sizes differ by one photo at most.
//! 4. If the group has photos of other classes, these are cut by the same rule, or are a group of their own.
//!
//! So neighbors are on both sides of a split only at the ends of a block.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use super::{Dataset, DuplicatePhotos, natural};

/// Least number of near-duplicates that are a series: a picture is seldom saved so often.
pub const SERIES: usize = 10;

/// Photos of one class that are nearly one picture, too many to be kept together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Series {
    /// Name of the class.
    pub class: String,
    /// The photos, in the order in which they are cut into blocks.
    pub photos: Vec<PathBuf>,
    /// Number of photos of the class.
    pub of: usize,
    /// Number of blocks, at least 2.
    pub blocks: usize,
}

impl Series {
    /// Returns the pairs of near-duplicates that are not in one series, of any class: there may be thousands that are.
    pub fn without(series: &[Self], pairs: &[DuplicatePhotos]) -> Vec<DuplicatePhotos> {
        let photos: BTreeSet<&PathBuf> = series.iter().flat_map(|series| &series.photos).collect();
        let is_in = |pair: &&DuplicatePhotos| photos.contains(&pair.first) && photos.contains(&pair.second);
        pairs.iter().filter(|pair| !is_in(pair)).cloned().collect()
    }
}

/// Finds the series among a dataset's near-duplicates, for a split into `parts` equal parts of which `needed` must have a photo
/// of each class. `groups` are those of [`super::groups`]. Returns the groups with the series cut into blocks, and the series
/// by class.
///
/// # Panics
/// If the number of `groups` is not that of the examples.
pub(super) fn cut(dataset: &Dataset, groups: &[usize], parts: usize, needed: usize) -> (Vec<usize>, Vec<Series>) {
    assert_eq!(groups.len(), dataset.examples.len(), "a group for each example");
    let counts = dataset.class_counts();
    let mut members: BTreeMap<(usize, usize), Vec<usize>> = BTreeMap::new();
    for (index, &group) in groups.iter().enumerate() {
        members.entry((usize::from(dataset.examples[index].class), group)).or_default().push(index);
    }
    let mut found = Vec::new();
    for (class, &count) in counts.iter().enumerate() {
        let mut of_class: Vec<(usize, &[usize])> =
            members.range((class, 0)..(class + 1, 0)).map(|(&(_, group), members)| (group, &members[..])).collect();
        of_class.sort_by_key(|(_, members)| Reverse(members.len()));
        let mut pieces = of_class.len();
        for (group, members) in of_class {
            let is_series = members.len() >= SERIES && members.len() * parts > count;
            let is_forced = pieces < needed && !are_equal(dataset, members);
            if is_series || is_forced {
                let blocks = (members.len() * parts).div_ceil(count.max(1)).max(2).min(members.len());
                pieces += blocks - 1;
                found.push((class, group, blocks));
            }
        }
    }
    // A group that is cut for one class is cut for all. An index of an example stands for each new group.
    let mut new_groups = groups.to_vec();
    let mut series = Vec::with_capacity(found.len());
    for (&(class, group), indices) in &members {
        if !found.iter().any(|&(_, cut, _)| cut == group) {
            continue;
        }
        let blocks =
            found.iter().find(|&&(of, cut, _)| (of, cut) == (class, group)).map_or(1, |&(_, _, blocks)| blocks);
        let mut ordered = indices.clone();
        ordered.sort_by(|&a, &b| natural::compare(&dataset.examples[a].path, &dataset.examples[b].path));
        for block in 0..blocks {
            let range = block * ordered.len() / blocks..(block + 1) * ordered.len() / blocks;
            let first = ordered[range.start];
            ordered[range].iter().for_each(|&index| new_groups[index] = first);
        }
        if blocks > 1 {
            series.push(Series {
                class: dataset.classes[class].clone(),
                photos: ordered.iter().map(|&index| dataset.examples[index].path.clone()).collect(),
                of: counts[class],
                blocks,
            });
        }
    }
    (new_groups, series)
}

fn are_equal(dataset: &Dataset, members: &[usize]) -> bool {
    members.windows(2).all(|pair| dataset.examples[pair[0]].pixels == dataset.examples[pair[1]].pixels)
}

/// Returns the series that [`super::hold_out`] cuts into blocks. `groups` are those of [`super::groups`].
///
/// # Panics
/// If the number of `groups` is not that of the examples.
pub fn series(dataset: &Dataset, groups: &[usize], fraction: f32) -> Vec<Series> {
    cut(dataset, groups, parts(fraction, dataset.examples.len()), 2).1
}

/// Returns the series that [`super::folds`] cuts into blocks.
///
/// # Panics
/// If the number of `groups` is not that of the examples.
pub fn series_of_folds(dataset: &Dataset, groups: &[usize], count: usize) -> Vec<Series> {
    cut(dataset, groups, count, count).1
}

/// Returns the number of parts of this fraction, 2..=`most`.
pub(super) fn parts(fraction: f32, most: usize) -> usize {
    ((1.0 / fraction).round() as usize).clamp(2, most.max(2))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::photos::dataset::tests::dataset;

    /// Returns a dataset of different inputs.
    fn different(counts: &[usize]) -> Dataset {
        let mut dataset = dataset(counts);
        dataset.examples.iter_mut().enumerate().for_each(|(i, example)| example.pixels[0] = i as u8);
        dataset
    }

    /// Returns the photos of each new group, by their numbers within the class.
    fn pieces(dataset: &Dataset, groups: &[usize]) -> Vec<Vec<String>> {
        let mut pieces: BTreeMap<usize, Vec<String>> = BTreeMap::new();
        for (example, &group) in dataset.examples.iter().zip(groups) {
            pieces.entry(group).or_default().push(example.path.to_str().unwrap().to_owned());
        }
        pieces.into_values().collect()
    }

    #[test]
    fn a_class_of_one_view_is_cut_into_blocks_of_neighbors_in_natural_order() {
        let all = different(&[12, 3]);
        let (groups, series) = cut(&all, &[[0; 12].as_slice(), &[12, 13, 14]].concat(), 5, 2);
        // By names as text, 10 and 11 would come after 1.
        let blocks =
            [&["0/0", "0/1"][..], &["0/2", "0/3"], &["0/4", "0/5", "0/6"], &["0/7", "0/8"], &["0/9", "0/10", "0/11"]];
        let found = pieces(&all, &groups);
        assert_eq!(found[..5], blocks);
        assert_eq!(found[5..], [["1/0"], ["1/1"], ["1/2"]]);
        let [only] = &series[..] else { panic!("{series:?}") };
        assert_eq!((&only.class[..], only.photos.len(), only.of, only.blocks), ("0", 12, 12, 5));
        assert!(only.photos.is_sorted_by(|a, b| natural::compare(a, b).is_lt()));
    }

    #[test]
    fn copies_and_small_shares_of_a_class_stay_together() {
        // Nine photos are copies, even if they are most of the class; ten are a series only beyond the share of a part.
        for (counts, size, is_cut) in
            [([12, 3], 9, false), ([12, 3], 10, true), ([50, 3], 10, false), ([49, 3], 10, true)]
        {
            let all = different(&counts);
            let groups: Vec<usize> = (0..all.examples.len()).map(|i| if i < size { 0 } else { i }).collect();
            let (new, series) = cut(&all, &groups, 5, 2);
            assert_eq!((new != groups, !series.is_empty()), (is_cut, is_cut), "{size} of {counts:?}");
        }
        // A block is no larger than the part that is held out, here 8 of 40 photos.
        let all = different(&[40, 2]);
        let groups: Vec<usize> = (0..42).map(|i| if i < 17 { 0 } else { i }).collect();
        assert_eq!(cut(&all, &groups, 5, 2).1[0].blocks, 3);
    }

    #[test]
    fn few_groups_are_cut_unless_they_are_equal() {
        let all = different(&[3, 4]);
        let groups = [0, 0, 0, 3, 3, 5, 5];
        let (new, series) = cut(&all, &groups, 5, 2);
        assert_eq!((new, series.len()), (vec![0, 1, 2, 3, 3, 5, 5], 1));
        // For three folds, one of the second class's two groups is cut.
        assert_eq!(cut(&all, &groups, 3, 3).0, [0, 1, 2, 3, 4, 5, 5]);
        assert_eq!(cut(&dataset(&[3, 4]), &groups, 5, 2), (groups.to_vec(), vec![]));
    }

    #[test]
    fn a_series_of_two_classes_is_cut_in_each() {
        let all = different(&[20, 20, 1]);
        let (new, series) = cut(&all, &[[0; 40].as_slice(), &[0]].concat(), 5, 1);
        assert_eq!(
            series.iter().map(|series| (&series.class[..], series.blocks)).collect::<Vec<_>>(),
            [("0", 5), ("1", 5)]
        );
        let found = pieces(&all, &new);
        assert_eq!(found.len(), 11);
        assert!(found.iter().all(|piece| piece.iter().all(|path| path[..1] == piece[0][..1])), "{found:?}");
    }
}
