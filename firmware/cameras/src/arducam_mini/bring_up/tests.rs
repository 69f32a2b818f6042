//! Aim and tables.

use super::*;
use crate::ov2640::{AEB, AEW, Writes};

#[test]
fn the_aim_is_what_the_tables_set() {
    let set = |register: Register| {
        BASE.iter().find_map(|writes| match writes {
            Writes::Sensor(pairs) => {
                pairs.iter().find(|(address, _)| Register::Sensor(*address) == register).map(|(_, value)| *value)
            }
            Writes::Dsp(_) => None,
        })
    };
    assert_eq!((set(AEB), set(AEW)), (Some(*AIM.start()), Some(*AIM.end())));
}
