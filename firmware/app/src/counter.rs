//! The counter trait: measures what an inference costs, in time and in stack.

use pinhole_shared::link::Unit;

/// Counts units of work (instructions or clock cycles) between points of the program.
///
/// A clock that ticks once in many units is enough if its phase can be chosen: counted once from every phase, the ticks
/// add up to the units. Let a tick be `t` units and let an interval of `n` units begin `p` units after a tick. Then
/// `floor((p + n) / t)` ticks lie in it, and for `p` = 0, 1, ..., `t - 1` these sum up to exactly `n` (Hermite's
/// identity). Therefore there are rounds; a counter of single units has one.
///
/// # Contract, for callers
/// Do the same work in each of the rounds 0..[`Counter::ROUNDS`]. Begin each round by [`Counter::start`], and read at
/// the same points. The count between two points is the sum over all rounds of the differences of their readings,
/// modulo 2^32 each. Reading costs units too; to measure that, count from one reading to the next.
///
/// # Contract, for implementors
/// The sum above is the number of units between the two points, for any two points less than 2^32 readings apart. The
/// units between `start` and a point are the same in every round, except for what `start` itself adds. All methods
/// return soon (`start` may wait for a phase) and never panic. A counter driven by an emulator gives the same numbers
/// every time.
pub trait Counter {
    /// Unit of the count.
    const UNIT: Unit;
    /// Number of rounds per measurement, at least 1.
    const ROUNDS: u32;

    /// Begins a round.
    fn start(&mut self, round: u32);

    /// Returns the current reading. Readings grow and wrap from 2^32 - 1 to 0.
    fn read(&mut self) -> u32;

    /// Returns microseconds by the board's clock, modulo 2^32. For durations of less than a minute; each reading may be
    /// off by one tick of that clock.
    fn now_us(&mut self) -> u32;

    /// Paints all unused stack, so that [`Counter::deepest_stack`] can measure its use.
    fn paint_stack(&mut self);

    /// Returns the stack used by the caller and its callers, bytes.
    fn stack_depth(&self) -> u32;

    /// Returns the maximum stack used since the last painting, bytes. This is a lower bound: stack that a function
    /// reserved but never wrote is not counted.
    fn deepest_stack(&self) -> u32;

    /// Runs `work` between markers for external measurements, for example by an emulator plugin. The default has no
    /// markers.
    fn bracket<R>(&mut self, work: impl FnOnce() -> R) -> R {
        work()
    }
}
