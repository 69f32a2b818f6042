//! Hostile model files. Whatever bytes arrive, parsing refuses them with a reason, or what it accepts runs within the
//! bounds it has proven; nothing panics.
//!
//! | module | what is done to a good file | what must happen |
//! |---|---|---|
//! | [`damage`] | bytes changed, missing, too many | refused, for the right reason |
//! | [`refusals`] | one thing wrong, checksum renewed | refused with the reason and the numbers of that thing |
//! | [`mutants`] | random changes, checksum renewed; random bytes | refused, or runs exactly as computed in wide integers |

mod damage;
mod mutants;
mod refusals;
mod samples;
