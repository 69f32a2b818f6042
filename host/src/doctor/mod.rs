//! Examines this machine, and the requirements of each command.
//!
//! | module | contents |
//! |---|---|
//! | `facts` | [`Facts`] about this machine; changes nothing |
//! | `firmware` | facts about firmware and toolchains |
//! | `devices` | debug probes and serial ports, and whether this user may open them |
//! | `diagnosis` | a [`Check`] for each part: its state, who requires it, and what helps |
//! | `fix` | fixes what this user's rights allow |

mod devices;
mod diagnosis;
mod facts;
mod firmware;
mod fix;

pub use devices::{ProbeFacts, Reachable, SerialFacts};
pub use diagnosis::{Check, CheckState, diagnose};
pub use facts::{CacheFacts, EmulatorFacts, Facts, FoundEmulator, ProgramFacts};
pub use firmware::{CompilerFacts, FirmwareFacts, Sources};
pub use fix::{FixError, fix};
