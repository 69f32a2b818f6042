//! [`Layout::DualMacBand8`](crate::layout::Layout::DualMacBand8): widening of bands.

use super::{DualMacLoops, Runs, Steps};
use crate::kernel::Band;
use crate::layout::GROUP_COLUMNS;

/// [`crate::kernel::Banded::widen`]: lanes as [`DualMacLoops::widen8`] widens pixels. `room` has a byte for each.
#[cfg_attr(target_os = "none", inline(never))]
pub(super) fn widen<L: DualMacLoops>(band: &Band<'_>, columns: usize, lanes: &mut [u32], room: &mut [u8]) {
    let (channels, of_column) = (band.order.channels, band.order.lanes());
    let pitch = usize::from(band.shape.width) * channels;
    let (rows, inside) = band.inside(columns);
    let mut from = band.first(&rows, &inside, pitch);
    // Channels in whole groups are widened where they lie.
    let in_place = channels.is_multiple_of(GROUP_COLUMNS);
    // Outside of the input all is zero point. Lanes that fill up have weights of 0.
    let filled = if in_place { channels } else { room.len() };
    room.get_mut(..filled).unwrap_or_default().fill(band.zero_point);
    let words = |lanes: usize| lanes / 2 * 3;
    for row in 0..band.order.height {
        let first = row * channels;
        let inside = if rows.contains(&row) { inside.clone() } else { 0..0 };
        if in_place {
            for column in (0..inside.start).chain(inside.end..columns) {
                let to = words(column * of_column + first);
                let places = lanes.get_mut(to..to + words(channels)).unwrap_or_default();
                L::widen8(room.get(..channels).unwrap_or_default(), places);
            }
            let values = band.input.get(from..from + inside.len() * channels).unwrap_or_default();
            let places = lanes.get_mut(words(inside.start * of_column + first)..).unwrap_or_default();
            let runs = Runs { count: inside.len(), pixels: channels, skip: words(of_column - channels) };
            L::widen8_runs(values, places, runs);
        } else {
            for channel in 0..channels {
                let values = band.input.get(from + channel..).unwrap_or_default();
                let places = room.get_mut(inside.start * of_column + first + channel..).unwrap_or_default();
                L::copy(values, places, Steps { count: inside.len(), values: channels, places: of_column });
            }
        }
        if !inside.is_empty() {
            from += pitch;
        }
    }
    if !in_place {
        L::widen8(room, lanes);
    }
}
