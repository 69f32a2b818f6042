//! The one source of randomness: initial weights, dropout, shuffles, splits and synthetic pictures all use it.
//!
//! ChaCha8 is specified bit for bit, and the conversions below are Pinhole's own. So a seed gives the same numbers on every
//! machine and with every version of the libraries. (candle's CPU generator cannot be seeded at all.)

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// A seeded stream of random numbers.
#[derive(Clone, Debug)]
pub struct Random(ChaCha8Rng);

impl Random {
    /// Creates the stream of this seed. [`Random::stream`] gives each purpose its own stream, so that drawing more numbers for
    /// one purpose does not change another.
    pub fn seeded(seed: u64) -> Self {
        Self(ChaCha8Rng::seed_from_u64(seed))
    }

    /// Creates the stream of this seed for one purpose. ChaCha's stream number is part of its key schedule, so streams do not
    /// overlap.
    pub fn stream(seed: u64, purpose: Purpose) -> Self {
        let mut generator = ChaCha8Rng::seed_from_u64(seed);
        generator.set_stream(purpose as u64 + 1);
        Self(generator)
    }

    /// Returns the count of 32-bit numbers drawn so far.
    pub fn position(&self) -> u128 {
        self.0.get_word_pos()
    }

    /// Moves to the position after this many drawn 32-bit numbers.
    pub fn go_to(&mut self, position: u128) {
        self.0.set_word_pos(position);
    }

    /// Draws uniformly from all 32-bit numbers.
    pub fn bits(&mut self) -> u32 {
        self.0.next_u32()
    }

    /// Draws uniformly from [0, 1), a multiple of 2^-24: every value is exact in `f32`.
    pub fn unit(&mut self) -> f32 {
        (self.bits() >> 8) as f32 * (1.0 / (1 << 24) as f32)
    }

    /// Draws uniformly from [low, high), rounded as `f32` arithmetic rounds.
    pub fn between(&mut self, low: f32, high: f32) -> f32 {
        low + (high - low) * self.unit()
    }

    /// Draws uniformly from 0..count.
    ///
    /// # Panics
    /// If `count` is 0.
    pub fn below(&mut self, count: usize) -> usize {
        assert!(count > 0, "nothing to choose from");
        // Multiply-shift; its bias is below count / 2^32, far too small to show in any use here.
        ((u64::from(self.bits()) * count as u64) >> 32) as usize
    }

    /// Returns true with probability `p`.
    pub fn chance(&mut self, p: f32) -> bool {
        self.unit() < p
    }

    /// Shuffles the items (Fisher-Yates).
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            items.swap(last, self.below(last + 1));
        }
    }
}

/// Purpose of a stream of random numbers. The position in this list is the stream's number: new purposes go at the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Initial weights.
    Weights,
    /// Order of the photos in each epoch.
    Shuffle,
    /// Dropout masks.
    Dropout,
    /// Split of the photos when no validation folder is given.
    Split,
    /// Synthetic pictures.
    Draw,
    /// Variations of training photos.
    Augment,
    /// Folds of a cross-validation.
    Folds,
    /// Networks that a search tries.
    Search,
    /// Blur and noise of training photos.
    CameraNoise,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_means_these_numbers_for_ever() {
        let mut random = Random::seeded(1);
        let drawn: Vec<u32> = (0..4).map(|_| random.bits()).collect();
        assert_eq!(drawn, FIRST_OF_SEED_1);
    }

    /// Recorded once, when this file was written; a change here changes every trained model.
    const FIRST_OF_SEED_1: [u32; 4] = [2359561649, 1728662762, 4228812395, 345245400];

    #[test]
    fn streams_differ_and_repeat() {
        let take = |purpose| Random::stream(7, purpose).bits();
        assert_eq!(take(Purpose::Weights), take(Purpose::Weights));
        assert_ne!(take(Purpose::Weights), take(Purpose::Shuffle));
    }

    #[test]
    fn a_stream_goes_on_from_any_position() {
        let mut random = Random::stream(7, Purpose::CameraNoise);
        for position in 0..70 {
            assert_eq!(random.position(), position);
            let mut again = Random::stream(7, Purpose::CameraNoise);
            again.go_to(position);
            assert_eq!(again.bits(), random.bits(), "position {position}");
        }
    }

    /// Moving a purpose would change every model trained, and every split made, by a seed.
    #[test]
    fn purposes_keep_their_streams() {
        use Purpose::*;
        let numbers =
            [Weights, Shuffle, Dropout, Split, Draw, Augment, Folds, Search, CameraNoise].map(|purpose| purpose as u64);
        assert_eq!(numbers, [0, 1, 2, 3, 4, 5, 6, 7, 8]);
    }

    #[test]
    fn shuffle_keeps_every_item() {
        let mut items: Vec<usize> = (0..100).collect();
        Random::seeded(3).shuffle(&mut items);
        assert_ne!(items, (0..100).collect::<Vec<_>>());
        items.sort_unstable();
        assert_eq!(items, (0..100).collect::<Vec<_>>());
    }
}
