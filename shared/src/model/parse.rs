//! Untrusted bytes become a [`Model`] here, in one place; after it nothing about them can fail.

use super::file::{File, u16_in, u32_in};
use super::format::{BLOCK_WORDS, Span, Words, first_not_zero, header as at};
use super::names::{check_names, names};
use super::proof::check_weights;
use super::{
    ALIGNMENT, HEADER_BYTES, MAGIC, MAX_INPUT_PIXELS, MAX_LAYERS, MAX_OPERATIONS, ModelError, RECORD_BYTES, Section,
    VERSION,
};
use crate::CRC;
use crate::decision::Probability;
use crate::layer::check::checked;
use crate::layer::record::{Input, read};
use crate::layer::{Dense, Layer, dense};
use crate::layout::{Every, Layouts};
use crate::pixels::{Color, Fit, InputShape};
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
    let magic = start.get(at::MAGIC.span().range()).ok_or(truncated)?;
    if magic != MAGIC {
        return Err(ModelError::NotAModel);
    }
    let version = u16_in(start, at::VERSION).ok_or(truncated)?;
    if version != VERSION {
        return Err(ModelError::Version { expected: VERSION, got: version });
    }
    u32_in(start, at::FILE_BYTES).map(|bytes| bytes as usize).ok_or(truncated)
}

/// Writes a policy into the header of a file, to be sealed again. No smoothing is written as zeros, so a file without a
/// policy is, byte for byte, as it was before there were any. Does nothing to fewer than 64 bytes.
pub fn put_policy(file: &mut [u8], policy: Policy) {
    let Some(header) = file.first_chunk_mut() else { return };
    let [needed, window] = if policy.window() == 1 { [0; 2] } else { [policy.needed(), policy.window()] };
    at::MIN_PROBABILITY.put(header, policy.min_probability().0);
    at::NEEDED.put(header, needed);
    at::WINDOW.put(header, window);
}

/// Writes the checksum into an otherwise complete file. Does nothing to fewer than 16 bytes.
pub fn seal(file: &mut [u8]) {
    let checksum = checksum(file);
    if let Some(field) = file.get_mut(at::CHECKSUM.span().range()) {
        field.copy_from_slice(&checksum.to_le_bytes());
    }
}

fn checksum(file: &[u8]) -> u32 {
    let mut digest = CRC.digest();
    let own = at::CHECKSUM.span().range();
    digest.update(file.get(..own.start).unwrap_or_default());
    digest.update(file.get(own.end..).unwrap_or_default());
    digest.finalize()
}

/// Checks the header alone. The error is the first field with an invalid value.
fn check_header(header: &Words, is_whole: bool) -> Result<(), Span> {
    let classes = at::CLASSES.get(header);
    let wrong = if usize::from(at::HEADER_BYTES.get(header)) != HEADER_BYTES {
        at::HEADER_BYTES.span()
    } else if !is_whole {
        at::FILE_BYTES.span()
    } else if !(1..=MAX_INPUT_PIXELS).contains(&(u32::from(at::HEIGHT.get(header)) * u32::from(at::WIDTH.get(header))))
    {
        at::HEIGHT.span()
    } else if Color::of_channels(at::CHANNELS.get(header)).is_none() {
        at::CHANNELS.span()
    } else if classes < 2 {
        at::CLASSES.span()
    } else if !(1..=MAX_LAYERS).contains(&usize::from(at::LAYERS.get(header))) {
        at::LAYERS.span()
    } else if usize::from(at::RECORD_BYTES.get(header)) != RECORD_BYTES {
        at::RECORD_BYTES.span()
    } else if at::RESERVED.get(header) != 0 {
        at::RESERVED.span()
    } else {
        return first_not_zero(header, at::UNUSED_WORDS);
    };
    Err(wrong)
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
        let stated_checksum = u32_in(file, at::CHECKSUM).unwrap_or(0);
        if actual != stated_checksum {
            return Err(ModelError::Checksum { expected: stated_checksum, got: actual });
        }
        // A length that is no multiple of 4 is looked at below.
        let whole = file.get(..got - got % ALIGNMENT).unwrap_or_default();
        let words: &[u32] = bytemuck::try_cast_slice(whole).map_err(|_| ModelError::Misaligned)?;
        let truncated = ModelError::Truncated { expected: HEADER_BYTES, got };
        let header: &Words = words.first_chunk().ok_or(truncated)?;
        let color = Color::of_channels(at::CHANNELS.get(header));
        let (color, pipeline) = (color.unwrap_or_default(), at::PIPELINE.get(header));
        let Some(fit) = Fit::of_pipeline(pipeline, color) else {
            return Err(ModelError::Pipeline { expected: Fit::Crop.pipeline_id(color), got: pipeline });
        };
        let refused = |field: Span| ModelError::Header { offset: field.offset(), got: field.bits(header) };
        check_header(header, whole.len() == got).map_err(refused)?;
        let picture = InputShape { height: at::HEIGHT.get(header), width: at::WIDTH.get(header), color, fit };
        let (layer_count, classes) = (at::LAYERS.get(header), at::CLASSES.get(header));
        let (needed, window) = match (at::NEEDED.get(header), at::WINDOW.get(header)) {
            (0, 0) => (1, 1),
            votes => votes,
        };
        let min_probability = Probability(at::MIN_PROBABILITY.get(header));
        let policy = Policy::new(min_probability, needed, window).map_err(ModelError::Policy)?;

        let file = File::new(words, layer_count);
        let (table_words, got_words) = (BLOCK_WORDS * (usize::from(layer_count) + 1), words.len());
        if got_words < table_words {
            return Err(ModelError::Truncated { expected: 4 * table_words, got: 4 * got_words });
        }
        let mut input = Input::picture(picture);
        let (mut macs, mut operations, mut arena_bytes) = (0_u32, 0_u32, 0);
        for index in 0..usize::from(layer_count) {
            let last = index + 1 == usize::from(layer_count);
            let layer = checked(&file, index, input, last)?;
            if let Some(weighted) = layer.weighted() {
                let layout = weighted.operands.weights.layout();
                if !L::has(layout) {
                    return Err(ModelError::WeightLayout { layer: index, got: layout as u8 });
                }
                check_weights::<L>(index, &weighted, layer.filled(), input.output().max_magnitude())?;
            }
            if let Some(tensor) = layer.tensor() {
                layer.check_arena(&file, index)?;
                arena_bytes = arena_bytes.max(tensor.range().end);
            }
            if last && layer.outputs() != usize::from(classes) {
                return Err(ModelError::Shape { layer: index, expected: classes.into(), got: layer.outputs() });
            }
            let of_layer = layer.operations();
            operations = operations.saturating_add(of_layer);
            if operations > MAX_OPERATIONS {
                return Err(ModelError::Operations { layer: index });
            }
            if layer.weighted().is_some() {
                macs += of_layer;
            }
            input = Input::of(&layer);
        }
        if at::MACS.get(header) != macs {
            return Err(refused(at::MACS.span()));
        }
        let stated_arena = at::ARENA_BYTES.get(header);
        if stated_arena as usize != arena_bytes {
            return Err(refused(at::ARENA_BYTES.span()));
        }
        let names_bytes = at::NAMES_BYTES.get(header) as usize;
        let names = file.section(Section::Names, 0, at::NAMES.get(header), names_bytes)?;
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
            arena_bytes: stated_arena,
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

    /// Returns the shape of the network's input.
    pub fn input(&self) -> InputShape {
        self.input
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
    pub fn macs(&self) -> u32 {
        self.layers().map(|layer| layer.macs()).sum()
    }

    /// Elementary operations of one inference ([`Layer::operations`]): multiply-accumulates, and what layers without weights
    /// do. At most [`MAX_OPERATIONS`].
    pub fn operations(&self) -> u32 {
        self.layers().map(|layer| layer.operations()).sum()
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
