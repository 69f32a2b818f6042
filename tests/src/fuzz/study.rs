//! Any bytes as the files of a study. An accepted study gives a report without scripts, and nothing outside of its folder.

use std::path::Path;

use pinhole::study::{self, StudyFolder, StudyPlan, files};

/// Separator of the three files in one case: plan, the first trial's record, showcase. Missing ones are empty.
pub const SEPARATOR: &[u8] = b"\n==\n";

/// Reads the bytes as a study of one training. Returns true if a report is made of it.
///
/// # Panics
/// If the report has a script, or if a file is written outside of the folder.
pub fn case(data: &[u8]) -> bool {
    let above = tempfile::tempdir().expect("a temporary folder");
    let folder = above.path().join("study");
    std::fs::create_dir_all(folder.join(files::TRIALS)).expect("a temporary folder");
    let mut parts = split(data);
    let plan_bytes = parts.next().unwrap_or_default();
    write(&folder.join(files::PLAN), plan_bytes);
    let Ok((store, plan)) = StudyFolder::open(&folder) else { return false };
    let trials = plan.trials();
    for (trial, record) in trials.iter().zip(parts.by_ref()) {
        write(&folder.join(files::TRIALS).join(format!("{}.json", plan.trial_name(*trial))), record);
        if trials.len() > 1 {
            break;
        }
    }
    write(&folder.join(files::SHOWCASE), parts.next().unwrap_or_default());
    let finished = study::finish(&plan, &store).is_ok();
    if finished {
        let page = std::fs::read_to_string(folder.join(files::REPORT)).expect("the report was written");
        assert!(!page.contains("<script") && !page.contains("src=\"http"), "a script or an address in the report");
        assert_whole(&plan);
    }
    let names = std::fs::read_dir(above.path()).expect("a temporary folder").count();
    assert_eq!(names, 1, "a file outside of the study's folder");
    finished
}

fn assert_whole(plan: &StudyPlan) {
    assert!(plan.largest_share() <= 1.0 && plan.guess_loss().is_finite());
}

fn split(data: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = Some(data);
    std::iter::from_fn(move || {
        let data = rest?;
        let found = data.windows(SEPARATOR.len()).position(|bytes| bytes == SEPARATOR);
        rest = found.map(|place| &data[place + SEPARATOR.len()..]);
        Some(found.map_or(data, |place| &data[..place]))
    })
}

fn write(path: &Path, bytes: &[u8]) {
    std::fs::write(path, bytes).expect("a small file can be written");
}
