//! Reads written files.

use crate::tflite::schema::{TensorType, buffer, model, operator, operator_code, quantization, subgraph, tensor};

/// A table: its file, and the offset at which it starts.
#[derive(Clone, Copy)]
pub(super) struct WrittenTable<'f>(&'f [u8], usize);

impl<'f> WrittenTable<'f> {
    pub(super) fn root(file: &'f [u8]) -> Self {
        assert_eq!(&file[4..8], b"TFL3");
        Self(file, number(file, 0) as usize)
    }

    /// Returns the offset of a field's value; `None` if the field is absent.
    pub(super) fn place(self, slot: u16) -> Option<usize> {
        let Self(file, start) = self;
        // Signed: tables share lists of fields, which may lie on either side.
        let list = (start as i64 - i64::from(number(file, start) as i32)) as usize;
        let half = |place: usize| usize::from(u16::from_le_bytes([file[place], file[place + 1]]));
        let entry = 4 + 2 * usize::from(slot);
        (entry < half(list)).then(|| half(list + entry)).filter(|&offset| offset != 0).map(|offset| start + offset)
    }

    pub(super) fn byte(self, slot: u16) -> u8 {
        self.place(slot).map_or(0, |place| self.0[place])
    }

    pub(super) fn word(self, slot: u16) -> u32 {
        self.place(slot).map_or(0, |place| number(self.0, place))
    }

    pub(super) fn table(self, slot: u16) -> WrittenTable<'f> {
        let place = self.place(slot).unwrap();
        Self(self.0, place + number(self.0, place) as usize)
    }

    /// Returns the offset of a vector's items, and their number.
    pub(super) fn vector(self, slot: u16) -> (usize, usize) {
        let Self(_, start) = self.table(slot);
        (start + 4, number(self.0, start) as usize)
    }

    pub(super) fn bytes(self, slot: u16) -> &'f [u8] {
        let (start, count) = self.vector(slot);
        &self.0[start..start + count]
    }

    pub(super) fn words(self, slot: u16) -> Vec<u32> {
        let (start, count) = self.vector(slot);
        (0..count).map(|index| number(self.0, start + 4 * index)).collect()
    }

    pub(super) fn floats(self, slot: u16) -> Vec<f32> {
        self.words(slot).into_iter().map(f32::from_bits).collect()
    }

    pub(super) fn longs(self, slot: u16) -> Vec<i64> {
        let (start, count) = self.vector(slot);
        assert!(start.is_multiple_of(8));
        (0..count).map(|index| i64::from_le_bytes(self.0[start + 8 * index..][..8].try_into().unwrap())).collect()
    }

    pub(super) fn tables(self, slot: u16) -> Vec<WrittenTable<'f>> {
        let (start, count) = self.vector(slot);
        let at = |place: usize| Self(self.0, place + number(self.0, place) as usize);
        (0..count).map(|index| at(start + 4 * index)).collect()
    }
}

fn number(file: &[u8], place: usize) -> u32 {
    assert!(place.is_multiple_of(4), "words are aligned");
    u32::from_le_bytes(file[place..place + 4].try_into().unwrap())
}

/// A file that has been read.
pub(super) struct WrittenFile<'f> {
    pub(super) root: WrittenTable<'f>,
    pub(super) tensors: Vec<WrittenTable<'f>>,
    pub(super) operators: Vec<WrittenTable<'f>>,
    pub(super) buffers: Vec<WrittenTable<'f>>,
    pub(super) codes: Vec<u32>,
}

impl<'f> WrittenFile<'f> {
    pub(super) fn of(file: &'f [u8]) -> Self {
        let root = WrittenTable::root(file);
        assert_eq!(root.word(model::VERSION), 3);
        let graphs = root.tables(model::SUBGRAPHS);
        assert_eq!(graphs.len(), 1);
        let codes = root.tables(model::OPERATOR_CODES);
        for code in &codes {
            assert_eq!(
                u32::from(code.byte(operator_code::DEPRECATED_BUILTIN_CODE)),
                code.word(operator_code::BUILTIN_CODE)
            );
        }
        Self {
            root,
            tensors: graphs[0].tables(subgraph::TENSORS),
            operators: graphs[0].tables(subgraph::OPERATORS),
            buffers: root.tables(model::BUFFERS),
            codes: codes.iter().map(|code| code.word(operator_code::BUILTIN_CODE)).collect(),
        }
    }

    pub(super) fn tensor(&self, name: &str) -> WrittenTable<'f> {
        *self.tensors.iter().find(|tensor| tensor.bytes(tensor::NAME) == name.as_bytes()).unwrap()
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.tensors.iter().any(|tensor| tensor.bytes(tensor::NAME) == name.as_bytes())
    }

    pub(super) fn data(&self, tensor: WrittenTable<'f>) -> &'f [u8] {
        let buffer = self.buffers[tensor.word(tensor::BUFFER) as usize];
        assert!(buffer.vector(buffer::DATA).0.is_multiple_of(16));
        buffer.bytes(buffer::DATA)
    }

    /// Returns every operator's code.
    pub(super) fn run(&self) -> Vec<u32> {
        self.operators.iter().map(|run| self.codes[run.word(operator::OPCODE_INDEX) as usize]).collect()
    }

    /// Returns the only scale and zero point of an int8 tensor.
    pub(super) fn int8(&self, name: &str) -> (f32, i64) {
        let tensor = self.tensor(name);
        assert_eq!(tensor.byte(tensor::TYPE), TensorType::Int8 as u8);
        let quantization = tensor.table(tensor::QUANTIZATION);
        let (scales, zeros) = (quantization.floats(quantization::SCALE), quantization.longs(quantization::ZERO_POINT));
        assert_eq!((scales.len(), zeros.len()), (1, 1), "{name}");
        (scales[0], zeros[0])
    }

    /// Returns the scale of an int16 tensor, whose zero point is 0.
    pub(super) fn int16(&self, name: &str) -> f32 {
        let tensor = self.tensor(name);
        assert_eq!(tensor.byte(tensor::TYPE), TensorType::Int16 as u8);
        let quantization = tensor.table(tensor::QUANTIZATION);
        assert_eq!(quantization.longs(quantization::ZERO_POINT), [0]);
        quantization.floats(quantization::SCALE)[0]
    }
}
