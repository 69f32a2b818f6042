//! Generates the files for compiler and linker from a declaration.

use super::{Budget, Buffers, Declaration};

impl Declaration {
    /// Returns the memory map for cortex-m-rt's linker script, with the bounds of the model's region as symbols.
    pub(super) fn memory_x(&self) -> String {
        // A closing brace on its own line: some tools search for it there (flip-link).
        let line = |name: &str, region: super::Region| {
            format!("  {name} : ORIGIN = {:#010x}, LENGTH = {:#x}\n", region.origin, region.bytes)
        };
        let boot2 = self.boot2.map(|boot2| line("BOOT2", boot2)).unwrap_or_default();
        // Source: RP2350 Datasheet, 5.9 (the boot ROM looks for the definition in the first 4 kB of an image); cortex-m-rt's
        // documentation of `_stext` (where the code starts).
        let start_block = if self.start_block {
            "\nSECTIONS\n{\n  .start_block : ALIGN(4)\n  {\n    KEEP(*(.start_block));\n    . = ALIGN(8);\n  } > FLASH\n}\n\
             INSERT AFTER .vector_table;\n_stext = ADDR(.start_block) + SIZEOF(.start_block);\n"
        } else {
            ""
        };
        format!(
            "MEMORY\n{{\n{boot2}{}{}{}}}\n\n__model_start = ORIGIN(MODEL);\n__model_end = ORIGIN(MODEL) + LENGTH(MODEL);\n\
             {start_block}",
            line("FLASH", self.flash),
            line("MODEL", self.model),
            line("RAM", self.ram)
        )
    }

    /// Returns the linker's checks against the budget; a failed check ends the build with the exceeded item's name.
    ///
    /// `file` is the declaration of the budget. The linker cannot report by how much; `pinhole inspect --board` can, as
    /// long as the budget is met.
    pub(super) fn budget_x(&self, file: &str) -> String {
        let Budget { code_bytes, engine_bytes: _, static_ram_bytes, stack_bytes } = self.budget;
        let check = |holds: String, what: &str, budget: &str| {
            format!("ASSERT({holds}, \"\nERROR(pinhole): {what}: more than {budget} in {file}\");\n")
        };
        let start_block = if self.start_block { "SIZEOF(.start_block) + " } else { "" };
        [
            // All sections in FLASH; the last is the image of those in RAM.
            check(
                format!(
                    "SIZEOF(.vector_table) + {start_block}SIZEOF(.text) + SIZEOF(.rodata) + SIZEOF(.data) <= {code_bytes}"
                ),
                "code and constants exceed their flash budget",
                &format!("code_bytes = {code_bytes}"),
            ),
            check(
                format!("_stack_end - ORIGIN(RAM) <= {static_ram_bytes}"),
                "variables with a fixed place exceed their RAM budget",
                &format!("static_ram_bytes = {static_ram_bytes}"),
            ),
            check(
                format!("_stack_start - _stack_end >= {stack_bytes}"),
                "RAM left beside the variables is less than what is kept for the stack",
                &format!("what is left, stack_bytes = {stack_bytes}"),
            ),
        ]
        .concat()
    }

    /// Returns constants for the board's crate, for `include!` in a module of its own.
    pub(super) fn constants_rs(&self) -> String {
        let Buffers { row_bytes, accumulators, activations, lanes, arena_bytes, .. } = self.buffers;
        let sizes = [
            ("INPUT_BYTES", "Largest input of a network, bytes.", self.buffers.input_bytes()),
            ("INPUT_ROW_BYTES", "A row of it, bytes.", self.buffers.input_row_bytes()),
            ("ROW_BYTES", "Longest row of a picture, bytes.", row_bytes),
            ("ACCUMULATORS", "Widest layer.", accumulators),
            ("ACTIVATIONS", "Widest layer but the last.", activations),
            ("LANES", "Words for a chunk of inputs, or for bands.", lanes),
            ("ARENA_BYTES", "Tensors of the layers before the dense ones, bytes.", arena_bytes),
        ];
        let sizes = sizes.map(|(name, what, value)| format!("/// {what}\npub(crate) const {name}: usize = {value};\n"));
        let clock = format!("/// The core's clock, Hz.\npub(crate) const CLOCK_HZ: u32 = {};\n", self.clock_hz);
        let watchdog = format!(
            "/// Period of the watchdog, ms.\n#[allow(dead_code, reason = \"a board may have none\")]\n\
             pub(crate) const WATCHDOG_MS: u32 = {};\n",
            self.watchdog_ms
        );
        sizes.concat() + &clock + &watchdog
    }
}
