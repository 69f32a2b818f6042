//! Hostile model files. For any bytes, parsing refuses them with a reason, or the accepted model runs within its proven
//! bounds; nothing panics.
//!
//! | module | change of a good file | required result |
//! |---|---|---|
//! | [`damage`] | bytes changed, missing, too many | refused, for the right reason |
//! | [`refusals`] | one error, checksum renewed | refused with the reason and the numbers of that error |
//! | [`work`] | none: too much work | refused, or does not fit a board |
//! | [`mutants`] | random changes, checksum renewed; random bytes | refused, or runs exactly as computed in wide integers |

mod damage;
mod mutants;
mod refusals;
mod samples;
mod work;
