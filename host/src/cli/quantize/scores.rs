//! Output of the scores of several models of one network.

use super::super::output::say;
use crate::app::quantize::ScoreTable;

pub(super) fn print_table(table: &ScoreTable) {
    let photos = table.photos;
    let heading = if table.before.is_some() {
        format!("on the {photos} validation photos")
    } else {
        format!("on these {photos} photos")
    };
    say!("{heading:<34} accuracy    loss   decides as float");
    let name = format!("int, bits {}", table.bits);
    let tuned = format!("{name}, fine-tuned");
    let rows = [
        ("float", table.float.as_ref()),
        ("int8", table.int8.as_ref()),
        (&*name, table.before.as_ref()),
        (if table.before.is_some() { &*tuned } else { &*name }, Some(&table.written)),
    ];
    for (name, score) in rows.into_iter().filter_map(|(name, score)| Some((name, score?))) {
        let agreement = score.agreement.map(|agreement| format!("{agreement:>18.3}")).unwrap_or_default();
        say!("  {name:<32} {:>8.3} {:>7.3} {agreement}", score.accuracy, score.loss);
    }
}
