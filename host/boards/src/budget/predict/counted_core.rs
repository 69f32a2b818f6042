//! Cores whose instructions are counted.

use pinhole_declaration::Core;

/// A core with a kernel whose loops, and code around them, have been counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::budget::predict) enum CountedCore {
    CortexM4,
    CortexM0Plus,
}

/// A core that is not here has no prediction.
const COUNTED: [(Core, CountedCore); 3] = [
    (Core::CortexM4, CountedCore::CortexM4),
    (Core::CortexM0Plus, CountedCore::CortexM0Plus),
    // The same loops. Arm publishes no timing tables of a Cortex-M33, so those of a Cortex-M4 stand in.
    (Core::CortexM33, CountedCore::CortexM4),
];

impl CountedCore {
    pub(in crate::budget::predict) fn of(core: Core) -> Option<Self> {
        COUNTED.iter().find(|(declared, _)| *declared == core).map(|&(_, counted)| counted)
    }

    /// The core whose timing tables are used.
    pub(in crate::budget::predict) fn timed(self) -> Core {
        match self {
            Self::CortexM4 => Core::CortexM4,
            Self::CortexM0Plus => Core::CortexM0Plus,
        }
    }
}
