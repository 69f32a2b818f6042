//! The Adam optimizer, and AdamW.

use super::Rule;

/// Settings of Adam. The constants are Keras' defaults, epsilon included (PyTorch and candle use 1e-8).
///
/// # Source
/// D. Kingma and J. Ba, "Adam: a method for stochastic optimization", ICLR 2015, section 2, in the order of operations
/// given at its end (bias correction folded into the step size; epsilon is added to the uncorrected root).
#[derive(Clone, Copy, Debug)]
pub(crate) struct AdamSettings {
    pub beta1: f32,
    pub beta2: f32,
    pub epsilon: f32,
}

impl AdamSettings {
    pub(super) const KERAS: Self = Self { beta1: 0.9, beta2: 0.999, epsilon: 1e-7 };
}

/// State of Adam: powers of both betas. They are kept by multiplication in f64: the result of `powi` may differ between
/// machines.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Adam {
    settings: AdamSettings,
    power1: f64,
    power2: f64,
}

impl Adam {
    pub(super) fn new(settings: AdamSettings) -> Self {
        Self { settings, power1: 1.0, power2: 1.0 }
    }

    /// Returns the next update's step. Its size includes the bias corrections of both moments.
    pub(super) fn next(&mut self, learning_rate: f64) -> AdamStep {
        let AdamSettings { beta1, beta2, epsilon } = self.settings;
        self.power1 *= f64::from(beta1);
        self.power2 *= f64::from(beta2);
        let correction = (1.0 - self.power2).sqrt() / (1.0 - self.power1);
        AdamStep { step_size: (learning_rate * correction) as f32, keep1: 1.0 - beta1, keep2: 1.0 - beta2, epsilon }
    }
}

/// The step shared by all parameters of one update.
#[derive(Clone, Copy, Debug)]
pub(crate) struct AdamStep {
    step_size: f32,
    keep1: f32,
    keep2: f32,
    epsilon: f32,
}

/// A step of Adam with decoupled weight decay: the weight is first reduced by a share of itself, which depends neither
/// on the moments nor on the gradient.
///
/// # Source
/// I. Loshchilov and F. Hutter, "Decoupled weight decay regularization", ICLR 2019, algorithm 2, in the order of Keras'
/// `AdamW`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct AdamWStep {
    pub adam: AdamStep,
    /// Learning rate times weight decay.
    pub decay: f32,
}

/// The state is that of Adam.
impl Rule for AdamWStep {
    #[inline(always)]
    fn update(&self, weight: &mut f32, state: (&mut f32, &mut f32), gradient: f32) {
        *weight -= *weight * self.decay;
        self.adam.update(weight, state, gradient);
    }
}

/// The two numbers of the state are the first and the second moment.
impl Rule for AdamStep {
    #[inline(always)]
    fn update(&self, weight: &mut f32, (first, second): (&mut f32, &mut f32), gradient: f32) {
        *first += (gradient - *first) * self.keep1;
        *second += (gradient * gradient - *second) * self.keep2;
        *weight -= *first * self.step_size / (second.sqrt() + self.epsilon);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A weight with a gradient of 0 only decays; one with a gradient decays before Adam's step.
    #[test]
    fn decay_by_hand() {
        let adam = Adam::new(AdamSettings::KERAS).next(0.5);
        let step = AdamWStep { adam, decay: 0.25 };
        let (mut weight, mut first, mut second) = (8.0, 0.0, 0.0);
        step.update(&mut weight, (&mut first, &mut second), 0.0);
        assert_eq!((weight, first, second), (6.0, 0.0, 0.0));
        let (mut plain, mut state) = (4.5, (0.0, 0.0));
        adam.update(&mut plain, (&mut state.0, &mut state.1), 2.0);
        step.update(&mut weight, (&mut first, &mut second), 2.0);
        assert_eq!((weight, (first, second)), (plain, state));
        assert!((weight - 4.0).abs() < 1e-5, "Adam's first step is the learning rate: {weight}");
    }
}
