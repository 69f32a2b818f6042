//! TensorFlow Lite's file format.
//!
//! | module | task |
//! |---|---|
//! | `schema` | the tables and numbers of the format that reader and writer use |
//! | `quantization` | scale and zero point of an int8 tensor |
//! | `write` | model file -> an int8 network |
//! | `read` | an int8 network -> model file |

pub(crate) mod quantization;
pub(crate) mod read;
pub(crate) mod schema;
pub(crate) mod write;
