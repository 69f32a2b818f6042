//! Any bytes as a TensorFlow Lite file: a model or an error. An accepted model runs, and if it can be exported, the exported file
//! is accepted too.

use pinhole::export::{Format, export};
use pinhole::import::import_bytes;
use pinhole::model_file::ModelFile;

/// Reads the bytes as a TensorFlow Lite file. Returns true if it is accepted.
///
/// # Panics
/// If an accepted model does not run, or is exported as a file that is refused.
pub fn case(data: &[u8]) -> bool {
    let Ok(model) = import_bytes(data, None) else { return false };
    run(&model);
    if let Ok(file) = export(&model, Format::Tflite, None, &[]) {
        let again = import_bytes(&file, None).expect("an exported file is accepted");
        assert_eq!(again.model().classes(), model.model().classes());
    }
    true
}

/// Most elementary operations, and most inputs, of a model that is run.
const MAX_WORK: u32 = 1 << 20;

fn run(model: &ModelFile) {
    let parsed = model.model();
    if parsed.operations() > MAX_WORK || parsed.inputs() > MAX_WORK as usize {
        return;
    }
    let mut engine = model.engine();
    for level in [0, 255, 100] {
        let decision = engine.run(&vec![level; parsed.inputs()]);
        assert!(decision.class < parsed.classes());
    }
}
