//! Checks that files for other tools flash the bytes that a debug probe would write.
//!
//! Each format is read back by an independent reader: UF2 by `uf2-decode` and by a boot ROM stricter than the RP2040's,
//! Intel HEX by `ihex`, ELF by `object`. Raw binary files need none.

use std::collections::BTreeMap;
use std::path::Path;

use crc::{CRC_32_MPEG_2, Crc};
use ihex::{Reader, Record};
use object::{Object as _, ObjectSection as _, ObjectSegment as _};
use pinhole::board::{Board, Uf2Drive};
use pinhole::device::InferenceDevice as _;
use pinhole::firmware::{Firmware, FirmwareError, FlashImage, packed_for};
use pinhole::flash_file::{FlashFile, FlashFileError, FlashFileFormat, encode};
use pinhole::model_file::PackedModel;
use pinhole::probe::{Attachment, Unlock, connect, loader};
use pinhole::runs;
use pinhole_shared::model::Model;
use pinhole_tests::virtual_board::{self, VirtualBoard};
use pinhole_tests::{Ran, bundled_model, files_in, pinhole, temporary};

/// Memory contents by address.
type Memory = BTreeMap<u32, u8>;

fn model_for(board: Board) -> PackedModel {
    let trained = runs::open("drawn".as_ref()).unwrap();
    packed_for(board, &trained.model, &trained.model_path).unwrap()
}

/// Returns the images of every board, with its firmware and without.
fn images() -> impl Iterator<Item = (FlashImage, Option<Firmware>)> {
    let with_and_without = |board| [Some(Firmware::of(board).unwrap()), None].map(|firmware| (board, firmware));
    Board::ALL
        .into_iter()
        .flat_map(with_and_without)
        .map(|(board, firmware)| (FlashImage::new(board, firmware.as_ref(), &model_for(board)).unwrap(), firmware))
}

fn formats(board: Board) -> impl Iterator<Item = FlashFileFormat> {
    FlashFileFormat::ALL.into_iter().filter(move |format| format.suits(board))
}

fn place(memory: &mut Memory, address: u32, bytes: &[u8]) {
    for (address, &byte) in (address..).zip(bytes) {
        assert!(memory.insert(address, byte).is_none(), "{address:#010x} is written twice");
    }
}

/// Reads a file and returns the memory contents.
fn read(file: &[u8], format: FlashFileFormat, image: &FlashImage) -> Result<Memory, String> {
    match format {
        FlashFileFormat::Uf2 => read_uf2(file, image.board.uf2_loader().unwrap()),
        FlashFileFormat::Hex => read_hex(file),
        FlashFileFormat::Bin => {
            let mut memory = Memory::new();
            place(&mut memory, image.parts[0].address, file);
            Ok(memory)
        }
        FlashFileFormat::Elf => read_elf(file),
    }
}

/// The RP2040's boot ROM, as in its data sheet (2.8.4.2), but stricter. It refuses blocks of other families, which the
/// chip ignores, and partial sectors, which the chip may write wrongly (RP2040-E14).
fn read_uf2(file: &[u8], loader: Uf2Drive) -> Result<Memory, String> {
    if file.is_empty() || !file.len().is_multiple_of(512) {
        return Err("not a number of blocks".to_owned());
    }
    let mut memory = Memory::new();
    let (mut sectors, count) = (BTreeMap::<u32, usize>::new(), file.len() / 512);
    for (number, block) in file.chunks(512).enumerate() {
        let word = |at: usize| u32::from_le_bytes(block[at..at + 4].try_into().unwrap());
        if [word(0), word(4), word(508)] != [0x0A32_4655, 0x9E5D_5157, 0x0AB1_6F30] {
            return Err(format!("block {number} has no magic numbers"));
        }
        if [word(8), word(16), word(28)] != [0x2000, 256, loader.family] {
            return Err(format!("block {number} is not for this chip"));
        }
        if [word(20) as usize, word(24) as usize] != [number, count] {
            return Err(format!("block {number} of {count} says that it is {} of {}", word(20), word(24)));
        }
        let address = word(12);
        if !address.is_multiple_of(256) || !(0x1000_0000..0x1100_0000).contains(&address) {
            return Err(format!("block {number} is for {address:#x}, which is no page of flash"));
        }
        place(&mut memory, address, &block[32..32 + 256]);
        *sectors.entry(address - address % loader.sector_bytes).or_default() += 256;
    }
    match sectors.iter().find(|&(_, &bytes)| bytes != loader.sector_bytes as usize) {
        Some((sector, bytes)) => Err(format!("of the sector at {sector:#x} there are {bytes} bytes")),
        None => Ok(memory),
    }
}

fn read_hex(file: &[u8]) -> Result<Memory, String> {
    let text = std::str::from_utf8(file).map_err(|error| error.to_string())?;
    let (mut memory, mut upper, mut ended) = (Memory::new(), 0, false);
    for record in Reader::new(text) {
        match record.map_err(|error| error.to_string())? {
            Record::ExtendedLinearAddress(half) => upper = u32::from(half) << 16,
            Record::Data { offset, value } => {
                assert!(usize::from(offset) + value.len() <= 0x1_0000, "a line crosses a 64 kB boundary");
                place(&mut memory, upper + u32::from(offset), &value);
            }
            Record::EndOfFile => ended = true,
            _ => {}
        }
    }
    if ended { Ok(memory) } else { Err("no end".to_owned()) }
}

fn read_elf(file: &[u8]) -> Result<Memory, String> {
    use object::read::elf::{ElfFile32, ProgramHeader as _};
    let elf = ElfFile32::<object::LittleEndian>::parse(file).map_err(|error| error.to_string())?;
    let mut memory = Memory::new();
    for segment in elf.segments() {
        let data = segment.data().map_err(|error| error.to_string())?;
        place(&mut memory, segment.elf_program_header().p_paddr(object::LittleEndian), data);
    }
    // Section addresses, which some tools use, must match the flashed segments.
    for section in elf.sections().filter(|section| section.name() == Ok(".pinhole_model")) {
        let data = section.data().map_err(|error| error.to_string())?;
        for (address, byte) in (section.address() as u32..).zip(data) {
            assert_eq!(memory.get(&address), Some(byte), "section and segment differ at {address:#010x}");
        }
    }
    Ok(memory)
}

#[test]
fn every_file_is_what_a_probe_would_write() {
    let bench = virtual_board::bench();
    let mut files = 0;
    for (image, firmware) in images() {
        let board = image.board;
        let mut expected = Memory::new();
        for part in &image.parts {
            place(&mut expected, part.address, &part.bytes);
        }
        if board.chip().is_some() {
            let mut probe = Memory::new();
            for (address, bytes) in loader(&image, &bench).unwrap().data() {
                place(&mut probe, u32::try_from(address).unwrap(), bytes);
            }
            assert!(probe == expected, "{board:?}");
        }
        for format in formats(board) {
            let about = format!("{board:?}, {format:?}, firmware: {}", firmware.is_some());
            let file = encode(&image, firmware.as_ref(), format).unwrap();
            let mut found = read(&file.bytes, format, &image).unwrap_or_else(|error| panic!("{about}: {error}"));
            let addresses: usize = file.ranges.iter().map(ExactSizeIterator::len).sum();
            assert_eq!(found.len(), addresses, "{about}");
            assert!(file.ranges.iter().all(|range| found.contains_key(&range.start)), "{about}");
            for (address, byte) in &expected {
                assert_eq!(found.remove(address), Some(*byte), "{about}: {address:#010x}");
            }
            assert!(found.values().all(|&byte| byte == 0xFF), "{about}: filling is erased flash");
            let fills = matches!(format, FlashFileFormat::Uf2 | FlashFileFormat::Bin);
            assert!(fills || found.is_empty(), "{about}: no filling");
            assert_eq!(file, encode(&image, firmware.as_ref(), format).unwrap(), "{about}: the same again");
            files += 1;
        }
    }
    // Three formats for eight boards, UF2 for two of them; each with firmware and without.
    assert_eq!(files, 2 * (8 * 3 + 2));
}

/// A reader without knowledge of the chips.
#[test]
fn uf2_is_read_by_others() {
    for (image, firmware) in images() {
        let family = match image.board {
            Board::Pico => 0xE48B_FF56,
            Board::Pico2 => 0xE48B_FF59,
            _ => continue,
        };
        let file = encode(&image, firmware.as_ref(), FlashFileFormat::Uf2).unwrap();
        let (bytes, families) = uf2_decode::convert_from_uf2(&file.bytes).unwrap();
        let start = file.ranges[0].start;
        assert_eq!(families.into_iter().collect::<Vec<_>>(), [(family, u64::from(start))]);
        for part in &image.parts {
            let at = (part.address - start) as usize;
            assert!(bytes[at..at + part.bytes.len()] == part.bytes, "{} at {:#x}", part.what, part.address);
        }
    }
}

#[test]
fn an_elf_file_keeps_what_the_firmware_has() {
    for board in Board::ALL {
        let firmware = Firmware::of(board).unwrap();
        let image = FlashImage::new(board, Some(&firmware), &model_for(board)).unwrap();
        let with_model = encode(&image, Some(&firmware), FlashFileFormat::Elf).unwrap().bytes;
        let (before, after) =
            (object::File::parse(firmware.elf()).unwrap(), object::File::parse(&*with_model).unwrap());
        assert_eq!(before.entry(), after.entry());
        assert_eq!(before.symbols().count(), after.symbols().count());
        let sections = |file: &object::File<'_>| -> Vec<(String, u64, Vec<u8>)> {
            let whole = file.sections().filter(|section| section.name() != Ok(".shstrtab"));
            whole.map(|part| (part.name().unwrap().to_owned(), part.address(), part.data().unwrap().to_vec())).collect()
        };
        let (before, mut after) = (sections(&before), sections(&after));
        let (name, address, _) = after.pop().unwrap();
        assert_eq!((name.as_str(), address), (".pinhole_model", u64::from(board.declaration().model.origin)));
        assert!(before == after, "{board:?}");
    }
}

#[test]
fn damaged_files_are_refused_by_their_readers() {
    for (image, firmware) in images().filter(|(image, _)| image.board == Board::Pico) {
        for format in formats(image.board) {
            let FlashFile { bytes, ranges, .. } = encode(&image, firmware.as_ref(), format).unwrap();
            for cut in [2, 100, 512, bytes.len() / 2, bytes.len()] {
                let rest = &bytes[..bytes.len() - cut];
                if format == FlashFileFormat::Bin {
                    // A raw file has no length, but the model does.
                    let at = (image.board.declaration().model.origin - ranges[0].start) as usize;
                    assert!(Model::parse(&bytes[at..]).is_ok());
                    assert!(rest.get(at..).is_none_or(|model| Model::parse(model).is_err()), "{cut} bytes are missing");
                    continue;
                }
                let read = read(rest, format, &image);
                assert!(read.is_err(), "{format:?}, {cut} bytes are missing");
            }
        }
    }
}

/// The second stage's checksum at the boot ROM's address; without it the chip does not start. RP2040 Datasheet,
/// 2.8.1.3.1: CRC-32 with the polynomial 0x04C11DB7, from all ones, not reflected, not inverted.
#[test]
fn the_picos_image_starts() {
    let firmware = Firmware::of(Board::Pico).unwrap();
    let image = FlashImage::new(Board::Pico, Some(&firmware), &model_for(Board::Pico)).unwrap();
    let file = encode(&image, Some(&firmware), FlashFileFormat::Uf2).unwrap();
    let memory = read(&file.bytes, FlashFileFormat::Uf2, &image).unwrap();
    let stage: Vec<u8> = memory.range(0x1000_0000..0x1000_0100).map(|(_, &byte)| byte).collect();
    assert_eq!(stage.len(), 256);
    let checksum = Crc::<u32>::new(&CRC_32_MPEG_2).checksum(&stage[..252]);
    assert_eq!(stage[252..], checksum.to_le_bytes());
    // The vector table after it: a stack in RAM, and code in flash.
    let word = |at: u32| u32::from_le_bytes([0, 1, 2, 3].map(|byte| memory[&(at + byte)]));
    let declared = Board::Pico.declaration();
    let (stack, reset) = (u64::from(word(0x1000_0100)), word(0x1000_0104));
    assert!(declared.ram.addresses().start < stack && stack <= declared.ram.addresses().end, "{stack:#x}");
    assert!(declared.flash.addresses().contains(&u64::from(reset)) && reset % 2 == 1, "{reset:#x}");
    assert_eq!(reset, firmware.entry().unwrap());
}

/// The boot ROM starts an image with a vector table, and after it the definition of a program for Arm in secure state.
/// RP2350 Datasheet, 5.9 (blocks and image definitions).
#[test]
fn the_pico_2s_image_starts() {
    let firmware = Firmware::of(Board::Pico2).unwrap();
    let image = FlashImage::new(Board::Pico2, Some(&firmware), &model_for(Board::Pico2)).unwrap();
    let file = encode(&image, Some(&firmware), FlashFileFormat::Uf2).unwrap();
    let memory = read(&file.bytes, FlashFileFormat::Uf2, &image).unwrap();
    let word = |at: u32| u32::from_le_bytes([0, 1, 2, 3].map(|byte| memory[&(at + byte)]));
    let declared = Board::Pico2.declaration();
    let start = declared.flash.origin;
    let (stack, reset) = (u64::from(word(start)), word(start + 4));
    assert!(declared.ram.addresses().start < stack && stack <= declared.ram.addresses().end, "{stack:#x}");
    assert!(declared.flash.addresses().contains(&u64::from(reset)) && reset % 2 == 1, "{reset:#x}");
    assert_eq!(reset, firmware.entry().unwrap());
    // The block's start, one item (an executable image for Arm in secure state on the RP2350), the list's end with its length in
    // words, no other block, and the block's end.
    let block = [0xFFFF_DED3, 0x1021_0142, 0x0000_01FF, 0, 0xAB12_3579];
    let found: Vec<u32> = (start..start + 4096)
        .step_by(4)
        .filter(|&at| (0..5).all(|index| word(at + 4 * index) == block[index as usize]))
        .collect();
    assert_eq!(found.len(), 1, "{found:x?}");
}

#[test]
fn what_is_not_in_flash_is_refused() {
    let image = FlashImage::new(Board::Pico, None, &model_for(Board::Pico)).unwrap();
    for format in FlashFileFormat::ALL {
        for address in [0x0FFF_FF00, 0x101F_FFF0, 0x2000_0000, 0xFFFF_FFF0] {
            let mut image = image.clone();
            image.parts[0].address = address;
            let error = encode(&image, None, format).unwrap_err();
            let FlashFileError::Firmware(FirmwareError::Outside { what: "model", address: told, .. }) = error else {
                panic!("{error:?}")
            };
            assert_eq!(told, address);
        }
    }
}

/// QEMU's loader as another reader, and the firmware's own report of the model.
#[test]
fn a_board_runs_what_is_in_the_file() {
    let temp = temporary();
    let board = Board::QemuProbed;
    let (firmware, model) = (Firmware::of(board).unwrap(), model_for(board));
    let image = FlashImage::new(board, Some(&firmware), &model).unwrap();
    for format in formats(board) {
        let path = temp.path().join("out").with_extension(format.ending());
        let file = encode(&image, Some(&firmware), format).unwrap();
        std::fs::write(&path, &file.bytes).unwrap();
        let board = VirtualBoard::with_file(&path);
        for part in &image.parts {
            let mut found = vec![0; part.bytes.len()];
            board.read(part.address, &mut found);
            assert!(found == part.bytes, "{format:?}: {} at {:#x} differs", part.what, part.address);
        }
        let attachment = Attachment::new(&board.bench(), image.board, None, Unlock::No).unwrap();
        let device = connect(attachment, &firmware, |_| ()).unwrap();
        assert_eq!(device.identity().model_checksum, model.model().checksum(), "{format:?}");
    }
}

fn flash(board: &str, arguments: &[&str]) -> Ran {
    let model = bundled_model();
    let all = ["flash", model.to_str().unwrap(), "--board", board].into_iter().chain(arguments.iter().copied());
    Ran::of(&mut pinhole(all))
}

fn refused(ran: &Ran, code: i32, words: &[&str]) {
    assert_eq!(ran.code, Some(code), "{}\n{}", ran.stdout, ran.stderr);
    for words in words {
        assert!(ran.stderr.contains(words), "no {words:?} in:\n{}", ran.stderr);
    }
}

#[test]
fn the_command_writes_each_format() {
    let temp = temporary();
    let path = |name: &str| temp.path().join(name).to_str().unwrap().to_owned();
    for (image, firmware) in images().filter(|(image, _)| !image.board.is_test_equipment()) {
        for format in formats(image.board) {
            let file = encode(&image, firmware.as_ref(), format).unwrap();
            let out = path(&format!("out.{}", format.ending()));
            let mut arguments = vec!["--out", &out, "--json"];
            arguments.extend(firmware.is_none().then_some("--model-only"));
            // Over the previous file, of another board or with firmware.
            let told = flash(image.board.name(), &arguments).ok().json();
            assert!(std::fs::read(&out).unwrap() == file.bytes, "{:?}, {format:?}", image.board);
            let told = &told["file"];
            assert_eq!(told["path"], out);
            assert_eq!(told["format"], format.ending());
            assert_eq!(told["bytes"], file.bytes.len());
            assert_eq!(told["sha256"], file.sha256());
            assert_eq!(told["written"], true);
            assert_eq!(told["ranges"], serde_json::to_value(&file.ranges).unwrap());
        }
    }
    // No temporary file is left.
    assert_eq!(files_in(temp.path()).len(), 4);
}

#[test]
fn the_command_says_what_to_do_with_the_file() {
    let temp = temporary();
    let path = |name: &str| temp.path().join(name).to_str().unwrap().to_owned();
    let uf2 = path("out.UF2");
    let told = flash("pico", &["--file", &uf2]).ok();
    let last = format!(
        "to flash it, hold down the button BOOTSEL while you plug the board in, and drag {uf2} onto the drive RPI-RP2"
    );
    assert_eq!(told.last_line(), last);
    assert!(told.stdout.contains("pico (RP2040)") && told.stdout.contains("0x10000000..0x10"), "{}", told.stdout);
    let told = flash("pico", &["--out", &path("out.uf2"), "--model-only"]).ok();
    assert!(told.last_line().contains("Pinhole's firmware must be on the board already"), "{}", told.stdout);
    let told = flash("nucleo-f446re", &["--out", &path("out.bin")]).ok();
    assert!(told.last_line().contains("the address 0x08000000"), "{}", told.stdout);
    let told = flash("nucleo-f446re", &["--out", &path("model.bin"), "--model-only"]).ok();
    assert!(told.stdout.contains("the address 0x08010000"), "{}", told.stdout);
    let told = flash("qemu", &["--out", &path("out.hex")]).ok();
    assert!(told.last_line().contains("the addresses are in the file"), "{}", told.stdout);
}

#[test]
fn a_dry_run_writes_nothing() {
    let temp = temporary();
    let out = temp.path().join("out.uf2");
    let told = flash("pico", &["--out", out.to_str().unwrap(), "--dry-run"]).ok();
    assert!(
        told.stdout.contains("out.uf2: UF2, ") && told.last_line().contains("nothing was written"),
        "{}",
        told.stdout
    );
    let told = flash("pico", &["--out", out.to_str().unwrap(), "--dry-run", "--json"]).ok().json();
    assert_eq!(told["file"]["written"], false);
    assert!(files_in(temp.path()).is_empty());
}

#[test]
fn what_cannot_be_written_is_refused() {
    let temp = temporary();
    let path = |name: &str| temp.path().join(name).to_str().unwrap().to_owned();
    for name in ["out", "out.txt", "out.uf", ".hex"] {
        let out = path(name);
        refused(&flash("pico", &["--out", &out]), 1, &[&out, ".uf2", ".hex", ".bin", ".elf"]);
    }
    let out = path("out.uf2");
    for board in Board::ALL.into_iter().filter(|board| board.uf2_loader().is_none()) {
        let ran = flash(board.name(), &["--out", &out]);
        refused(&ran, 1, &[board.name(), "takes no .uf2 file", "write .hex, .bin or .elf"]);
    }
    for other in [["--probe", "2e8a:000c"].as_slice(), &["--unlock"], &["--log"]] {
        let arguments: Vec<&str> = ["--out", &out].into_iter().chain(other.iter().copied()).collect();
        refused(&flash("pico", &arguments), 2, &["cannot be used with", other[0]]);
    }
    let below = path("no/such/folder/out.uf2");
    refused(&flash("pico", &["--out", &below]), 1, &[&below, "cannot be written"]);
    refused(&flash("qemu", &[]), 1, &["no chip that a debug probe reaches", "flash --out"]);
    assert!(files_in(temp.path()).is_empty());
}

/// Files are kept even if only the extension is wrong, and even files of this command.
#[test]
fn other_files_are_kept() {
    let temp = temporary();
    let write = |path: &Path, bytes: &[u8]| std::fs::write(path, bytes).unwrap();
    let hex = temp.path().join("precious.hex");
    flash("pico", &["--out", hex.to_str().unwrap()]).ok();
    let precious = std::fs::read(&hex).unwrap();
    for format in FlashFileFormat::ALL.into_iter().filter(|&format| format != FlashFileFormat::Hex) {
        for dry_run in [["--dry-run"].as_slice(), &[]] {
            let out = temp.path().join("precious").with_extension(format.ending());
            write(&out, &precious);
            let arguments = [&["--out", out.to_str().unwrap()], dry_run].concat();
            refused(&flash("pico", &arguments), 1, &[out.to_str().unwrap(), "it is kept", "give another --out"]);
            assert!(std::fs::read(&out).unwrap() == precious);
        }
    }
    write(&hex, b"deadbeef");
    refused(&flash("pico", &["--out", hex.to_str().unwrap()]), 1, &["it is kept"]);
    // An empty file has nothing to keep.
    write(&hex, b"");
    flash("pico", &["--out", hex.to_str().unwrap()]).ok();
    assert!(std::fs::read(&hex).unwrap() == precious);
}
