//! Camera noise: blur and noise as of a cheap camera, new for every training photo in every epoch.
//!
//! They are added after the variations of [`super::augment`], to the network's input, with a random stream of their
//! own: the variations are the same with and without them. Exponentials, logarithms and cosines are `libm`'s, so the
//! same seed gives the same pixels everywhere.

use pinhole_core::random::Random;
use pinhole_core::recipe::Augmentation;
use pinhole_shared::pixels::InputShape;

/// Radius of the blur, in standard deviations.
const REACH: f32 = 2.5;

/// Blur and noise of one photo.
#[derive(Clone, Copy, Debug)]
pub(super) struct CameraNoise {
    /// Standard deviation of the blur, px.
    deviation_px: f32,
    /// Standard deviation of the noise, gray levels.
    deviation: f32,
    /// Seed of the noise.
    seed: u64,
}

impl CameraNoise {
    /// Draws both deviations uniformly, up to the recipe's.
    ///
    /// Every number is drawn whether or not it is used: a recipe without one of the two gets the same values for the
    /// other.
    pub(super) fn draw(settings: &Augmentation, random: &mut Random) -> Self {
        Self {
            deviation_px: settings.blur * random.unit(),
            deviation: 255.0 * settings.noise * random.unit(),
            seed: u64::from(random.bits()) << 32 | u64::from(random.bits()),
        }
    }
}

/// Adds blur and noise to an input, row by row: a Gaussian blur, the same for each channel, then normal noise. The
/// result is rounded half up and saturates.
pub(super) fn add_camera_noise(camera_noise: CameraNoise, pixels: &mut [u8], input: InputShape) {
    let CameraNoise { deviation_px, deviation, seed } = camera_noise;
    let mut values: Vec<f32> = pixels.iter().map(|&pixel| f32::from(pixel)).collect();
    if deviation_px > 0.0 {
        blur(&mut values, input, deviation_px);
    }
    if deviation > 0.0 {
        let mut normal = Normal { random: Random::seeded(seed), second: None };
        values.iter_mut().for_each(|value| *value += deviation * normal.draw());
    }
    for (pixel, value) in pixels.iter_mut().zip(values) {
        *pixel = (value + 0.5).floor().clamp(0.0, 255.0) as u8;
    }
}

/// Gaussian blur along rows, then along columns. Beyond the border, the nearest border pixel is used.
fn blur(values: &mut [f32], input: InputShape, deviation_px: f32) {
    let [height, width, channels] = [input.height, input.width, input.color.channels()].map(usize::from);
    let weights = gaussian(deviation_px);
    let (along_rows, along_columns) =
        ((height, width, channels, width * channels), (width, height, width * channels, channels));
    for (lines, length, step, stride) in [along_rows, along_columns] {
        let mut line = vec![0.0; length];
        for (number, channel) in (0..lines).flat_map(|number| (0..channels).map(move |channel| (number, channel))) {
            let at = |place: usize| number * stride + place * step + channel;
            for (place, value) in line.iter_mut().enumerate() {
                *value = values[at(place)];
            }
            for place in 0..length {
                let sides = weights.iter().enumerate().skip(1).map(|(distance, weight)| {
                    let (before, after) = (place.saturating_sub(distance), (place + distance).min(length - 1));
                    weight * (line[before] + line[after])
                });
                values[at(place)] = weights[0] * line[place] + sides.sum::<f32>();
            }
        }
    }
}

/// Returns the weights of a pixel and of each distance on either side. All together add up to 1.
fn gaussian(deviation_px: f32) -> Vec<f32> {
    let reach = (REACH * deviation_px).ceil() as usize;
    let weight = |distance: usize| {
        let deviations = distance as f32 / deviation_px;
        libm::expf(-0.5 * deviations * deviations)
    };
    let weights: Vec<f32> = (0..=reach).map(weight).collect();
    let sum = weights[0] + 2.0 * weights[1..].iter().sum::<f32>();
    weights.into_iter().map(|weight| weight / sum).collect()
}

/// Normally distributed random numbers with mean 0 and standard deviation 1 (Box-Muller).
///
/// # Source
/// G. Box and M. Muller, "A note on the generation of random normal deviates", Annals of Mathematical Statistics 29 (1958).
struct Normal {
    random: Random,
    /// The second number of a pair, if it has not been returned.
    second: Option<f32>,
}

impl Normal {
    fn draw(&mut self) -> f32 {
        if let Some(second) = self.second.take() {
            return second;
        }
        // In (0, 1], so that its logarithm is finite.
        let radius = libm::sqrtf(-2.0 * libm::logf(1.0 - self.random.unit()));
        let angle = std::f32::consts::TAU * self.random.unit();
        self.second = Some(radius * libm::sinf(angle));
        radius * libm::cosf(angle)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with_noise(settings: Augmentation, pixels: &[u8], side: u16, seed: u64) -> Vec<u8> {
        let mut result = pixels.to_vec();
        add_camera_noise(CameraNoise::draw(&settings, &mut Random::seeded(seed)), &mut result, InputShape::gray(side));
        result
    }

    #[test]
    fn weights_are_a_bell_of_one() {
        for deviation_px in [0.01, 0.3, 1.0, 4.0] {
            let weights = gaussian(deviation_px);
            let sum = weights[0] + 2.0 * weights[1..].iter().sum::<f32>();
            assert!((sum - 1.0).abs() < 1e-6, "{deviation_px}: {sum}");
            assert!(weights.windows(2).all(|two| two[0] > two[1]));
        }
        // At one standard deviation, the Gaussian is e^-0.5 of its maximum.
        let weights = gaussian(1.0);
        assert!((weights[1] / weights[0] - 0.606_530_7).abs() < 1e-6);
    }

    #[test]
    fn blur_spreads_a_dot_and_leaves_a_plain_alone() {
        let mut plain = vec![77.0; 49];
        blur(&mut plain, InputShape::gray(7), 1.3);
        assert!(plain.iter().all(|value| (value - 77.0).abs() < 1e-4), "{plain:?}");
        let mut dot = vec![0.0; 81];
        dot[40] = 1_000.0;
        blur(&mut dot, InputShape::gray(9), 1.0);
        let weights = gaussian(1.0);
        assert!((dot[40] - 1_000.0 * weights[0] * weights[0]).abs() < 1e-3);
        assert!((dot[41] - dot[31]).abs() < 1e-3, "the same to the right and above");
        assert!((dot.iter().sum::<f32>() - 1_000.0).abs() < 0.1, "nothing is lost: the border is out of reach");
    }

    /// Rows that are all the same are blurred as those of a square, however many there are; and so are columns.
    #[test]
    fn rectangles_are_blurred_as_squares() {
        let line = [0.0, 250.0, 40.0, 40.0, 90.0, 7.0];
        let blurred = |height: u16, width: u16, at: fn(usize) -> usize| {
            let input = InputShape { height, width, ..InputShape::gray(1) };
            let mut values: Vec<f32> = (0..input.bytes()).map(|pixel| line[at(pixel)]).collect();
            blur(&mut values, input, 0.8);
            values
        };
        let near = |one: &[f32], other: &[f32]| one.iter().zip(other).all(|(one, other)| (one - other).abs() < 1e-3);
        let square = blurred(6, 6, |pixel| pixel % 6);
        for height in [1, 3, 9] {
            let rows = blurred(height, 6, |pixel| pixel % 6);
            assert!(rows.chunks(6).all(|row| near(row, &square[..6])), "{rows:?}");
        }
        let columns = blurred(6, 2, |pixel| pixel / 2);
        assert!(columns.chunks(2).zip(&square).all(|(row, value)| near(row, &[*value; 2])), "{columns:?}");
    }

    #[test]
    fn channels_are_blurred_alike_and_apart() {
        let gray: Vec<f32> = (0..36).map(|pixel| (pixel * 37 % 256) as f32).collect();
        let mut color: Vec<f32> = gray.iter().flat_map(|&level| [level, 9.0, 255.0 - level]).collect();
        blur(&mut color, InputShape::rgb(6), 1.1);
        for (channel, mut plane) in
            [gray.clone(), vec![9.0; 36], gray.iter().map(|level| 255.0 - level).collect()].into_iter().enumerate()
        {
            blur(&mut plane, InputShape::gray(6), 1.1);
            assert!(color.iter().skip(channel).step_by(3).eq(&plane), "channel {channel}");
        }
    }

    #[test]
    fn noise_has_the_deviation_that_was_drawn() {
        let settings = Augmentation { noise: 0.1, ..Augmentation::default() };
        let flat = [128; 10_000];
        let mut tried = 0;
        for seed in 1..20 {
            let mut random = Random::seeded(seed);
            let (_, drawn) = (random.unit(), 25.5 * random.unit());
            // Below 2 gray levels, rounding does not act like independent noise.
            if drawn < 2.0 {
                continue;
            }
            tried += 1;
            let noisy = with_noise(settings, &flat, 100, seed);
            let errors = || noisy.iter().map(|&pixel| f32::from(pixel) - 128.0);
            let mean = errors().sum::<f32>() / 10_000.0;
            let variance = errors().map(|error| (error - mean) * (error - mean)).sum::<f32>() / 10_000.0;
            // Rounding adds a variance of 1/12. Tolerance: five standard errors of mean and variance of 10,000 numbers.
            let expected = drawn * drawn + 1.0 / 12.0;
            assert!(mean.abs() <= 0.05 * expected.sqrt(), "seed {seed}: mean {mean}");
            assert!((variance / expected - 1.0).abs() <= 0.0708, "seed {seed}: {variance} for {expected}");
        }
        assert!(tried > 10);
    }

    #[test]
    fn one_without_the_other_is_the_same() {
        let pixels: Vec<u8> = (0..100).map(|pixel| (pixel * 37 % 256) as u8).collect();
        let both = Augmentation { blur: 1.0, noise: 0.1, ..Augmentation::default() };
        let blurred = with_noise(Augmentation { noise: 0.0, ..both }, &pixels, 10, 4);
        let mut by_hand: Vec<f32> = pixels.iter().map(|&pixel| f32::from(pixel)).collect();
        blur(&mut by_hand, InputShape::gray(10), Random::seeded(4).unit());
        let by_hand: Vec<u8> = by_hand.iter().map(|value| (value + 0.5).floor() as u8).collect();
        assert_eq!(blurred, by_hand);
        assert_ne!(with_noise(both, &pixels, 10, 4), blurred);
        assert_eq!(with_noise(both, &pixels, 10, 4), with_noise(both, &pixels, 10, 4));
        assert_eq!(with_noise(Augmentation::default(), &pixels, 10, 4), pixels);
    }
}
