//! ELF file: the firmware's own file, with the model appended as another section and segment. Symbols, debug
//! information and log table stay the same.
//!
//! # Source
//! "System V Application Binary Interface", 4.1, chapters 4 (sections) and 5 (program headers); Arm, "ELF for the Arm
//! Architecture".

use object::elf::{self, FileHeader32, ProgramHeader32, SectionHeader32};
use object::pod::{bytes_of, bytes_of_slice};
use object::read::elf::{FileHeader as _, SectionHeader as _};
use object::{LittleEndian as LE, SectionIndex, U16, U32};

use crate::firmware::{Firmware, FirmwareError, FlashImage};

/// Name of the model's section, for tools that work by sections.
const SECTION: &[u8] = b".pinhole_model\0";
/// Section names of a file without firmware: an empty name and that of this section itself.
const NAMES: &[u8] = b"\0.shstrtab\0";
/// Alignment of tables, bytes.
const ALIGNMENT: usize = 4;

type Header = FileHeader32<LE>;
type Segment = ProgramHeader32<LE>;
type Section = SectionHeader32<LE>;

/// Returns the file's bytes.
///
/// # Errors
/// [`FirmwareError::Elf`] if the firmware's file is not an ELF file.
pub(super) fn encode(image: &FlashImage, firmware: Option<&Firmware>) -> Result<Vec<u8>, FirmwareError> {
    let mut models = image.parts.iter().filter(|part| part.what == "model");
    match firmware {
        Some(firmware) => models.try_fold(firmware.elf().to_vec(), |file, part| {
            with_segment(&file, part.address, &part.bytes).map_err(|error| firmware.unreadable(&error))
        }),
        None => Ok(models.fold(empty(), |file, part| {
            with_segment(&file, part.address, &part.bytes).expect("the file without firmware is whole")
        })),
    }
}

/// Appends bytes to a file as a section and a segment that is loaded at an address.
fn with_segment(file: &[u8], address: u32, bytes: &[u8]) -> object::Result<Vec<u8>> {
    let mut header = *Header::parse(file)?;
    let mut segments = header.program_headers(LE, file)?.to_vec();
    let mut sections = header.section_headers(LE, file)?.to_vec();
    let names_at = header.shstrndx(LE, file)? as usize;
    let mut names = header.sections(LE, file)?.section(SectionIndex(names_at))?.data(LE, file)?.to_vec();

    let mut out = file.to_vec();
    let offset = append(&mut out, bytes);
    segments.push(Segment {
        p_type: word(elf::PT_LOAD),
        p_offset: word(offset),
        p_vaddr: word(address),
        p_paddr: word(address),
        p_filesz: word(bytes.len() as u32),
        p_memsz: word(bytes.len() as u32),
        p_flags: word(elf::PF_R),
        p_align: word(1),
    });
    sections.push(Section {
        sh_name: word(names.len() as u32),
        sh_type: word(elf::SHT_PROGBITS),
        sh_flags: word(elf::SHF_ALLOC),
        sh_addr: word(address),
        sh_offset: word(offset),
        sh_size: word(bytes.len() as u32),
        sh_link: word(0),
        sh_info: word(0),
        sh_addralign: word(1),
        sh_entsize: word(0),
    });
    names.extend_from_slice(SECTION);
    sections[names_at].sh_offset = word(append(&mut out, &names));
    sections[names_at].sh_size = word(names.len() as u32);
    header.e_phoff = word(append(&mut out, bytes_of_slice(&segments)));
    header.e_phnum = half(segments.len() as u16);
    header.e_shoff = word(append(&mut out, bytes_of_slice(&sections)));
    header.e_shnum = half(sections.len() as u16);
    out[..size_of::<Header>()].copy_from_slice(bytes_of(&header));
    Ok(out)
}

/// Returns an ELF file for an Arm core with nothing to load.
fn empty() -> Vec<u8> {
    let names = size_of::<Header>();
    let sections = (names + NAMES.len()).next_multiple_of(ALIGNMENT);
    let none = Section {
        sh_name: word(0),
        sh_type: word(elf::SHT_NULL),
        sh_flags: word(0),
        sh_addr: word(0),
        sh_offset: word(0),
        sh_size: word(0),
        sh_link: word(0),
        sh_info: word(0),
        sh_addralign: word(0),
        sh_entsize: word(0),
    };
    let named = Section {
        // Offset after the empty name.
        sh_name: word(1),
        sh_type: word(elf::SHT_STRTAB),
        sh_offset: word(names as u32),
        sh_size: word(NAMES.len() as u32),
        sh_addralign: word(1),
        ..none
    };
    let header = Header {
        e_ident: elf::Ident {
            magic: elf::ELFMAG,
            class: elf::ELFCLASS32,
            data: elf::ELFDATA2LSB,
            version: elf::EV_CURRENT,
            os_abi: elf::ELFOSABI_NONE,
            abi_version: 0,
            padding: [0; 7],
        },
        e_type: half(elf::ET_EXEC),
        e_machine: half(elf::EM_ARM),
        e_version: word(elf::EV_CURRENT.into()),
        e_entry: word(0),
        e_phoff: word(0),
        e_shoff: word(sections as u32),
        e_flags: word(elf::EF_ARM_EABI_VER5),
        e_ehsize: half(size_of::<Header>() as u16),
        e_phentsize: half(size_of::<Segment>() as u16),
        e_phnum: half(0),
        e_shentsize: half(size_of::<Section>() as u16),
        e_shnum: half(2),
        e_shstrndx: half(1),
    };
    let mut file = bytes_of(&header).to_vec();
    append(&mut file, NAMES);
    append(&mut file, bytes_of_slice(&[none, named]));
    file
}

/// Appends bytes at the next multiple of [`ALIGNMENT`] and returns their offset.
fn append(file: &mut Vec<u8>, bytes: &[u8]) -> u32 {
    file.resize(file.len().next_multiple_of(ALIGNMENT), 0);
    let offset = file.len() as u32;
    file.extend_from_slice(bytes);
    offset
}

fn word(value: u32) -> U32<LE> {
    U32::new(LE, value)
}

fn half(value: u16) -> U16<LE> {
    U16::new(LE, value)
}
