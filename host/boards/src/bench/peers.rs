//! Costs of networks on other engines, which were measured once.
//!
//! # Source
//! Counted once, by an emulator plugin, on the same emulated machines, with the same networks exported by Pinhole and the same size of
//! input: CMSIS-NN 99f736a (-O3; the network of MobileNet's shape with single rounding and -O2) and TensorFlow Lite Micro 90b983c.
//! Cycles are modeled by the same timing tables. docs/measurements.md has these figures too. They were not repeated since.

use pinhole_declaration::Core;
use serde::Serialize;

use super::Benchmark;

/// Cost of an inference on another engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Peer {
    /// Name of the engine.
    pub engine: &'static str,
    /// Instructions.
    pub instructions: u64,
    /// Modeled cycles; `None` if they were not.
    pub cycles: Option<u64>,
}

const CMSIS: &str = "CMSIS-NN";
const TFLM: &str = "TensorFlow Lite Micro, CMSIS-NN";

/// A network, known by its multiply-accumulates, inputs and layers, and its peers on a core.
struct Measured {
    core: Core,
    shape: (u64, usize, usize),
    peers: &'static [Peer],
}

const CONV_96: (u64, usize, usize) = (11_280_640, 9_216, 7);
const CONV_50: (u64, usize, usize) = (7_659_264, 2_500, 6);
const CONV_50_TINY: (u64, usize, usize) = (1_579_560, 2_500, 6);
/// MLPerf Tiny's visual wake words: MobileNet 0.25 at 96x96 in color.
const WAKE_WORDS: (u64, usize, usize) = (7_489_664, 27_648, 29);
const DENSE: (u64, usize, usize) = (322_080, 2_500, 3);

const fn peer(engine: &'static str, instructions: u64, cycles: u64) -> Peer {
    Peer { engine, instructions, cycles: if cycles == 0 { None } else { Some(cycles) } }
}

const MEASURED: [Measured; 10] = [
    Measured {
        core: Core::CortexM4,
        shape: CONV_96,
        peers: &[peer(CMSIS, 33_830_000, 42_790_000), peer(TFLM, 34_000_000, 43_030_000)],
    },
    Measured {
        core: Core::CortexM4,
        shape: CONV_50,
        peers: &[peer(CMSIS, 19_060_000, 23_440_000), peer(TFLM, 19_530_000, 24_140_000)],
    },
    Measured {
        core: Core::CortexM4,
        shape: CONV_50_TINY,
        peers: &[peer(CMSIS, 4_670_000, 5_870_000), peer(TFLM, 4_920_000, 6_230_000)],
    },
    Measured {
        core: Core::CortexM4,
        shape: WAKE_WORDS,
        peers: &[peer(CMSIS, 22_890_000, 27_710_000), peer(TFLM, 24_720_000, 30_050_000)],
    },
    Measured { core: Core::CortexM4, shape: DENSE, peers: &[peer(CMSIS, 613_484, 0), peer(TFLM, 667_635, 0)] },
    Measured { core: Core::CortexM0Plus, shape: CONV_96, peers: &[peer(CMSIS, 99_050_000, 0)] },
    Measured { core: Core::CortexM0Plus, shape: CONV_50, peers: &[peer(CMSIS, 60_970_000, 0)] },
    Measured { core: Core::CortexM0Plus, shape: CONV_50_TINY, peers: &[peer(CMSIS, 14_110_000, 0)] },
    Measured { core: Core::CortexM0Plus, shape: WAKE_WORDS, peers: &[peer(CMSIS, 86_870_000, 119_850_000)] },
    Measured { core: Core::CortexM0Plus, shape: DENSE, peers: &[peer(CMSIS, 1_962_729, 0)] },
];

/// Returns the costs of a benchmark's network on other engines and this core; none if it was not measured with them.
pub fn peers(bench: &Benchmark, core: Core) -> &'static [Peer] {
    let inputs = bench.layers.first().map_or(0, |layer| layer.inputs);
    let shape = (bench.macs, inputs, bench.layers.len());
    MEASURED.iter().find(|measured| measured.core == core && measured.shape == shape).map_or(&[], |found| found.peers)
}
