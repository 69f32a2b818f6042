//! Instruction counts by kind, and their cycles.

use crate::budget::predict::counted_core::CountedCore;
use std::ops::{Add, Mul};

/// Number of instructions of each kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::budget::predict) struct Ops {
    /// Instructions of one cycle: arithmetic, multiplications, moves, branches that are not taken, instructions whose
    /// condition does not hold.
    pub(in crate::budget::predict) simple: u64,
    /// Loads of a single value.
    pub(in crate::budget::predict) loads: u64,
    /// Loads of a single value right after another load.
    pub(in crate::budget::predict) loads_in_a_row: u64,
    /// Stores of a single value.
    pub(in crate::budget::predict) stores: u64,
    /// Loads and stores of several registers.
    pub(in crate::budget::predict) multiples: u64,
    /// Registers of these loads and stores.
    pub(in crate::budget::predict) registers: u64,
    /// Taken branches and calls.
    pub(in crate::budget::predict) taken: u64,
    /// Loads of several registers that include the program counter.
    pub(in crate::budget::predict) returns: u64,
    /// Divisions.
    pub(in crate::budget::predict) divisions: u64,
}

impl Ops {
    pub(in crate::budget::predict) const NONE: Self = Self {
        simple: 0,
        loads: 0,
        loads_in_a_row: 0,
        stores: 0,
        multiples: 0,
        registers: 0,
        taken: 0,
        returns: 0,
        divisions: 0,
    };

    pub(in crate::budget::predict) fn instructions(self) -> u64 {
        self.simple + self.loads + self.loads_in_a_row + self.stores + self.multiples + self.taken + self.divisions
    }

    /// Returns the cycles, if memory never makes the core wait.
    ///
    /// # Source
    /// Arm DDI 0439B, "Cortex-M4 Technical Reference Manual", 3.3 (a division takes 2 to 12: 6 here; a taken branch
    /// refills the pipeline in 1 to 3: 2 here); Arm DDI 0484C, "Cortex-M0+ Technical Reference Manual", 3.3, with the
    /// multiplier of one cycle.
    pub(in crate::budget::predict) fn cycles(self, core: CountedCore) -> u64 {
        let Timing { load_in_a_row, store, taken } = match core {
            CountedCore::CortexM4 => Timing { load_in_a_row: 1, store: 1, taken: 3 },
            CountedCore::CortexM0Plus => Timing { load_in_a_row: 2, store: 2, taken: 2 },
        };
        self.simple
            + 2 * self.loads
            + load_in_a_row * self.loads_in_a_row
            + store * self.stores
            + self.multiples
            + self.registers
            + taken * self.taken
            + 2 * self.returns
            + 6 * self.divisions
    }
}

/// Cycles of the instructions in which the cores differ.
struct Timing {
    load_in_a_row: u64,
    store: u64,
    taken: u64,
}

impl Add for Ops {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            simple: self.simple + other.simple,
            loads: self.loads + other.loads,
            loads_in_a_row: self.loads_in_a_row + other.loads_in_a_row,
            stores: self.stores + other.stores,
            multiples: self.multiples + other.multiples,
            registers: self.registers + other.registers,
            taken: self.taken + other.taken,
            returns: self.returns + other.returns,
            divisions: self.divisions + other.divisions,
        }
    }
}

impl Mul<Ops> for u64 {
    type Output = Ops;

    fn mul(self, ops: Ops) -> Ops {
        Ops {
            simple: self * ops.simple,
            loads: self * ops.loads,
            loads_in_a_row: self * ops.loads_in_a_row,
            stores: self * ops.stores,
            multiples: self * ops.multiples,
            registers: self * ops.registers,
            taken: self * ops.taken,
            returns: self * ops.returns,
            divisions: self * ops.divisions,
        }
    }
}
