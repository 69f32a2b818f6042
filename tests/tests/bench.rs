//! Cost of an inference on the emulated boards: instructions are counted, so the result is always the same.
//!
//! A machine on which the emulator cannot run fails these tests.

use pinhole::bench::{Benchmark, bench};
use pinhole::board::Board;
use pinhole::model_file::ModelFile;
use pinhole_shared::link::Unit;
use pinhole_tests::handmade::{encode, logits, tiny};
use pinhole_tests::{Ran, bundled_model, on_disk, pinhole, repository};
use serde_json::Value;

const BOARDS: [Board; 3] = [Board::Qemu, Board::QemuM0plus, Board::QemuM33];

fn benched(board: Board, bytes: &[u8]) -> Benchmark {
    let (_temp, path) = on_disk(bytes);
    bench(&ModelFile::from_bytes(bytes).unwrap(), &path, board).unwrap_or_else(|error| panic!("{error}"))
}

/// `--against`: counts of other engines for this network and core, in text and in JSON, and a word where there are none.
#[test]
fn what_others_take_stands_beside_it() {
    let model = repository().join("data/models/conv-50-tiny/model.pinhole");
    let run = |arguments: &[&str]| Ran::of(pinhole(["bench"]).arg(&model).args(arguments)).ok();
    let result = run(&["--against", "--json"]).json();
    let peers = result["against"].as_array().unwrap();
    let expected = [("CMSIS-NN", 4_670_000), ("TensorFlow Lite Micro, CMSIS-NN", 4_920_000)];
    assert_eq!(peers.len(), expected.len());
    for (peer, (engine, instructions)) in peers.iter().zip(expected) {
        assert_eq!((peer["engine"].as_str(), peer["instructions"].as_u64()), (Some(engine), Some(instructions)));
    }
    let ours = result["instructions"].as_u64().unwrap();
    let told = run(&["--against"]).stdout;
    let line = told.lines().find(|line| line.contains(" CMSIS-NN  ")).unwrap_or_else(|| panic!("{told}"));
    assert!(line.contains(&format!(" {:.2} ", 4_670_000.0 / ours as f64)), "{line}, {ours}");
    assert!(run(&["--json"]).json()["against"].is_null());
    let none = run(&["--against", "--board", "qemu-m33"]).stdout;
    assert!(
        none.contains("against nothing: this network was not measured with other engines on a Cortex-M33"),
        "{none}"
    );
}

#[test]
fn two_runs_print_the_same() {
    let model = bundled_model();
    for (board, name) in BOARDS.into_iter().zip(["qemu-mps2-an386", "qemu-thumbv6m", "qemu-mps2-an505"]) {
        let run = |json: &[&str]| {
            let mut command = pinhole(["bench", "--board", board.name()]);
            Ran::of(command.arg(&model).args(json)).ok()
        };
        let result = run(&["--json"]).json();
        assert_eq!(run(&["--json"]).json(), result);
        let text = |field: &str| result[field].as_str().unwrap_or_default().to_owned();
        assert_eq!((text("board").as_str(), text("unit").as_str()), (name, "instructions"));
        let numbers = |values: &[Value], field: &str| -> Vec<u64> {
            values
                .iter()
                .map(|value| value[field].as_u64().unwrap_or_else(|| panic!("no {field} in {value}")))
                .collect()
        };
        let layers = result["layers"].as_array().unwrap();
        assert_eq!(numbers(layers, "macs"), [320_000, 2048, 32]);
        assert_eq!((numbers(layers, "inputs"), numbers(layers, "outputs")), (vec![2500, 128, 16], vec![128, 16, 2]));
        let [whole] = numbers(std::slice::from_ref(&result), "instructions")[..] else { panic!("{result}") };
        let sum: u64 = numbers(layers, "instructions").iter().sum();
        // Only the decision.
        assert!((1..5000).contains(&(whole - sum)), "{whole} instructions, {sum} of them in layers");
        assert_eq!(result["macs"], 322_080);

        let told = run(&[]).stdout;
        let first = format!("emulated board {name}, kernel {}: instructions of one inference\n", text("kernel"));
        assert!(told.starts_with(&first), "{told}");
        let total = told.lines().find(|line| line.starts_with("total")).unwrap_or_default();
        assert!(total.contains(&format!(" {whole} ")), "{told}");
        // At most a few cycles per instruction, reported as modelled.
        let cycles = result["modelled"]["cycles"].as_u64().unwrap();
        assert!((whole..4 * whole).contains(&cycles) && total.ends_with(&format!(" {cycles}")), "{told}");
        let time = told.lines().find(|line| line.starts_with("time")).unwrap_or_default();
        let clock_mhz = board.declaration().clock_hz / 1_000_000;
        assert!(time.contains(&format!(" ms at {clock_mhz} MHz (modeled")), "{told}");
        // Every loop saves at least eight registers; the upper limit is a budget.
        let [stack] = numbers(std::slice::from_ref(&result), "stack_bytes")[..] else { panic!("{result}") };
        assert!((100..=512).contains(&stack), "a stack of {stack} bytes");
        assert!(told.ends_with(&format!("stack  {stack} bytes (measured by stack painting)\n")), "{told}");
    }
}

/// Counts of every layer, from the smallest model to one with many more instructions than a timer tick.
#[test]
fn more_work_costs_more() {
    for board in BOARDS {
        // Rows come in blocks of four: 2 and 4 rows take the same work.
        let models = [tiny(1), tiny(4), encode(12, &[logits(2)], 5), encode(12, &[logits(8)], 5)];
        let benches = models.map(|model| benched(board, model.bytes()));
        for bench in &benches {
            assert_eq!(bench.unit, Unit::Instructions);
            assert!(bench.layers.iter().all(|layer| layer.instructions > layer.outputs as u64), "{bench:?}");
            let layers: u64 = bench.layers.iter().map(|layer| layer.instructions).sum();
            // Only the decision. Layers that add up to more than the whole would leave 0.
            assert!((1..5000).contains(&bench.rest()), "{bench:?}");
            assert_eq!(bench.instructions - layers, bench.rest(), "{bench:?}");
        }
        let first_layers = benches.each_ref().map(|bench| bench.layers[0].instructions);
        assert!(first_layers.is_sorted_by(|less, more| less < more), "{first_layers:?}");
        // A decision among eight classes takes longer than one between two.
        let decisions = benches.each_ref().map(Benchmark::rest);
        assert!(decisions[3] > decisions[2], "{decisions:?}");
    }
}
