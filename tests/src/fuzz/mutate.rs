//! Changes to files, at random from a seed.

/// Numbers at which readers go wrong.
const NUMBERS: [u64; 16] = [
    0,
    1,
    2,
    0x7F,
    0x80,
    0xFF,
    0x100,
    0x7FFF,
    0x8000,
    0xFFFF,
    0x7FFF_FFFF,
    0x8000_0000,
    0xFFFF_FFFF,
    // Infinity and NaN as f32, and the largest integer.
    0x7F80_0000,
    0x7FC0_0000,
    u64::MAX,
];

/// Texts at which readers of text go wrong.
const TEXTS: [&str; 24] = [
    "-1",
    "0",
    "1e999",
    "1e-999",
    "nan",
    "inf",
    "4294967296",
    "18446744073709551616",
    "null",
    "[]",
    "{}",
    "\"",
    "\\",
    "\n",
    "\r",
    ",",
    "\t",
    "../",
    "<script>",
    "\u{0}",
    "\u{FEFF}",
    "[[layer]]\n",
    "true",
    "0.5",
];

/// A source of changes: SplitMix64 (Steele, Lea and Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014).
pub struct Changes(u64);

impl Changes {
    /// Returns the changes of a seed.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// Returns a number below `end`; 0 if that is 0.
    pub fn below(&mut self, end: usize) -> usize {
        (self.next() % (end.max(1) as u64)) as usize
    }

    /// Returns one of these.
    pub fn one_of<'a, T>(&mut self, all: &'a [T]) -> &'a T {
        &all[self.below(all.len())]
    }

    /// Changes a file once. Some changes take bytes of another file of the corpus.
    pub fn change(&mut self, file: &mut Vec<u8>, corpus: &[Vec<u8>]) {
        let place = self.below(file.len());
        match self.below(9) {
            // One bit.
            0 if !file.is_empty() => file[place] ^= 1 << self.below(8),
            // One byte.
            1 if !file.is_empty() => file[place] = self.next() as u8,
            // A number of 1, 2, 4 or 8 bytes.
            2 | 3 => {
                let bytes = self.one_of(&NUMBERS).to_le_bytes();
                let length = (1 << self.below(4)).min(file.len() - place);
                file[place..place + length].copy_from_slice(&bytes[..length]);
            }
            // An end that is missing.
            4 => file.truncate(place),
            // A part that is missing.
            5 => {
                let end = place + self.below((file.len() - place).min(64));
                file.drain(place..end);
            }
            // A part twice.
            6 => {
                let part = file[place..place + self.below((file.len() - place).min(64))].to_vec();
                let at = self.below(file.len());
                file.splice(at..at, part);
            }
            // A part of another file, or of another place.
            7 => {
                let other = self.one_of(corpus);
                let from = self.below(other.len());
                let part = &other[from..from + self.below((other.len() - from).min(64))];
                let end = (place + part.len()).min(file.len());
                file.splice(place..end, part.iter().copied());
            }
            // Text.
            _ => {
                let text = self.one_of(&TEXTS).bytes();
                let end = (place + self.below(4)).min(file.len());
                file.splice(place..end, text);
            }
        }
    }
}
