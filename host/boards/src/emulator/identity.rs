//! Is it the started board that answers?

use pinhole_shared::link::Identity;

use crate::board::Board;

/// Compares an identity with the board that was started, and with the checksum of its model. `None` is for a flash without a model,
/// which no board runs.
///
/// # Errors
/// The reason, in words.
pub(super) fn check(identity: &Identity, board: Board, checksum: Option<u32>) -> Result<(), String> {
    if identity.board.as_str() != board.name() {
        return Err(format!("it names the board {:?}", identity.board.as_str()));
    }
    match checksum {
        Some(checksum) if checksum == identity.model_checksum => Ok(()),
        Some(checksum) => {
            Err(format!("its model's checksum is {:08x}, and not {checksum:08x}", identity.model_checksum))
        }
        None => Err("it has a model, and the file for its flash is none".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use pinhole_shared::link::PROTOCOL;

    use super::*;

    #[test]
    fn only_the_started_board_with_its_model_is_accepted() {
        let identity = |board: &str, model_checksum| Identity {
            protocol: PROTOCOL,
            board: board.try_into().unwrap(),
            kernel: "dsp".try_into().unwrap(),
            pipeline: 1,
            model_checksum,
            model_bytes: 100,
            input_height: 8,
            input_width: 8,
            classes: 2,
        };
        let board = Board::Qemu;
        check(&identity("qemu", 7), board, Some(7)).unwrap();
        let refused = |identity: &Identity, checksum| check(identity, board, checksum).unwrap_err();
        assert!(refused(&identity("qemu-m0plus", 7), Some(7)).contains("qemu-m0plus"));
        assert!(refused(&identity("qemu", 8), Some(7)).contains("00000008"));
        assert!(refused(&identity("qemu", 8), None).contains("no"));
    }
}
