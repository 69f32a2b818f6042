//! What a board must do to count what an inference costs, in time and in stack.

use pinhole_shared::link::Unit;

/// Counts units of work (instructions or clock cycles) between points of the program.
///
/// A clock that ticks once in many units is enough, if its phase can be chosen: counted once from every phase, the ticks
/// add up to the units. Let a tick be `t` units and let a stretch of `n` units begin `p` units after a tick; then
/// `floor((p + n) / t)` ticks lie in it, and for `p` = 0, 1, ..., `t - 1` these sum up to exactly `n` (Hermite's
/// identity). This is what rounds are for; a counter of single units has one.
///
/// # Contract, for callers
/// Carry out the same work in each of the rounds 0..[`Counter::ROUNDS`], each begun by [`Counter::start`], and read at
/// the same points. The count from one point to another is the sum over all rounds of the differences of the readings
/// there, modulo 2^32 each. Reading costs something too; to know how much, count from one reading to the next.
///
/// # Contract, for implementors
/// The sum above is the number of units between the two points, for any two points whose distance in readings is less
/// than 2^32. Between `start` and a point lie the same units in every round, apart from what `start` itself adds. All
/// methods return soon (`start` may wait for a phase) and never panic. A counter that an emulator drives gives the
/// same numbers every time.
pub trait Counter {
    /// What is counted.
    const UNIT: Unit;
    /// Rounds it takes to count. At least 1.
    const ROUNDS: u32;

    /// Begins a round.
    fn start(&mut self, round: u32);

    /// The reading now. Readings grow, from 2^32 - 1 on to 0.
    fn read(&mut self) -> u32;

    /// Microseconds by the board's clock, modulo 2^32: for how long something takes, which is less than a minute. It may be
    /// off by a tick of that clock at either end.
    fn now_us(&mut self) -> u32;

    /// Marks all of the stack that is not in use, so that [`Counter::deepest_stack`] can tell what was.
    fn paint_stack(&mut self);

    /// Bytes of the stack in use by the caller and its callers.
    fn stack_depth(&self) -> u32;

    /// Bytes of the stack that were in use at most since the last painting, as far as they were written: a lower bound,
    /// off by what a function reserved and left alone.
    fn deepest_stack(&self) -> u32;

    /// Does this work between marks for those who count from outside, say a plugin of the emulator. Without marks
    /// unless the board has some.
    fn bracket<R>(&mut self, work: impl FnOnce() -> R) -> R {
        work()
    }
}
