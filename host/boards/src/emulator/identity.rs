//! Is it the started board that answers?

use pinhole_shared::link::Identity;

/// Compares an identity with the started firmware, an ELF file, and with the checksum of its model. `None` is for a flash that cannot
/// have a model, which no board runs.
///
/// A firmware has its own name for its board, which the board's declaration does not repeat. So the name that answers must be one
/// that this firmware contains.
///
/// # Errors
/// The reason, in words.
pub(super) fn check(identity: &Identity, elf: &[u8], checksum: Option<u32>) -> Result<(), String> {
    let name = identity.board.as_bytes();
    if name.is_empty() || !elf.windows(name.len()).any(|window| window == name) {
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
    use pinhole_core::choice::Choice as _;
    use pinhole_shared::link::PROTOCOL;

    use super::*;
    use crate::board::{Board, Emulated};
    use crate::firmware::Firmware;

    fn identity(board: &str, model_checksum: u32) -> Identity {
        Identity {
            protocol: PROTOCOL,
            board: board.try_into().unwrap(),
            kernel: "dsp".try_into().unwrap(),
            pipeline: 1,
            model_checksum,
            model_bytes: 100,
            input_height: 8,
            input_width: 8,
            classes: 2,
        }
    }

    #[test]
    fn only_the_started_board_with_its_model_is_accepted() {
        let elf = b"\x7fELF .. qemu-one ..";
        check(&identity("qemu-one", 7), elf, Some(7)).unwrap();
        let refused = |identity: &Identity, checksum| check(identity, elf, checksum).unwrap_err();
        assert!(refused(&identity("qemu-two", 7), Some(7)).contains("qemu-two"));
        assert!(refused(&identity("", 7), Some(7)).contains("names"));
        assert!(refused(&identity("qemu-one", 8), Some(7)).contains("00000008"));
        assert!(refused(&identity("qemu-one", 8), None).contains("none"));
    }

    /// The emulated boards do not pass for each other.
    #[test]
    fn boards_are_told_apart() {
        let names = [
            (Board::Qemu, "qemu-mps2-an386"),
            (Board::QemuM0plus, "qemu-thumbv6m"),
            (Board::QemuM33, "qemu-mps2-an505"),
        ];
        for Emulated(board) in Emulated::ALL {
            let firmware = Firmware::prebuilt(*board).unwrap();
            for (other, name) in names {
                let is_accepted = check(&identity(name, 7), firmware.elf(), Some(7)).is_ok();
                assert_eq!(is_accepted, other == *board, "{name} on {board:?}");
            }
        }
    }
}
