//! Untrusted bytes become a [`Model`] here, in one place; after it nothing about them can fail.

use super::check::checked;
use super::file::{FIELDS, File, field, first_not_zero, halves, u16_at, u32_at};
use super::names::{check_names, names};
use super::proof::{check_place, check_weights};
use super::record::{Input, dense, read};
use super::{ALIGNMENT, Dense, HEADER_BYTES, Layer, MAGIC, MAX_LAYERS, ModelError, RECORD_BYTES, Section, VERSION};
use crate::CRC;
use crate::decision::Probability;
use crate::layout::{Every, Layouts};
use crate::pixels::{Color, InputShape};
use crate::policy::Policy;

#[cfg(target_endian = "big")]
compile_error!("model files are little-endian and read in place");

/// A checked model: sizes, offsets, alignment, names and accumulator bounds hold. Borrows its file; nothing is copied.
#[derive(Clone, Debug)]
pub struct Model<'a> {
    checksum: u32,
    file_bytes: u32,
    input: InputShape,
    classes: u16,
    policy: Policy,
    names: &'a [u8],
    arena_bytes: u32,
    layer_count: u16,
    file: File<'a>,
}

/// The length a model file states in its header, from at least its first 12 bytes; for finding the end of a model
/// in a larger memory region before [`Model::parse`].
///
/// # Errors
/// [`ModelError::Truncated`], [`ModelError::NotAModel`] or [`ModelError::Version`].
pub fn file_bytes(start: &[u8]) -> Result<usize, ModelError> {
    let got = start.len();
    let truncated = ModelError::Truncated { expected: HEADER_BYTES, got };
    let magic = start.get(..4).ok_or(truncated)?;
    if magic != MAGIC {
        return Err(ModelError::NotAModel);
    }
    let version = u16_at(start, 4).ok_or(truncated)?;
    if version != VERSION {
        return Err(ModelError::Version { expected: VERSION, got: version });
    }
    u32_at(start, 8).map(|bytes| bytes as usize).ok_or(truncated)
}

/// Writes a policy into the header of a file, to be sealed again. No smoothing is written as zeros, so a file without a
/// policy is, byte for byte, as it was before there were any. Does nothing to fewer than 64 bytes.
pub fn put_policy(file: &mut [u8], policy: Policy) {
    let Some(header) = file.get_mut(..HEADER_BYTES) else { return };
    let votes = if policy.window() == 1 { [0; 2] } else { [policy.needed(), policy.window()] };
    header[44..48].copy_from_slice(&policy.min_probability().0.to_le_bytes());
    header[48..50].copy_from_slice(&votes);
}

/// Writes the checksum into an otherwise complete file. Does nothing to fewer than 16 bytes.
pub fn seal(file: &mut [u8]) {
    let checksum = checksum(file);
    if let Some(field) = file.get_mut(12..16) {
        field.copy_from_slice(&checksum.to_le_bytes());
    }
}

fn checksum(file: &[u8]) -> u32 {
    let mut digest = CRC.digest();
    digest.update(file.get(..12).unwrap_or_default());
    digest.update(file.get(16..).unwrap_or_default());
    digest.finalize()
}

impl<'a> Model<'a> {
    /// Checks a whole model file and borrows it.
    ///
    /// `file` must be exactly the file, starting at an address that is a multiple of 4. Reads every byte about twice
    /// (checksum, accumulator bounds).
    ///
    /// # Errors
    /// One [`ModelError`] for the first thing wrong. The checksum comes right after magic, version and length, so any
    /// other error means a file that was written wrong, not one that was damaged.
    pub fn parse(file: &'a [u8]) -> Result<Self, ModelError> {
        Self::parse_of::<Every>(file)
    }

    /// [`Model::parse`] for a program that can run these layouts only, as a board's; others are refused.
    ///
    /// # Errors
    /// As [`Model::parse`].
    #[cfg_attr(target_os = "none", inline(never))]
    pub fn parse_of<L: Layouts>(file: &'a [u8]) -> Result<Self, ModelError> {
        let stated = file_bytes(file)?;
        let got = file.len();
        if got < HEADER_BYTES || got < stated {
            return Err(ModelError::Truncated { expected: stated.max(HEADER_BYTES), got });
        }
        if got > stated {
            return Err(ModelError::TooLong { expected: stated, got });
        }
        let actual = checksum(file);
        let stated_checksum = u32_at(file, 12).unwrap_or(0);
        if actual != stated_checksum {
            return Err(ModelError::Checksum { expected: stated_checksum, got: actual });
        }
        // A length that is no multiple of 4 is looked at below.
        let whole = file.get(..got - got % ALIGNMENT).unwrap_or_default();
        let words: &[u32] = bytemuck::try_cast_slice(whole).map_err(|_| ModelError::Misaligned)?;
        let truncated = ModelError::Truncated { expected: HEADER_BYTES, got };
        let header: &[u32; FIELDS] = words.first_chunk().ok_or(truncated)?;
        let (height, width) = halves(header[5]);
        let (channels, classes) = halves(header[6]);
        let color = Color::of_channels(channels);
        let expected = color.unwrap_or_default().pipeline_id();
        if header[4] != expected {
            return Err(ModelError::Pipeline { expected, got: header[4] });
        }
        let picture = InputShape { side: height, color: color.unwrap_or_default() };
        let (layer_count, record_bytes) = halves(header[7]);
        let unknown = if header[1] >> 16 != HEADER_BYTES as u32 {
            6
        } else if whole.len() != got {
            8
        } else if height == 0 {
            20
        } else if width != height {
            22
        } else if color.is_none() {
            24
        } else if classes < 2 {
            26
        } else if !(1..=MAX_LAYERS).contains(&usize::from(layer_count)) {
            28
        } else if usize::from(record_bytes) != RECORD_BYTES {
            30
        } else if header[12] >> 16 != 0 {
            50
        } else {
            first_not_zero(header, 14)
        };
        if unknown != 0 {
            let got = field(header, unknown, if unknown == 8 || unknown > 30 { 4 } else { 2 });
            return Err(ModelError::Header { offset: unknown, got });
        }
        let [needed, window, ..] = if header[12] == 0 { [1, 1, 0, 0] } else { header[12].to_le_bytes() };
        let policy = Policy::new(Probability(header[11]), needed, window).map_err(ModelError::Policy)?;

        let file = File::new(words, layer_count);
        let (table_words, got_words) = (FIELDS * (usize::from(layer_count) + 1), words.len());
        if got_words < table_words {
            return Err(ModelError::Truncated { expected: 4 * table_words, got: 4 * got_words });
        }
        let mut input = Input::picture(picture);
        let (mut macs, mut arena_bytes) = (0_u64, 0);
        for index in 0..usize::from(layer_count) {
            let last = index + 1 == usize::from(layer_count);
            let layer = checked(&file, index, input, last)?;
            if let Some(weighted) = layer.weighted() {
                let layout = weighted.operands.weights.layout();
                if !L::has(layout) {
                    return Err(ModelError::WeightLayout { layer: index, got: layout as u8 });
                }
                check_weights::<L>(index, &weighted, input.output().max_magnitude())?;
            }
            if let Some(tensor) = layer.tensor() {
                check_place(&file, index, &layer)?;
                arena_bytes = arena_bytes.max(tensor.range().end);
            }
            if last && layer.outputs() != usize::from(classes) {
                return Err(ModelError::Shape { layer: index, expected: classes.into(), got: layer.outputs() });
            }
            macs = macs.saturating_add(layer.macs());
            input = Input::of(&layer);
        }
        if u64::from(header[10]) != macs {
            return Err(ModelError::Header { offset: 40, got: header[10] });
        }
        if header[13] as usize != arena_bytes {
            return Err(ModelError::Header { offset: 52, got: header[13] });
        }
        let names = file.section(Section::Names, 0, header[8], header[9] as usize)?;
        if !check_names(names, classes) {
            return Err(ModelError::Names);
        }
        Ok(Self {
            checksum: actual,
            file_bytes: stated as u32,
            input: picture,
            classes,
            policy,
            names,
            arena_bytes: header[13],
            layer_count,
            file,
        })
    }

    /// CRC-32 of the file: the model's identity, over the link that of the packed file in the board's flash.
    pub fn checksum(&self) -> u32 {
        self.checksum
    }

    /// Length of the file, bytes.
    pub fn file_bytes(&self) -> u32 {
        self.file_bytes
    }

    /// What the network takes.
    pub fn input(&self) -> InputShape {
        self.input
    }

    /// Side of the square input, px.
    pub fn input_side(&self) -> u16 {
        self.input.side
    }

    /// Bytes of the input: as many as pixels, or, in color, three times as many.
    pub fn inputs(&self) -> usize {
        self.input.bytes()
    }

    /// Number of classes, at least 2.
    pub fn classes(&self) -> u16 {
        self.classes
    }

    /// When its decisions are answers, where nobody says otherwise.
    pub fn policy(&self) -> Policy {
        self.policy
    }

    /// Names of the classes, in the order of the logits.
    pub fn class_names(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        names(self.names).filter_map(|name| core::str::from_utf8(name?).ok())
    }

    /// The layers, in the order they run. Each is read from its record when it is asked for, so a model takes the same
    /// memory however many it has.
    pub fn layers(&self) -> Layers<'a> {
        Layers { file: self.file, next: 0, count: self.layer_count.into(), input: Input::picture(self.input) }
    }

    /// How many layers there are.
    #[inline(always)]
    pub(crate) fn layer_count(&self) -> usize {
        self.layer_count.into()
    }

    /// A dense layer, by its index among all of them: quicker than to go through [`Model::layers`]. `None` of another one.
    #[inline(always)]
    pub(crate) fn dense(&self, index: usize) -> Option<Dense<'a>> {
        dense(&self.file, index)
    }

    /// Bytes of the arena that the layers' tensors lie in.
    pub fn arena_bytes(&self) -> usize {
        self.arena_bytes as usize
    }

    /// Multiply-accumulates of one inference.
    pub fn macs(&self) -> u64 {
        self.layers().map(|layer| layer.macs()).sum()
    }
}

/// A model's layers, in the order they run.
#[derive(Clone, Debug)]
pub struct Layers<'a> {
    file: File<'a>,
    next: usize,
    count: usize,
    input: Input,
}

impl<'a> Iterator for Layers<'a> {
    type Item = Layer<'a>;

    #[cfg_attr(target_os = "none", inline(never))]
    fn next(&mut self) -> Option<Layer<'a>> {
        if self.next == self.count {
            return None;
        }
        // Always there: `parse` has read every record.
        let layer = read(&self.file, self.next, self.input)?;
        self.next += 1;
        self.input = Input::of(&layer);
        Some(layer)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.count - self.next, Some(self.count - self.next))
    }
}

impl ExactSizeIterator for Layers<'_> {}
