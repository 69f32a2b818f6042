//! What is there on this machine, and what each command needs.
//!
//! | module | what happens there |
//! |---|---|
//! | `facts` | this machine -> [`Facts`]; changes nothing |
//! | `firmware` | the firmware, and what builds it |
//! | `devices` | debug probes and serial ports, and whether this user may open them |
//! | `diagnosis` | facts -> [`Check`]s: a state, who needs it, what mends it |
//! | `fix` | what can be mended without rights of another user |

mod devices;
mod diagnosis;
mod facts;
mod firmware;
mod fix;

pub use devices::{ProbeFacts, Reachable, SerialFacts};
pub use diagnosis::{Check, State, diagnose};
pub use facts::{CacheFacts, EmulatorFacts, Facts, FoundEmulator, ProgramFacts};
pub use firmware::{CompilerFacts, FirmwareFacts, Sources};
pub use fix::{FixError, fix};
