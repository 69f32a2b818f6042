//! Cores whose instructions are counted.

use pinhole_declaration::Core;

/// A core with a kernel whose loops, and code around them, have been counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::budget::predict) enum CountedCore {
    CortexM4,
    CortexM0Plus,
}

/// A core that is not here has no prediction.
const COUNTED: [(Core, CountedCore); 2] =
    [(Core::CortexM4, CountedCore::CortexM4), (Core::CortexM0Plus, CountedCore::CortexM0Plus)];

impl CountedCore {
    pub(in crate::budget::predict) fn of(core: Core) -> Option<Self> {
        COUNTED.iter().find(|(declared, _)| *declared == core).map(|&(_, counted)| counted)
    }
}
