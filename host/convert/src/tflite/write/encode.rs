//! Encodes a graph as a TensorFlow Lite file.

use flatbuffers::{FlatBufferBuilder, Push, TableFinishedWIPOffset, Vector, WIPOffset};

use super::graph::{GraphBuilder, NewOperator, NewTensor};
use super::operators::{OperatorOptions, OptionValue};
use crate::tflite::schema::{
    BUFFER_ALIGNMENT, BuiltinOperator, IDENTIFIER, VERSION, buffer, metadata, model, operator, operator_code,
    quantization, subgraph, tensor,
};

/// A table that has been written: its offset.
type TableOffset = WIPOffset<TableFinishedWIPOffset>;

/// Encodes a file. The same graph gives the same bytes.
pub(super) fn encode(graph: &GraphBuilder) -> Vec<u8> {
    let mut file = FileBuilder(FlatBufferBuilder::new());
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
    let version = |builtin: &BuiltinOperator| {
        let of_builtin = graph.operators.iter().filter(|operator| operator.builtin == *builtin);
        Some((*builtin, of_builtin.map(|operator| operator.version).max()?))
    };
    let used: Vec<(BuiltinOperator, i32)> = BuiltinOperator::ALL.iter().filter_map(version).collect();
    let operators: Vec<TableOffset> = graph.operators.iter().map(|operator| file.operator(operator, &used)).collect();
    let codes: Vec<TableOffset> = used.iter().map(|&code| file.operator_code(code)).collect();

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
struct FileBuilder<'f>(FlatBufferBuilder<'f>);

impl<'f> FileBuilder<'f> {
    fn table(&mut self, fields: impl FnOnce(&mut FlatBufferBuilder<'f>)) -> TableOffset {
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

    fn buffer(&mut self, data: &[u8]) -> TableOffset {
        self.align(data.len());
        let data = self.vector(data);
        self.table(|builder| builder.push_slot_always(slot(buffer::DATA), data))
    }

    fn tensor(&mut self, tensor: &NewTensor, buffer: u32) -> TableOffset {
        let (shape, name) = (self.vector(&tensor.shape), self.0.create_string(&tensor.name));
        let quantization = (!tensor.scales.is_empty()).then(|| {
            let (scales, zero_points) = (self.vector(&tensor.scales), self.vector(&tensor.zero_points));
            self.table(|builder| {
                builder.push_slot_always(slot(quantization::SCALE), scales);
                builder.push_slot_always(slot(quantization::ZERO_POINT), zero_points);
                builder.push_slot_always(slot(quantization::QUANTIZED_DIMENSION), tensor.quantized_dimension);
            })
        });
        self.table(|builder| {
            builder.push_slot_always(slot(tensor::SHAPE), shape);
            builder.push_slot_always(slot(tensor::TYPE), tensor.tensor_type as i8);
            builder.push_slot_always(slot(tensor::BUFFER), buffer);
            builder.push_slot_always(slot(tensor::NAME), name);
            if let Some(quantization) = quantization {
                builder.push_slot_always(slot(tensor::QUANTIZATION), quantization);
            }
            builder.push_slot_always(slot(tensor::HAS_RANK), true);
        })
    }

    fn operator_code(&mut self, (builtin, version): (BuiltinOperator, i32)) -> TableOffset {
        self.table(|builder| {
            builder.push_slot_always(slot(operator_code::DEPRECATED_BUILTIN_CODE), builtin as i8);
            builder.push_slot_always(slot(operator_code::VERSION), version);
            builder.push_slot_always(slot(operator_code::BUILTIN_CODE), builtin as i32);
        })
    }

    fn operator(&mut self, operator: &NewOperator, codes: &[(BuiltinOperator, i32)]) -> TableOffset {
        let options = operator.options.as_ref().map(|options| (options.options_type, self.options(options)));
        let (inputs, outputs) = (self.vector(&operator.inputs), self.vector(&[operator.output]));
        let code = codes.iter().position(|(code, _)| *code == operator.builtin).unwrap_or(0) as u32;
        self.table(|builder| {
            builder.push_slot_always(slot(operator::OPCODE_INDEX), code);
            builder.push_slot_always(slot(operator::INPUTS), inputs);
            builder.push_slot_always(slot(operator::OUTPUTS), outputs);
            if let Some((options_type, options)) = options {
                builder.push_slot_always(slot(operator::BUILTIN_OPTIONS_TYPE), options_type);
                builder.push_slot_always(slot(operator::BUILTIN_OPTIONS), options);
            }
        })
    }

    /// Writes an operator's options and returns their table.
    fn options(&mut self, options: &OperatorOptions) -> TableOffset {
        // Vectors lie outside of the table that refers to them, and have to be written before it.
        let fields: Vec<(u16, FieldValue<'f>)> = options
            .fields
            .iter()
            .map(|(number, value)| match value {
                OptionValue::Int8(value) => (*number, FieldValue::Int8(*value)),
                OptionValue::Int32(value) => (*number, FieldValue::Int32(*value)),
                OptionValue::Int32s(values) => (*number, FieldValue::Vector(self.vector(values))),
            })
            .collect();
        self.table(|builder| {
            for (number, field) in fields {
                match field {
                    FieldValue::Int8(value) => builder.push_slot_always(slot(number), value),
                    FieldValue::Int32(value) => builder.push_slot_always(slot(number), value),
                    FieldValue::Vector(values) => builder.push_slot_always(slot(number), values),
                }
            }
        })
    }
}

/// Value of a table's field.
enum FieldValue<'f> {
    Int8(i8),
    Int32(i32),
    Vector(WIPOffset<Vector<'f, i32>>),
}
