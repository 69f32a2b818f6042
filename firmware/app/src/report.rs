//! Sends responses.

use embedded_io::Write;
use heapless::Vec;
use pinhole_shared::engine::LayerValues;
use pinhole_shared::link::frame::{FRAME_BYTES, encode};
use pinhole_shared::link::{CHUNK_VALUES, Response, Values};

use crate::device::LinkError;

/// Sends one response as one frame.
pub(crate) fn send<L: Write>(link: &mut L, response: &Response) -> Result<(), LinkError<L::Error>> {
    let mut buffer = [0; FRAME_BYTES];
    let frame = encode(response, &mut buffer).map_err(LinkError::Frame)?;
    link.write_all(frame).map_err(LinkError::Stream)?;
    link.flush().map_err(LinkError::Stream)
}

/// Sends all values of one stage, in chunks. Sends nothing for a stage without values.
pub(crate) fn send_values<L: Write>(
    link: &mut L,
    stage: u16,
    values: impl Iterator<Item = i32>,
) -> Result<(), LinkError<L::Error>> {
    let mut values = values.fuse();
    let mut offset = 0;
    loop {
        let chunk: Vec<i32, CHUNK_VALUES> = values.by_ref().take(CHUNK_VALUES).collect();
        let length = chunk.len() as u32;
        if length == 0 {
            return Ok(());
        }
        send(link, &Response::Values(Values { stage, offset, values: chunk }))?;
        offset += length;
    }
}

/// Sends a layer's outputs.
pub(crate) fn send_layer<L: Write>(
    link: &mut L,
    layer: usize,
    values: LayerValues<'_>,
) -> Result<(), LinkError<L::Error>> {
    // Stage 0 is the input. There are at most [`pinhole_shared::model::MAX_LAYERS`] layers.
    let stage = layer as u16 + 1;
    match values {
        LayerValues::Bytes(values) => send_values(link, stage, values.iter().map(|&value| i32::from(value))),
        LayerValues::Activations(values) => send_values(link, stage, values.iter().map(|&value| i32::from(value))),
        LayerValues::Logits(values) => send_values(link, stage, values.iter().copied()),
    }
}
