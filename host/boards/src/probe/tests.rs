use std::path::Path;

use pinhole_core::data;
use pinhole_core::model_file::ModelFile;
use pinhole_declaration::Region;
use probe_rs::config::{MemoryRegion, Registry, Target};

use super::*;
use crate::board::{Board, ProbedChip};
use crate::firmware::FlashImage;

fn real_boards() -> impl Iterator<Item = (Board, ProbedChip, Target)> {
    let registry = Registry::from_builtin_families();
    Board::ALL.into_iter().filter(|board| !board.is_test_equipment()).filter_map(move |board| {
        let chip = board.chip()?;
        Some((board, chip, registry.get_target_by_name(chip.name).unwrap()))
    })
}

/// Returns the first and last address, exclusive, of the sector that contains an address. It is erased as a whole.
fn sector(target: &Target, address: u64) -> (u64, u64) {
    let flash = target.flash_algorithms.iter().map(|algorithm| &algorithm.flash_properties);
    let flash = flash.filter(|flash| flash.address_range.contains(&address)).min_by_key(|flash| {
        // The main flash: some chips have other algorithms that also reach it.
        flash.address_range.end - flash.address_range.start
    });
    let flash = flash.unwrap();
    let base = flash.address_range.start;
    let group = flash.sectors.iter().rfind(|group| base + group.address <= address).unwrap();
    let start = base + group.address + (address - base - group.address) / group.size * group.size;
    (start, start + group.size)
}

#[test]
fn firmware_and_model_are_erased_apart() {
    let mut boards = 0;
    for (board, _, target) in real_boards() {
        let declared = board.declaration();
        let (flash, model) = (declared.flash.addresses(), declared.model.addresses());
        assert_eq!(sector(&target, model.start).0, model.start, "{board:?}: the model starts a sector");
        assert!(sector(&target, flash.end - 1).1 <= model.start, "{board:?}: the firmware's sectors end before it");
        boards += 1;
    }
    assert_eq!(boards, 4);
}

#[test]
fn sectors_are_the_data_sheets() {
    // ST RM0390, 3.3, table 5: 16, 16, 16, 16, 64, 128, ... KB.
    let stm32 = Registry::from_builtin_families().get_target_by_name("STM32F446RETx").unwrap();
    assert_eq!(sector(&stm32, 0x0800_3FFF), (0x0800_0000, 0x0800_4000));
    assert_eq!(sector(&stm32, 0x0801_0000), (0x0801_0000, 0x0802_0000));
    assert_eq!(sector(&stm32, 0x0804_0001), (0x0804_0000, 0x0806_0000));
}

#[test]
fn declared_memory_is_the_chips() {
    for (board, chip, target) in real_boards() {
        let declared = board.declaration();
        let covered = |region: Region, ram: bool| {
            target.memory_map.iter().any(|part| {
                let range = match part {
                    MemoryRegion::Ram(part) if ram => &part.range,
                    MemoryRegion::Nvm(part) if !ram => &part.range,
                    _ => return false,
                };
                range.start <= region.addresses().start && region.addresses().end <= range.end
            })
        };
        assert!(covered(declared.flash, false) && covered(declared.model, false), "{board:?} {}", chip.name);
        assert!(covered(declared.ram, true), "{board:?} {}", chip.name);
    }
}

#[test]
fn an_image_past_the_chips_flash_is_refused() {
    let model = ModelFile::from_bytes(data::file("models/drawn/model.pinhole").unwrap()).unwrap();
    let debug_probes = DebugProbes::usb();
    for (board, chip, _) in real_boards() {
        let packed = crate::firmware::packed_for(board, &model, Path::new("drawn")).unwrap();
        let mut image = FlashImage::new(board, None, &packed).unwrap();
        assert!(loader(&image, &debug_probes).is_ok());
        // None of the three chips has memory there.
        image.parts[0].address = 0x6000_0000;
        let error = loader(&image, &debug_probes).map(|_| ()).unwrap_err();
        assert!(matches!(error, ProbeError::Place { what: "model", .. }), "{error:?}");
        assert!(error.to_string().contains(chip.name));
    }
    let error =
        loader(&FlashImage { board: Board::QemuProbed, parts: Vec::new() }, &debug_probes).map(|_| ()).unwrap_err();
    assert!(matches!(error, ProbeError::UnknownChip { .. }), "{error:?}");
    let error = loader(&FlashImage { board: Board::Qemu, parts: Vec::new() }, &debug_probes).map(|_| ()).unwrap_err();
    assert!(matches!(error, ProbeError::NoChip { .. }), "{error:?}");
}

#[test]
fn a_probe_is_named_by_its_numbers() {
    assert_eq!(parse_selector("2e8a:000c").unwrap().to_string(), "2e8a:000c");
    assert_eq!(parse_selector("0483:374b:066DFF").unwrap().to_string(), "0483:374b:066DFF");
    assert!(parse_selector("pico").unwrap_err().contains("VENDOR:PRODUCT"));
}
