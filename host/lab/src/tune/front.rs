//! The Pareto front of networks.

use super::cost::Cost;

/// Returns, for each network (accuracy and cost), true if it is on the front of accuracy, flash and multiply-accumulates. On
/// the front, no other network is at least as good in all three and better in one.
pub(super) fn pareto(networks: &[(f64, Cost)]) -> Vec<bool> {
    let beats = |other: &(f64, Cost), one: &(f64, Cost)| {
        let as_good = other.0 >= one.0 && other.1.flash_bytes <= one.1.flash_bytes && other.1.macs <= one.1.macs;
        let better = other.0 > one.0 || other.1.flash_bytes < one.1.flash_bytes || other.1.macs < one.1.macs;
        as_good && better
    };
    networks.iter().map(|one| !networks.iter().any(|other| beats(other, one))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fronts_by_hand() {
        let network = |accuracy, flash_bytes, macs| (accuracy, Cost { flash_bytes, ram_bytes: 0, macs, time_ms: None });
        let networks = [
            network(0.9, 100, 100),
            network(0.8, 50, 50),
            network(0.8, 60, 50),   // the one before is smaller
            network(0.7, 60, 10),   // fewer multiply-accumulates than any
            network(0.9, 100, 100), // equal to the first: neither beats the other
            network(0.6, 100, 20),
        ];
        assert_eq!(pareto(&networks), [true, true, false, true, true, false]);
    }
}
