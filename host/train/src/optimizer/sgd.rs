//! Stochastic gradient descent with momentum.

use super::Rule;

/// One update's step, as Keras' `SGD`: the velocity is `momentum * velocity - rate * gradient`, and the weight moves by
/// it, or with Nesterov's look-ahead by `momentum * velocity - rate * gradient` once more.
///
/// # Source
/// I. Sutskever et al., "On the importance of initialization and momentum in deep learning", ICML 2013, section 2, in
/// the form that evaluates the gradient at the weights themselves (Keras' documentation of `SGD`).
#[derive(Clone, Copy, Debug)]
pub(crate) struct SgdStep {
    pub rate: f32,
    pub momentum: f32,
    pub nesterov: bool,
}

/// State: the velocity; the second value is not used.
impl Rule for SgdStep {
    #[inline(always)]
    fn update(&self, weight: &mut f32, (velocity, _): (&mut f32, &mut f32), gradient: f32) {
        let step = self.rate * gradient;
        *velocity = *velocity * self.momentum - step;
        *weight += if self.nesterov { *velocity * self.momentum - step } else { *velocity };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two updates by hand: gradients 1 and 2, rate 0.5, momentum 0.5.
    #[test]
    fn velocity_by_hand() {
        for (nesterov, expected) in [(false, [-0.5, -1.75]), (true, [-0.75, -2.375])] {
            let step = SgdStep { rate: 0.5, momentum: 0.5, nesterov };
            let (mut weight, mut velocity, mut unused) = (0.0, 0.0, 0.0);
            step.update(&mut weight, (&mut velocity, &mut unused), 1.0);
            assert_eq!((weight, velocity), (expected[0], -0.5));
            step.update(&mut weight, (&mut velocity, &mut unused), 2.0);
            assert_eq!((weight, velocity), (expected[1], -1.25));
        }
    }
}
