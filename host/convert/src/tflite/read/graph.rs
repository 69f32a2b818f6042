//! Tensors and operators, as they are in the file.

use super::table::{Broken, FlatBuffersTable};
use crate::import::Reason;
use crate::tflite::schema::{
    BuiltinOperator, IDENTIFIER, TensorType, VERSION, buffer, metadata, model, operator, operator_code, quantization,
    subgraph, tensor,
};

/// Most dimensions of a tensor.
const MAX_DIMENSIONS: usize = 8;
/// Most operators of a network that Pinhole supports, including those around its layers.
const MAX_OPERATORS: usize = 512;
/// Most characters of a tensor's name in an error.
const LONGEST_NAME: usize = 60;

/// The network of a file.
#[derive(Debug)]
pub(super) struct FileGraph<'f> {
    root: FlatBuffersTable<'f>,
    subgraph: FlatBuffersTable<'f>,
    tensors: Vec<FlatBuffersTable<'f>>,
    buffers: Vec<FlatBuffersTable<'f>>,
    /// Operators, in the order in which they run.
    pub(super) operators: Vec<FileOperator<'f>>,
}

/// An operator of a file. Tensors are given by their indices; -1 is none.
#[derive(Clone, Debug)]
pub(super) struct FileOperator<'f> {
    pub(super) index: usize,
    /// Number of the operator in the schema.
    pub(super) code: i32,
    pub(super) inputs: Vec<i32>,
    pub(super) output: i32,
    options: Option<FlatBuffersTable<'f>>,
}

/// A tensor of a file.
#[derive(Clone, Debug)]
pub(super) struct FileTensor<'f> {
    pub(super) shape: Vec<i32>,
    /// Type; `None` for one that Pinhole does not read.
    pub(super) tensor_type: Option<TensorType>,
    /// Values of a constant; else empty.
    pub(super) data: &'f [u8],
    scales: &'f [u8],
    zero_points: &'f [u8],
    /// Dimension with a scale for each index.
    pub(super) quantized_dimension: i32,
}

impl From<Broken> for Reason {
    fn from(_: Broken) -> Self {
        Self::Broken
    }
}

impl<'f> FileGraph<'f> {
    /// Reads a file's tables, but not the tensors of the operators.
    pub(super) fn read(file: &'f [u8]) -> Result<Self, Reason> {
        if file.get(4..8) != Some(IDENTIFIER.as_bytes()) {
            return Err(Reason::Foreign);
        }
        let root = FlatBuffersTable::root(file)?;
        if root.word(model::VERSION, 0)? != VERSION as i32 {
            return Err(Reason::Foreign);
        }
        let mut codes = Vec::new();
        for code in root.tables(model::OPERATOR_CODES)? {
            // Numbers that do not fit 8 bits are in the newer field only.
            let old = code.byte(operator_code::DEPRECATED_BUILTIN_CODE, 0)?;
            codes.push(code.word(operator_code::BUILTIN_CODE, 0)?.max(i32::from(old as i8)));
        }
        let graphs = root.tables(model::SUBGRAPHS)?;
        let [subgraph] = graphs[..] else { return Err(Reason::Graphs { got: graphs.len() }) };
        let tables = subgraph.tables(subgraph::OPERATORS)?;
        if tables.len() > MAX_OPERATORS {
            return Err(Reason::Operators { got: tables.len(), most: MAX_OPERATORS });
        }
        let mut operators = Vec::new();
        for (index, table) in tables.into_iter().enumerate() {
            let code = usize::try_from(table.word(operator::OPCODE_INDEX, 0)?).map_err(|_| Broken)?;
            operators.push(FileOperator {
                index,
                code: *codes.get(code).ok_or(Broken)?,
                // No operator that Pinhole supports has more inputs.
                inputs: table.words(operator::INPUTS)?.take(MAX_DIMENSIONS).collect(),
                output: table.words(operator::OUTPUTS)?.next().unwrap_or(-1),
                options: table.table(operator::BUILTIN_OPTIONS)?,
            });
        }
        let (tensors, buffers) = (subgraph.tables(subgraph::TENSORS)?, root.tables(model::BUFFERS)?);
        Ok(Self { root, subgraph, tensors, buffers, operators })
    }

    /// Returns the index of the input tensor.
    pub(super) fn input(&self) -> Result<i32, Reason> {
        let mut inputs = self.subgraph.words(subgraph::INPUTS)?;
        match (inputs.len(), inputs.next()) {
            (1, Some(input)) => Ok(input),
            (got, _) => Err(Reason::Inputs { got }),
        }
    }

    /// Returns the number of the file's bytes.
    pub(super) fn bytes(&self) -> usize {
        self.root.file_bytes()
    }

    /// Returns true if no other operator's output than this tensor is an output of the network. Files may list a tensor there that
    /// no operator writes.
    pub(super) fn ends_with(&self, tensor: i32) -> Result<bool, Broken> {
        let is_written = |output: i32| self.operators.iter().any(|operator| operator.output == output);
        Ok(self.subgraph.words(subgraph::OUTPUTS)?.all(|output| output == tensor || !is_written(output)))
    }

    /// Returns a tensor by its index.
    ///
    /// # Errors
    /// [`Reason::Tensor`] for one whose values are not those that they seem, [`Reason::Broken`].
    pub(super) fn tensor(&self, index: i32) -> Result<FileTensor<'f>, Reason> {
        let table = usize::try_from(index).ok().and_then(|index| self.tensors.get(index)).ok_or(Broken)?;
        let buffer = usize::try_from(table.word(tensor::BUFFER, 0)?).ok();
        let buffer = buffer.and_then(|buffer| self.buffers.get(buffer)).ok_or(Broken)?;
        let shape = table.words(tensor::SHAPE)?;
        if shape.len() > MAX_DIMENSIONS {
            return Err(Reason::Broken);
        }
        let refuse = |why| {
            let name = String::from_utf8_lossy(table.list(tensor::NAME, 1).unwrap_or_default());
            Err(Reason::Tensor { name: name.chars().take(LONGEST_NAME).collect(), why })
        };
        if table.byte(tensor::IS_VARIABLE, 0)? != 0 {
            return refuse("is a variable, whose values change from one picture to the next");
        }
        if table.table(tensor::SPARSITY)?.is_some() {
            return refuse("is sparse, which Pinhole does not support");
        }
        let (mut scales, mut zero_points, mut quantized_dimension): (&[u8], &[u8], _) = (&[], &[], 0);
        if let Some(table) = table.table(tensor::QUANTIZATION)? {
            if table.byte(quantization::DETAILS_TYPE, 0)? != 0 {
                return refuse("has a custom quantization, which Pinhole does not support");
            }
            scales = table.list(quantization::SCALE, 4)?;
            zero_points = table.list(quantization::ZERO_POINT, 8)?;
            quantized_dimension = table.word(quantization::QUANTIZED_DIMENSION, 0)?;
        }
        let read = FileTensor {
            shape: shape.collect(),
            tensor_type: TensorType::from_number(table.byte(tensor::TYPE, 0)?),
            data: buffer.list(buffer::DATA, 1)?,
            scales,
            zero_points,
            quantized_dimension,
        };
        if !read.scales().all(|scale| scale.is_finite() && scale > 0.0) {
            return refuse("has a scale that is not a number above 0");
        }
        Ok(read)
    }

    /// Returns the bytes of the metadata with this name.
    pub(super) fn metadata(&self, name: &str) -> Result<Option<&'f [u8]>, Broken> {
        for entry in self.root.tables(model::METADATA)? {
            if entry.list(metadata::NAME, 1)? == name.as_bytes() {
                let buffer = usize::try_from(entry.word(metadata::BUFFER, 0)?).map_err(|_| Broken)?;
                return Ok(Some(self.buffers.get(buffer).ok_or(Broken)?.list(buffer::DATA, 1)?));
            }
        }
        Ok(None)
    }

    /// Returns the number of operators that read a tensor.
    pub(super) fn readers(&self, tensor: i32) -> usize {
        self.operators.iter().filter(|operator| operator.inputs.contains(&tensor)).count()
    }
}

impl FileOperator<'_> {
    /// Returns true if it is this operator.
    pub(super) fn is(&self, builtin: BuiltinOperator) -> bool {
        self.code == builtin as i32
    }

    /// Returns an option of 8 bits; 0 if it is absent.
    pub(super) fn byte(&self, slot: u16) -> Result<u8, Broken> {
        self.options.map_or(Ok(0), |options| options.byte(slot, 0))
    }

    /// Returns an option of 32 bits; `default` if it is absent.
    pub(super) fn word(&self, slot: u16, default: i32) -> Result<i32, Broken> {
        self.options.map_or(Ok(default), |options| options.word(slot, default))
    }

    /// Returns an option that is a 32-bit float; 0 if it is absent.
    pub(super) fn float(&self, slot: u16) -> Result<f32, Broken> {
        Ok(f32::from_bits(self.word(slot, 0)?.cast_unsigned()))
    }

    /// Returns the index of the tensor that it reads at this position; -1 for none.
    pub(super) fn input(&self, place: usize) -> i32 {
        self.inputs.get(place).copied().unwrap_or(-1)
    }
}

impl FileTensor<'_> {
    /// Returns the number of elements of its shape; `None` if a dimension is negative, or if the number overflows.
    pub(super) fn elements(&self) -> Option<usize> {
        self.shape.iter().try_fold(1_usize, |elements, &side| elements.checked_mul(usize::try_from(side).ok()?))
    }

    /// Returns true if its integers stand for the same real values as those of another tensor.
    pub(super) fn has_values_of(&self, other: &Self) -> bool {
        (self.tensor_type, self.scales, self.zero_points) == (other.tensor_type, other.scales, other.zero_points)
    }

    /// Returns its scales.
    pub(super) fn scales(&self) -> impl ExactSizeIterator<Item = f32> + '_ {
        self.scales.chunks_exact(4).map(|word| f32::from_le_bytes([word[0], word[1], word[2], word[3]]))
    }

    /// Returns its zero points.
    pub(super) fn zero_points(&self) -> impl ExactSizeIterator<Item = i64> + '_ {
        longs(self.zero_points)
    }

    /// Returns a constant's integers, of 4 or 8 `bytes` each.
    pub(super) fn integers(&self, bytes: usize) -> Option<Vec<i64>> {
        if self.data.len() != self.elements()?.checked_mul(bytes)? {
            return None;
        }
        let words = |word: &[u8]| i64::from(i32::from_le_bytes([word[0], word[1], word[2], word[3]]));
        Some(if bytes == 8 { longs(self.data).collect() } else { self.data.chunks_exact(4).map(words).collect() })
    }
}

fn longs(bytes: &[u8]) -> impl ExactSizeIterator<Item = i64> + '_ {
    bytes.chunks_exact(8).map(|long| {
        let (low, high) = (&long[..4], &long[4..]);
        let word = |word: &[u8]| u32::from_le_bytes([word[0], word[1], word[2], word[3]]);
        (u64::from(word(low)) | u64::from(word(high)) << 32) as i64
    })
}
