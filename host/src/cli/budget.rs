//! Output of `pinhole inspect --board` about the board.

use pinhole_boards::budget::Shortfalls;

use super::output::say;
use crate::app::budget::{BoardBudget, Predicted};

/// Prints the memory that a model and the firmware take on a board.
pub(super) fn print_budget(budget: &BoardBudget) {
    let (flash, ram, model, room) = (&budget.flash, &budget.ram, &budget.model, &budget.room);
    say!();
    say!("board     {}: {} at {} MHz", budget.name, budget.core, f64::from(budget.clock_hz) / 1e6);
    say!("          {:<22} {:>8}  {:>8}", "", "used", "limit");
    let line = |what: &str, takes: u64, may_take: u32| {
        let percent = 100.0 * takes as f64 / f64::from(may_take.max(1));
        say!("          {what:<22} {takes:>8}  {may_take:>8}  {percent:>5.1} %");
    };
    line("flash, code, bytes", flash.code_bytes, flash.code_budget_bytes);
    line("  engine code, bytes", flash.engine_bytes, flash.engine_budget_bytes);
    line("flash, model, bytes", flash.model_bytes as u64, flash.model_budget_bytes);
    line("RAM, static, bytes", ram.static_bytes, ram.static_budget_bytes);
    match ram.worst_stack_bytes {
        Some(worst) => line("RAM, worst stack, bytes", u64::from(worst), ram.stack_budget_bytes),
        None => say!("          {:<22} {:>8}  {:>8}", "RAM, stack, bytes", "?", ram.stack_budget_bytes),
    }
    line("input, bytes", model.input_bytes as u64, room.input_bytes);
    line("input row, bytes", model.input_row_bytes as u64, room.input_row_bytes);
    line("input channels", u64::from(model.input_channels), u32::from(room.input_channels));
    line("accumulators", model.accumulators as u64, room.accumulators);
    line("activations", model.activations as u64, room.activations);
    line("scratch", model.scratch as u64, room.scratch);
    line("arena, bytes", model.arena_bytes as u64, room.arena_bytes);
    if let Some(Predicted { work, time_ms, timing_tables: tables }) = &budget.predicted {
        say!("predicted {} instructions per inference, by layer:", work.whole.instructions);
        for (index, layer) in work.layers.iter().enumerate() {
            say!("{index:>5}  {:>10} instructions, {:>10} cycles", layer.instructions, layer.cycles);
        }
        let cycles = work.whole.cycles;
        say!(
            "          {cycles} cycles, {time_ms:.2} ms (modeled: timing tables of a {tables}, no memory wait states)"
        );
    }
    if budget.fits {
        say!("fits      yes");
    } else if budget.shortfalls.is_empty() {
        say!("fits      no: the firmware needs more stack than the board reserves");
        say!("          raise stack_bytes in the board's declaration, or make the firmware use less stack");
    } else {
        let shortfalls = Shortfalls(budget.shortfalls.clone());
        say!("fits      no: {shortfalls}");
        say!("          {}", shortfalls.advice());
    }
}
