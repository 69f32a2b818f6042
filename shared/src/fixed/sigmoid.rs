//! The sigmoid function by table and linear interpolation.

/// Range of the table in real units: beyond it, on either side of zero, the function is constant.
pub const SIGMOID_RANGE: i32 = 12;

/// Maximum error, in units of Q15 (1/32,768), over all inputs. The rounding of the table, of the result and of the
/// interpolation add half a unit each (second derivative at most 0.0963, step 1/32). The value 1 is not representable
/// in 16 bits either. A test tries every table interval.
pub const SIGMOID_TOLERANCE_Q15: f64 = 1.5;

/// log2 of the Q16 units in one table step of 1/32.
const STEP_BITS: u32 = 11;

/// Returns 1 / (1 + e^-x) in Q15, for `x` in Q16.
///
/// The result is in 0..=32,767 and monotone in `x`. `sigmoid(x) + sigmoid(-x)` is 32,768, except where the largest
/// value, 32,768, is clamped to 32,767.
///
/// ```
/// use pinhole_shared::fixed::sigmoid_q15;
/// assert_eq!(sigmoid_q15(0), 16_384);
/// assert_eq!(sigmoid_q15(i32::MAX), 32_767);
/// assert_eq!(sigmoid_q15(i32::MIN), 0);
/// ```
#[inline(always)]
pub fn sigmoid_q15(x: i32) -> i16 {
    // Outside the range, use the last entry.
    let magnitude = x.unsigned_abs().min(((SIGMOID_RANGE as u32) << 16) - 1);
    let step = (magnitude >> STEP_BITS) as usize;
    let fraction = magnitude & ((1 << STEP_BITS) - 1);
    // Both exist by construction; `get` avoids a panic branch that cannot be reached.
    let (Some(&low), Some(&high)) = (SIGMOID_STEPS.get(step), SIGMOID_STEPS.get(step + 1)) else { return 0 };
    let rise = u32::from(high - low) * fraction;
    let upper_half = u32::from(low) + ((rise + (1 << (STEP_BITS - 1))) >> STEP_BITS);
    let value = if x < 0 { (1 << 15) - upper_half } else { upper_half };
    value.min(i16::MAX as u32) as i16
}

/// Bits of the largest magnitude of x, in Q16, that [`SIGMOID_TABLE`] covers. This is 16 in real units, a power of two,
/// so one saturating instruction clamps x.
pub const SIGMOID_TABLE_BITS: u32 = 20;

/// [`SIGMOID_STEPS`], with its last entry repeated up to i = 512, for assembly kernels that compute [`sigmoid_q15`].
pub static SIGMOID_TABLE: [u16; (1 << (SIGMOID_TABLE_BITS - STEP_BITS)) + 1] = {
    let mut table = [1 << 15; _];
    let mut step = 0;
    while step < SIGMOID_STEPS.len() {
        table[step] = SIGMOID_STEPS[step];
        step += 1;
    }
    table
};

/// `32768 / (1 + e^(-i / 32))`, rounded, for x = i / 32 from 0 to [`SIGMOID_RANGE`]; constant beyond.
#[rustfmt::skip]
pub static SIGMOID_STEPS: [u16; (SIGMOID_RANGE as usize * 32) + 1] = [
    16384, 16640, 16896, 17151, 17407, 17661, 17916, 18169, 18421, 18673, 18923, 19173, 19420, 19667, 19912, 20155,
    20397, 20636, 20874, 21110, 21344, 21575, 21804, 22031, 22255, 22477, 22696, 22913, 23127, 23338, 23547, 23753,
    23955, 24155, 24352, 24546, 24737, 24925, 25110, 25292, 25471, 25646, 25819, 25988, 26155, 26318, 26479, 26636,
    26790, 26941, 27090, 27235, 27377, 27516, 27653, 27786, 27917, 28045, 28169, 28292, 28411, 28528, 28642, 28753,
    28862, 28968, 29072, 29173, 29272, 29368, 29462, 29554, 29644, 29731, 29816, 29899, 29979, 30058, 30135, 30210,
    30282, 30353, 30422, 30489, 30555, 30618, 30680, 30740, 30799, 30856, 30912, 30966, 31018, 31069, 31119, 31167,
    31214, 31260, 31304, 31347, 31389, 31430, 31469, 31508, 31545, 31581, 31616, 31651, 31684, 31716, 31747, 31778,
    31807, 31836, 31864, 31891, 31917, 31943, 31968, 31992, 32015, 32038, 32060, 32081, 32102, 32122, 32141, 32160,
    32179, 32196, 32214, 32231, 32247, 32263, 32278, 32293, 32307, 32321, 32335, 32348, 32361, 32373, 32385, 32397,
    32408, 32419, 32430, 32440, 32450, 32460, 32469, 32478, 32487, 32496, 32504, 32512, 32520, 32527, 32535, 32542,
    32549, 32555, 32562, 32568, 32574, 32580, 32586, 32592, 32597, 32602, 32607, 32612, 32617, 32622, 32626, 32630,
    32635, 32639, 32643, 32647, 32650, 32654, 32657, 32661, 32664, 32667, 32670, 32673, 32676, 32679, 32682, 32684,
    32687, 32689, 32692, 32694, 32696, 32699, 32701, 32703, 32705, 32707, 32709, 32711, 32712, 32714, 32716, 32717,
    32719, 32720, 32722, 32723, 32725, 32726, 32727, 32728, 32730, 32731, 32732, 32733, 32734, 32735, 32736, 32737,
    32738, 32739, 32740, 32741, 32742, 32742, 32743, 32744, 32745, 32745, 32746, 32747, 32747, 32748, 32749, 32749,
    32750, 32750, 32751, 32752, 32752, 32753, 32753, 32753, 32754, 32754, 32755, 32755, 32756, 32756, 32756, 32757,
    32757, 32757, 32758, 32758, 32758, 32759, 32759, 32759, 32759, 32760, 32760, 32760, 32760, 32761, 32761, 32761,
    32761, 32762, 32762, 32762, 32762, 32762, 32762, 32763, 32763, 32763, 32763, 32763, 32763, 32764, 32764, 32764,
    32764, 32764, 32764, 32764, 32764, 32765, 32765, 32765, 32765, 32765, 32765, 32765, 32765, 32765, 32765, 32765,
    32766, 32766, 32766, 32766, 32766, 32766, 32766, 32766, 32766, 32766, 32766, 32766, 32766, 32766, 32766, 32766,
    32767, 32767, 32767, 32767, 32767, 32767, 32767, 32767, 32767, 32767, 32767, 32767, 32767, 32767, 32767, 32767,
    32767, 32767, 32767, 32767, 32767, 32767, 32767, 32767, 32767, 32767, 32767, 32767, 32767, 32767, 32767, 32767,
    32767, 32767, 32767, 32768, 32768, 32768, 32768, 32768, 32768, 32768, 32768, 32768, 32768, 32768, 32768, 32768,
    32768, 32768, 32768, 32768, 32768, 32768, 32768, 32768, 32768, 32768, 32768, 32768, 32768, 32768, 32768, 32768,
    32768,
];

#[cfg(test)]
mod tests;
