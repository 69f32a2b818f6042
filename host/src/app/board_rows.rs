//! Memory and time of a model on every board, for its report.

use pinhole_boards::board::Board;
use pinhole_boards::budget::predict::predict;
use pinhole_boards::budget::{FirmwareSize, Requirements, Shortfalls, shortfalls};
use pinhole_boards::firmware::Firmware;
use pinhole_core::model_file::ModelFile;
use pinhole_lab::report::BoardRow;

/// Returns a row for every board that users may have; boards whose firmware cannot be read have none. Nothing is run.
pub(super) fn board_rows(model: &ModelFile) -> Vec<BoardRow> {
    Board::ALL.into_iter().filter(|board| !board.is_test_equipment()).filter_map(|board| row(model, board)).collect()
}

fn row(model: &ModelFile, board: Board) -> Option<BoardRow> {
    let declared = board.declaration();
    let FirmwareSize { code_bytes, static_ram_bytes, .. } = Firmware::of(board).ok()?.size();
    let packed = model.packed(board.packing());
    // A model that cannot be packed for a kernel does not fit its boards.
    let (needs, lacks, time_ms) = match &packed {
        Ok(packed) => {
            let model = packed.model();
            let needs = Requirements::of(&model);
            let lacks = shortfalls(&model, declared);
            let lacks = (!lacks.is_empty()).then(|| Shortfalls(lacks).to_string());
            let time = predict(&model, declared.core).map(|work| work.time_ms(declared.clock_hz));
            (needs.flash_bytes as u64, lacks, time)
        }
        Err(reason) => (model.bytes().len() as u64, Some(reason.to_string()), None),
    };
    Some(BoardRow {
        name: board.name().to_owned(),
        core: format!(
            "{} at {} MHz{}",
            declared.core.name(),
            f64::from(declared.clock_hz) / 1e6,
            if board.is_emulated() { ", emulated" } else { "" }
        ),
        model_flash: (needs, u64::from(declared.model.bytes)),
        code_flash: (code_bytes, u64::from(declared.budget.code_bytes)),
        ram: (static_ram_bytes, u64::from(declared.budget.static_ram_bytes)),
        time_ms,
        lacks,
    })
}

#[cfg(test)]
mod tests {
    use pinhole_train::runs::bundled;

    use super::*;

    #[test]
    fn every_board_has_a_row_and_the_bundled_model_fits() {
        let rows = board_rows(&bundled::default_model().model);
        let boards = Board::ALL.into_iter().filter(|board| !board.is_test_equipment());
        assert_eq!(
            rows.iter().map(|row| row.name.as_str()).collect::<Vec<_>>(),
            boards.map(Board::name).collect::<Vec<_>>()
        );
        for row in &rows {
            assert_eq!(row.lacks, None, "{}", row.name);
            assert!(row.time_ms.is_some_and(|time| time > 0.0), "{}", row.name);
            for (used, available) in [row.model_flash, row.code_flash, row.ram] {
                assert!(0 < used && used <= available, "{row:?}");
            }
        }
    }
}
