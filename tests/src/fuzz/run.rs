//! Any bytes as the summary of a run, and as its metrics: accepted ones are written and read back equal.

use pinhole::runs::{self, files};

/// Reads the bytes as a run's files. Returns true if they are accepted as one of them.
///
/// # Panics
/// If what is accepted is something else when it is written and read back.
pub fn case(data: &[u8]) -> bool {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join(files::SUMMARY);
    std::fs::write(&path, data).expect("a small file can be written");
    let summary = runs::summary(folder.path());
    if let Some(summary) = &summary {
        let written = runs::summary_bytes(summary);
        std::fs::write(&path, &written).expect("a small file can be written");
        let again = runs::summary(folder.path()).expect("what was written is read");
        assert_eq!(runs::summary_bytes(&again), written);
        // None of these may panic.
        let _ = (summary.class_from(), runs::open(folder.path()).is_ok());
    }
    let epochs = runs::metrics_of(data);
    if let Some(epochs) = epochs.as_ref().filter(|epochs| !epochs.is_empty()) {
        let written = runs::metrics_csv(epochs);
        let again = runs::metrics_of(&written).expect("what was written is read");
        assert_eq!(runs::metrics_csv(&again), written);
    }
    summary.is_some() || epochs.is_some()
}
