//! Stochastic gradient descent with momentum.

use super::Rule;

/// Step of one update, as Keras' `SGD`: the velocity becomes `momentum * velocity - rate * gradient` and is added to
/// the weight. With Nesterov momentum, `momentum * velocity - rate * gradient` is added, with the new velocity.
///
/// # Source
/// I. Sutskever et al., "On the importance of initialization and momentum in deep learning", ICML 2013, section 2. The
/// form is that of Keras' documentation of `SGD`, which evaluates the gradient at the weights themselves.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SgdStep {
    pub rate: f32,
    pub momentum: f32,
    pub nesterov: bool,
}

/// The first number of the state is the velocity; the second is not used.
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
