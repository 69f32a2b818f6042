//! TensorFlow Lite's format.
//!
//! | module | what happens there |
//! |---|---|
//! | `schema` | tables and numbers of the format that either way needs |
//! | `write` | model file -> an int8 network |
//! | `read` | an int8 network -> model file |

pub(crate) mod read;
pub(crate) mod schema;
pub(crate) mod write;
