use super::*;

const GOOD: &str = "core = \"cortex-m0plus\"\nclock_hz = 1000\nwatchdog_ms = 70\n\
    [flash]\norigin = 0\nbytes = 0x100\n\
    [model]\norigin = 0x100\nbytes = 0x80\n\
    [ram]\norigin = 0x2000_0000\nbytes = 0x40\n\
    [budget]\ncode_bytes = 0x100\nengine_bytes = 99\nstatic_ram_bytes = 40\nstack_bytes = 24\n\
    [board]\nname = \"mine\"\ndescription = \"Mine\"\npackage = \"pinhole-mine\"\nbinary = \"pinhole-mine\"\n\
    [buffers]\ninput_side_px = 2\ninput_channels = 3\nrow_bytes = 3\naccumulators = 4\nactivations = 5\nlanes = 6\narena_bytes = 7\n";

fn refused(from: &str, to: &str) -> DeclarationError {
    assert!(GOOD.contains(from), "{from}");
    Declaration::parse(&GOOD.replacen(from, to, 1)).unwrap_err()
}

#[test]
fn what_is_declared_is_read() {
    let declaration = Declaration::parse(GOOD).unwrap();
    assert_eq!(declaration.core, Core::CortexM0Plus);
    assert_eq!(declaration.model, Region { origin: 0x100, bytes: 0x80 });
    assert_eq!(declaration.model.addresses(), 0x100..0x180);
    assert_eq!(declaration.board.camera, None);
    let with_camera = GOOD.replace("name = \"mine\"", "name = \"mine\"\ncamera = \"arducam-mini\"");
    assert_eq!(Declaration::parse(&with_camera).unwrap().board.camera, Some(Camera::ArducamMini));
    assert_eq!(declaration.budget, Budget { code_bytes: 256, engine_bytes: 99, static_ram_bytes: 40, stack_bytes: 24 });
}

#[test]
fn a_declaration_that_contradicts_itself_is_refused() {
    let region = |region| DeclarationError::Region { region };
    assert_eq!(refused("origin = 0\n", "origin = 4\n"), region("flash"));
    assert_eq!(refused("bytes = 0x40", "bytes = 0"), region("ram"));
    assert_eq!(refused("bytes = 0x40", "bytes = 0x41"), region("ram"));
    assert_eq!(refused("bytes = 0x40", "bytes = 0xE000_0008"), region("ram"));
    // A region up to the end of the address space does not overflow.
    assert!(Declaration::parse(&GOOD.replace("bytes = 0x40", "bytes = 0xE000_0000")).is_ok());
    let overlap = DeclarationError::Overlap { first: "flash", second: "model" };
    assert_eq!(refused("origin = 0x100", "origin = 0xF8"), overlap);
    let budget = |region, expected, got| DeclarationError::Budget { region, expected, got };
    assert_eq!(refused("code_bytes = 0x100", "code_bytes = 257"), budget("flash", 256, 257));
    assert_eq!(refused("stack_bytes = 24", "stack_bytes = 25"), budget("ram", 64, 65));
    assert_eq!(refused("clock_hz = 1000", "clock_hz = 0"), DeclarationError::Clock);
    assert_eq!(refused("watchdog_ms = 70", "watchdog_ms = 0"), DeclarationError::Watchdog);
    for (from, to) in [
        ("lanes = 6\n", ""),
        ("lanes = 6", "lanes = -6"),
        ("lanes = 6", "lanes = 6\nbread = 7"),
        ("name = \"mine\"", "name = \"mine\"\ncamera = \"none\""),
    ] {
        assert!(matches!(refused(from, to), DeclarationError::Toml(_)));
    }
}

#[test]
fn the_compiler_and_the_linker_get_what_is_declared() {
    let declaration = Declaration::parse(GOOD).unwrap();
    assert_eq!(
        declaration.memory_x(),
        "MEMORY\n{\n  FLASH : ORIGIN = 0x00000000, LENGTH = 0x100\n  MODEL : ORIGIN = 0x00000100, LENGTH = 0x80\n  \
         RAM : ORIGIN = 0x20000000, LENGTH = 0x40\n}\n\n__model_start = ORIGIN(MODEL);\n\
         __model_end = ORIGIN(MODEL) + LENGTH(MODEL);\n"
    );
    let with_start_block = GOOD.replace("[flash]", "start_block = true\n[flash]");
    let with_start_block = Declaration::parse(&with_start_block).unwrap();
    let of_memory = with_start_block.memory_x();
    let expected = declaration.memory_x()
        + "\nSECTIONS\n{\n  .start_block : ALIGN(4)\n  {\n    KEEP(*(.start_block));\n    . = ALIGN(8);\n  } > FLASH\n}\n\
           INSERT AFTER .vector_table;\n_stext = ADDR(.start_block) + SIZEOF(.start_block);\n";
    assert_eq!(of_memory, expected);
    assert!(with_start_block.budget_x("board.toml").contains("SIZEOF(.start_block) + SIZEOF(.text)"));
    let checks = declaration.budget_x("board.toml");
    assert!(!checks.contains("start_block"), "{checks}");
    for part in ["SIZEOF(.data) <= 256", "<= 40,", ">= 24,", "static_ram_bytes = 40 in board.toml"] {
        assert!(checks.contains(part), "no {part:?} in {checks}");
    }
    let constants = declaration.constants_rs();
    for part in [
        "INPUT_BYTES: usize = 12;",
        "INPUT_ROW_BYTES: usize = 6;",
        "ROW_BYTES: usize = 3;",
        "LANES: usize = 6;",
        "ARENA_BYTES: usize = 7;",
        "CLOCK_HZ: u32 = 1000;",
        "WATCHDOG_MS: u32 = 70;",
    ] {
        assert!(constants.contains(part), "no {part:?} in {constants}");
    }
}
