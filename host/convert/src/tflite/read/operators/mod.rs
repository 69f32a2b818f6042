//! Operators as layers.

mod conv_2d;
mod fully_connected;
