//! Batch normalization compared with its formula.

use std::sync::Mutex;

use candle_core::{DType, Result};

use super::*;

#[test]
fn batch_normalization_is_its_formula_in_candle() {
    let (channels, places) = (3, 35);
    // Far from 0, where a careless variance loses digits by cancellation.
    let inputs = Var::from_tensor(&(variable(BATCH, channels * places, 1).as_tensor() + 10.0).unwrap()).unwrap();
    let (gamma, beta) = (line(channels, 2), line(channels, 3));
    let seen = Arc::default();
    let ours = inputs.apply_op3(&gamma, &beta, NormOp::new(channels, places, Arc::clone(&seen))).unwrap();
    let seen: BatchStatistics = Mutex::lock(&seen).unwrap().take().expect("left behind");

    let (theirs, means, variances) = (|| -> Result<_> {
        let x = inputs.to_dtype(DType::F64)?.reshape((BATCH, channels, places))?;
        let means = x.mean_keepdim((0, 2))?;
        let centered = x.broadcast_sub(&means)?;
        let variances = centered.sqr()?.mean_keepdim((0, 2))?;
        let normalized = centered.broadcast_div(&(&variances + EPSILON)?.sqrt()?)?;
        let gamma = gamma.to_dtype(DType::F64)?.reshape((1, channels, 1))?;
        let beta = beta.to_dtype(DType::F64)?.reshape((1, channels, 1))?;
        let outputs = normalized.broadcast_mul(&gamma)?.broadcast_add(&beta)?.flatten_from(1)?;
        Ok((outputs.to_dtype(DType::F32)?, means.flatten_all()?.to_vec1()?, variances.flatten_all()?.to_vec1()?))
    })()
    .unwrap();
    let close = |a: &[f64], b: &[f64]| a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-9);
    assert!(close(&seen.means, &means) && close(&seen.variances, &variances), "{seen:?}, {means:?}, {variances:?}");
    assert_close(&values(&ours), &doubles(&theirs), TOLERANCE, "normalized");
    let delta = weighting(&ours);
    let variables = [&inputs, &gamma, &beta];
    let theirs = gradients(&theirs, &delta, &variables);
    for (ours, theirs) in gradients(&ours, &delta, &variables).into_iter().zip(theirs) {
        let theirs: Vec<f64> = theirs.unwrap().into_iter().map(f64::from).collect();
        assert_close(&ours.unwrap(), &theirs, TOLERANCE, "gradient of normalization");
    }
}
