//! TensorFlow Lite's file format.
//!
//! | module | task |
//! |---|---|
//! | `schema` | the tables and numbers of the format that reader and writer use |
//! | `quantization` | scale and zero point of an int8 tensor |
//! | `write` | model file -> an int8 network |
//! | `read` | an int8 network -> model file |
//!
//! Each direction has a file for what is known of one layer kind: `write::layers` has one for each layer kind,
//! `read::operators` one for each operator. Either has one table, in which a new file takes a line.

pub(crate) mod quantization;
pub(crate) mod read;
pub(crate) mod schema;
pub(crate) mod write;
