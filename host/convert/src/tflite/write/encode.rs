//! Encodes a graph as a TensorFlow Lite file.

use flatbuffers::{FlatBufferBuilder, Push, TableFinishedWIPOffset, Vector, WIPOffset};

use super::graph::{Graph, Operator, OperatorKind, Tensor};
use crate::tflite::schema::{
    BUFFER_ALIGNMENT, Builtin, FUSED_ACTIVATION_FUNCTION, IDENTIFIER, VERSION, buffer, conv_options, depthwise_options,
    metadata, model, operator, operator_code, options_type, pool_options, quantization, reducer_options,
    reshape_options, subgraph, tensor,
};

type Table = WIPOffset<TableFinishedWIPOffset>;

/// Encodes a file. The same graph gives the same bytes.
pub(super) fn encode(graph: &Graph) -> Vec<u8> {
    let mut file = File(FlatBufferBuilder::new());
    // By the format's convention buffer 0 is empty; tensors that are not constants use it.
    let mut buffers = vec![file.table(|_| ())];
    let mut tensors = Vec::with_capacity(graph.tensors.len());
    for tensor in &graph.tensors {
        let buffer = tensor.data.as_deref().map_or(0, |data| {
            buffers.push(file.buffer(data));
            buffers.len() - 1
        });
        tensors.push(file.tensor(tensor, buffer as u32));
    }
    let mut entries = Vec::with_capacity(graph.metadata.len());
    for (name, data) in &graph.metadata {
        buffers.push(file.buffer(data));
        let (name, index) = (file.0.create_string(name), buffers.len() as u32 - 1);
        entries.push(file.table(|builder| {
            builder.push_slot_always(slot(metadata::NAME), name);
            builder.push_slot_always(slot(metadata::BUFFER), index);
        }));
    }
    // Of several versions of an operator, the highest: runtimes that support it use it for all.
    let version = |builtin: &Builtin| {
        let of_kind = graph.operators.iter().filter(|operator| operator.kind.builtin() == *builtin);
        Some((*builtin, of_kind.map(|operator| operator.version).max()?))
    };
    let used: Vec<(Builtin, i32)> = Builtin::ALL.iter().filter_map(version).collect();
    let operators: Vec<Table> = graph.operators.iter().map(|operator| file.operator(operator, &used)).collect();
    let codes: Vec<Table> = used.iter().map(|&code| file.operator_code(code)).collect();

    let (tensors, operators) = (file.vector(&tensors), file.vector(&operators));
    let (inputs, outputs) = (file.vector(&[graph.input]), file.vector(&[graph.output]));
    let name = file.0.create_string("main");
    let subgraph = file.table(|builder| {
        builder.push_slot_always(slot(subgraph::TENSORS), tensors);
        builder.push_slot_always(slot(subgraph::INPUTS), inputs);
        builder.push_slot_always(slot(subgraph::OUTPUTS), outputs);
        builder.push_slot_always(slot(subgraph::OPERATORS), operators);
        builder.push_slot_always(slot(subgraph::NAME), name);
    });
    let (subgraphs, codes) = (file.vector(&[subgraph]), file.vector(&codes));
    let (buffers, entries) = (file.vector(&buffers), file.vector(&entries));
    let description = file.0.create_string(&graph.description);
    let root = file.table(|builder| {
        builder.push_slot_always(slot(model::VERSION), VERSION);
        builder.push_slot_always(slot(model::OPERATOR_CODES), codes);
        builder.push_slot_always(slot(model::SUBGRAPHS), subgraphs);
        builder.push_slot_always(slot(model::DESCRIPTION), description);
        builder.push_slot_always(slot(model::BUFFERS), buffers);
        builder.push_slot_always(slot(model::METADATA), entries);
    });
    // Offset of the root, and identifier, which take 8 bytes.
    file.align(8);
    file.0.finish(root, Some(IDENTIFIER));
    file.0.finished_data().to_vec()
}

/// Returns a slot's offset in a table's list of fields: two bytes each, after two sizes.
fn slot(number: u16) -> u16 {
    4 + 2 * number
}

/// A file in progress. FlatBuffers are built from end to start: objects are written before the references to them.
struct File<'f>(FlatBufferBuilder<'f>);

impl<'f> File<'f> {
    fn table(&mut self, fields: impl FnOnce(&mut FlatBufferBuilder<'f>)) -> Table {
        let start = self.0.start_table();
        fields(&mut self.0);
        self.0.end_table(start)
    }

    fn vector<T: Push + Copy>(&mut self, items: &[T]) -> WIPOffset<Vector<'f, T::Output>> {
        self.0.create_vector(items)
    }

    /// Pads so that the next object, of this many `bytes`, starts at a multiple of [`BUFFER_ALIGNMENT`] from the file's end. The
    /// file's start is written last and is aligned too, so these offsets are also multiples from there.
    ///
    /// The builder itself aligns only by the type of a vector's elements.
    fn align(&mut self, bytes: usize) {
        while !(self.0.unfinished_data().len() + bytes).is_multiple_of(BUFFER_ALIGNMENT) {
            self.0.push(0_u8);
        }
    }

    fn buffer(&mut self, data: &[u8]) -> Table {
        self.align(data.len());
        let data = self.vector(data);
        self.table(|builder| builder.push_slot_always(slot(buffer::DATA), data))
    }

    fn tensor(&mut self, tensor: &Tensor, buffer: u32) -> Table {
        let (shape, name) = (self.vector(&tensor.shape), self.0.create_string(&tensor.name));
        let quantization = (!tensor.scales.is_empty()).then(|| {
            let (scales, zero_points) = (self.vector(&tensor.scales), self.vector(&tensor.zero_points));
            self.table(|builder| {
                builder.push_slot_always(slot(quantization::SCALE), scales);
                builder.push_slot_always(slot(quantization::ZERO_POINT), zero_points);
                builder.push_slot_always(slot(quantization::QUANTIZED_DIMENSION), tensor.scales_along);
            })
        });
        self.table(|builder| {
            builder.push_slot_always(slot(tensor::SHAPE), shape);
            builder.push_slot_always(slot(tensor::TYPE), tensor.kind as i8);
            builder.push_slot_always(slot(tensor::BUFFER), buffer);
            builder.push_slot_always(slot(tensor::NAME), name);
            if let Some(quantization) = quantization {
                builder.push_slot_always(slot(tensor::QUANTIZATION), quantization);
            }
            builder.push_slot_always(slot(tensor::HAS_RANK), true);
        })
    }

    fn operator_code(&mut self, (builtin, version): (Builtin, i32)) -> Table {
        self.table(|builder| {
            builder.push_slot_always(slot(operator_code::DEPRECATED_BUILTIN_CODE), builtin as i8);
            builder.push_slot_always(slot(operator_code::VERSION), version);
            builder.push_slot_always(slot(operator_code::BUILTIN_CODE), builtin as i32);
        })
    }

    fn operator(&mut self, operator: &Operator, codes: &[(Builtin, i32)]) -> Table {
        let options = self.options(&operator.kind);
        let (inputs, outputs) = (self.vector(&operator.inputs), self.vector(&[operator.output]));
        let code = codes.iter().position(|(code, _)| *code == operator.kind.builtin()).unwrap_or(0) as u32;
        self.table(|builder| {
            builder.push_slot_always(slot(operator::OPCODE_INDEX), code);
            builder.push_slot_always(slot(operator::INPUTS), inputs);
            builder.push_slot_always(slot(operator::OUTPUTS), outputs);
            if let Some((kind, options)) = options {
                builder.push_slot_always(slot(operator::BUILTIN_OPTIONS_TYPE), kind);
                builder.push_slot_always(slot(operator::BUILTIN_OPTIONS), options);
            }
        })
    }

    /// Writes an operator's options; returns their type and table.
    fn options(&mut self, kind: &OperatorKind) -> Option<(u8, Table)> {
        use Field::{Byte, Word};
        if let OperatorKind::Reshape { shape } = kind {
            let shape = self.vector(shape);
            let options = self.table(|builder| builder.push_slot_always(slot(reshape_options::NEW_SHAPE), shape));
            return Some((options_type::RESHAPE, options));
        }
        let mut fields = Vec::new();
        if let OperatorKind::Conv { slide, .. }
        | OperatorKind::Depthwise { slide, .. }
        | OperatorKind::MaxPool { slide, .. }
        | OperatorKind::AveragePool { slide, .. } = kind
        {
            let [down, right] = slide.strides.map(i32::from);
            fields.extend([
                (conv_options::PADDING, Byte(slide.padding as i8)),
                (conv_options::STRIDE_W, Word(right)),
                (conv_options::STRIDE_H, Word(down)),
            ]);
        }
        let options = match *kind {
            OperatorKind::Logistic | OperatorKind::Reshape { .. } => return None,
            OperatorKind::Conv { fused, .. } => {
                fields.push((conv_options::FUSED_ACTIVATION_FUNCTION, Byte(fused as i8)));
                options_type::CONV
            }
            OperatorKind::Depthwise { fused, .. } => {
                fields.push((depthwise_options::DEPTH_MULTIPLIER, Word(1)));
                fields.push((depthwise_options::FUSED_ACTIVATION_FUNCTION, Byte(fused as i8)));
                options_type::DEPTHWISE
            }
            OperatorKind::MaxPool { sides: [height, width], .. }
            | OperatorKind::AveragePool { sides: [height, width], .. } => {
                fields.push((pool_options::FILTER_WIDTH, Word(width.into())));
                fields.push((pool_options::FILTER_HEIGHT, Word(height.into())));
                options_type::POOL
            }
            OperatorKind::FullyConnected(fused) => {
                fields.push((FUSED_ACTIVATION_FUNCTION, Byte(fused as i8)));
                options_type::FULLY_CONNECTED
            }
            OperatorKind::Add(fused) => {
                fields.push((FUSED_ACTIVATION_FUNCTION, Byte(fused as i8)));
                options_type::ADD
            }
            OperatorKind::Mean => {
                fields.push((reducer_options::KEEP_DIMS, Byte(1)));
                options_type::REDUCER
            }
            OperatorKind::Mul => options_type::MUL,
            OperatorKind::Pad => options_type::PAD,
            OperatorKind::PadV2 => options_type::PAD_V2,
            OperatorKind::Cast => options_type::CAST,
            OperatorKind::Maximum | OperatorKind::Minimum => options_type::MAXIMUM_MINIMUM,
        };
        let table = self.table(|builder| {
            for (number, field) in fields {
                match field {
                    Byte(value) => builder.push_slot_always(slot(number), value),
                    Word(value) => builder.push_slot_always(slot(number), value),
                }
            }
        });
        Some((options, table))
    }
}

/// A field of an operator's options.
#[derive(Clone, Copy)]
enum Field {
    Byte(i8),
    Word(i32),
}
