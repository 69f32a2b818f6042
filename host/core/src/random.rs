//! The one source of randomness: initial weights, dropout, shuffles, splits and drawn pictures all come from here.
//!
//! ChaCha8 is specified bit for bit, and every conversion below is ours, so a seed means the same numbers on every
//! machine and with every version of the libraries around it. (candle's CPU generator cannot be seeded at all.)

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// A seeded stream of random numbers.
#[derive(Clone, Debug)]
pub struct Random(ChaCha8Rng);

impl Random {
    /// The stream of this seed. Streams of one seed that serve different purposes are told apart by
    /// [`Random::stream`], so that drawing more numbers for one purpose does not change another.
    pub fn seeded(seed: u64) -> Self {
        Self(ChaCha8Rng::seed_from_u64(seed))
    }

    /// An independent stream of the same seed. ChaCha's stream number is part of its key schedule, so streams do
    /// not overlap.
    pub fn stream(seed: u64, purpose: Purpose) -> Self {
        let mut generator = ChaCha8Rng::seed_from_u64(seed);
        generator.set_stream(purpose as u64 + 1);
        Self(generator)
    }

    /// How many 32-bit numbers were drawn.
    pub fn position(&self) -> u128 {
        self.0.get_word_pos()
    }

    /// Goes to where the same stream was when it had drawn so many 32-bit numbers.
    pub fn go_to(&mut self, position: u128) {
        self.0.set_word_pos(position);
    }

    /// Uniform over all 32-bit numbers.
    pub fn bits(&mut self) -> u32 {
        self.0.next_u32()
    }

    /// Uniform in [0, 1), a multiple of 2^-24: every value is exact in `f32`.
    pub fn unit(&mut self) -> f32 {
        (self.bits() >> 8) as f32 * (1.0 / (1 << 24) as f32)
    }

    /// Uniform in [low, high), rounded as `f32` arithmetic rounds.
    pub fn between(&mut self, low: f32, high: f32) -> f32 {
        low + (high - low) * self.unit()
    }

    /// Uniform in 0..count.
    ///
    /// # Panics
    /// If `count` is 0.
    pub fn below(&mut self, count: usize) -> usize {
        assert!(count > 0, "nothing to choose from");
        // Multiply-shift; the bias is under count / 2^32, far below what any of our uses could show.
        ((u64::from(self.bits()) * count as u64) >> 32) as usize
    }

    /// True with probability `p`.
    pub fn chance(&mut self, p: f32) -> bool {
        self.unit() < p
    }

    /// Puts the items in random order (Fisher-Yates).
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            items.swap(last, self.below(last + 1));
        }
    }
}

/// What a stream of random numbers is for. Its place in this list is the stream's number: new ones go at the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Initial weights.
    Weights,
    /// Order of the photos in each epoch.
    Shuffle,
    /// Dropout masks.
    Dropout,
    /// Which photos are held out when no validation folder is given.
    Split,
    /// Drawn pictures.
    Draw,
    /// Variations of training photos.
    Augment,
    /// Which fold of a cross-validation each photo is in.
    Folds,
    /// Which networks a search tries.
    Search,
    /// Blur and noise of training photos.
    Grain,
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

    /// Read off once, when this file was written; a change here changes every trained model.
    const FIRST_OF_SEED_1: [u32; 4] = [2359561649, 1728662762, 4228812395, 345245400];

    #[test]
    fn streams_differ_and_repeat() {
        let take = |purpose| Random::stream(7, purpose).bits();
        assert_eq!(take(Purpose::Weights), take(Purpose::Weights));
        assert_ne!(take(Purpose::Weights), take(Purpose::Shuffle));
    }

    #[test]
    fn a_stream_goes_on_from_any_position() {
        let mut random = Random::stream(7, Purpose::Grain);
        for position in 0..70 {
            assert_eq!(random.position(), position);
            let mut again = Random::stream(7, Purpose::Grain);
            again.go_to(position);
            assert_eq!(again.bits(), random.bits(), "position {position}");
        }
    }

    /// Moving one would change every model trained, or split made, by a seed.
    #[test]
    fn purposes_keep_their_streams() {
        use Purpose::*;
        let numbers =
            [Weights, Shuffle, Dropout, Split, Draw, Augment, Folds, Search, Grain].map(|purpose| purpose as u64);
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
