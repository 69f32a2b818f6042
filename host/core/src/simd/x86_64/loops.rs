//! Innermost loops of AVX2 and AVX-512 VNNI. VPMADDWD and VPDPBUSD add exact products, modulo 2^32.

use std::arch::x86_64::*;
use std::mem::transmute;

use super::packed::{GROUP, Lanes, Packed};
use super::padded::Padded;
use super::positions::{Convolution, Scale, Tile, all, all_rows};
use super::{POSITIONS, ROWS};

/// 16 sums.
type Halves = [__m256i; 2];

#[target_feature(enable = "avx2")]
pub(super) fn convolve_avx2(layer: Convolution<'_>, output: &mut [u8]) {
    let (larger, scale) = (|a, b| larger_avx2(a, b), |sums, of: Scale<'_>| scale_avx2(sums, of));
    if layer.is_depthwise {
        all(layer, output, |tile| channel_sums_avx2(tile), larger, scale);
    } else {
        all(layer, output, |tile| sums_avx2(tile), larger, scale);
    }
}

#[target_feature(enable = "avx2,avx512f,avx512bw,avx512vnni")]
pub(super) fn convolve_vnni(layer: Convolution<'_>, output: &mut [u8]) {
    if layer.is_depthwise {
        return convolve_avx2(layer, output);
    }
    let (larger, scale) = (|a, b| _mm512_max_epi32(a, b), |sums, of: Scale<'_>| scale_avx512(sums, of));
    all(layer, output, |tile| sums_vnni(tile), larger, scale);
}

#[target_feature(enable = "avx2")]
pub(super) fn dense_avx2(packed: &Packed, line: &Padded, sums: &mut [i32]) {
    all_rows(packed, line, sums, |weights, bias, inputs| {
        // Several sums of each row, since each takes a while until it can be added to again.
        let mut sums = [halves(bias), [_mm256_setzero_si256(); 2]];
        for (weights, inputs) in weights.chunks(2).zip(inputs.chunks(2)) {
            for ((sums, weights), &input) in sums.iter_mut().zip(weights).zip(inputs) {
                let input = _mm256_set1_epi32(i32::from_le_bytes(input));
                *sums = add(*sums, halves(weights).map(|weights| _mm256_madd_epi16(input, weights)));
            }
        }
        both(add(sums[0], sums[1]))
    });
}

#[target_feature(enable = "avx2,avx512f,avx512bw,avx512vnni")]
pub(super) fn dense_vnni(packed: &Packed, line: &Padded, sums: &mut [i32]) {
    all_rows(packed, line, sums, |weights, bias, inputs| {
        let mut sums = [_mm512_setzero_si512(); 4];
        sums[0] = whole(bias);
        for (weights, inputs) in weights.chunks(4).zip(inputs.chunks(4)) {
            for ((sum, weights), &input) in sums.iter_mut().zip(weights).zip(inputs) {
                *sum = _mm512_dpbusd_epi32(*sum, _mm512_set1_epi32(i32::from_le_bytes(input)), whole(weights));
            }
        }
        let [a, b, c, d] = sums;
        lanes(_mm512_add_epi32(_mm512_add_epi32(a, b), _mm512_add_epi32(c, d)))
    });
}

/// Adds products of pairs of 16-bit elements.
#[target_feature(enable = "avx2")]
fn sums_avx2(tile: Tile<'_>) -> [Halves; POSITIONS] {
    let start = halves(tile.bias);
    let (mut a, mut b, mut c, mut d) = (start, start, start, start);
    for (weights, [of_a, of_b, of_c, of_d]) in tile.steps() {
        let weights = halves(weights);
        a = add_pairs(a, of_a, weights);
        b = add_pairs(b, of_b, weights);
        c = add_pairs(c, of_c, weights);
        d = add_pairs(d, of_d, weights);
    }
    [a, b, c, d]
}

#[target_feature(enable = "avx2")]
fn add_pairs(sums: Halves, input: [u8; GROUP], weights: Halves) -> Halves {
    let input = _mm256_set1_epi32(i32::from_le_bytes(input));
    add(sums, [_mm256_madd_epi16(input, weights[0]), _mm256_madd_epi16(input, weights[1])])
}

/// Adds products of fours of 8-bit elements.
#[target_feature(enable = "avx2,avx512f,avx512bw,avx512vnni")]
fn sums_vnni(tile: Tile<'_>) -> [__m512i; POSITIONS] {
    let start = whole(tile.bias);
    let (mut a, mut b, mut c, mut d) = (start, start, start, start);
    for (weights, [of_a, of_b, of_c, of_d]) in tile.steps() {
        let weights = whole(weights);
        a = add_fours(a, of_a, weights);
        b = add_fours(b, of_b, weights);
        c = add_fours(c, of_c, weights);
        d = add_fours(d, of_d, weights);
    }
    [a, b, c, d]
}

#[target_feature(enable = "avx512f,avx512vnni")]
fn add_fours(sums: __m512i, input: [u8; GROUP], weights: __m512i) -> __m512i {
    _mm512_dpbusd_epi32(sums, _mm512_set1_epi32(i32::from_le_bytes(input)), weights)
}

/// Adds products of each channel.
#[target_feature(enable = "avx2")]
fn channel_sums_avx2(tile: Tile<'_>) -> [Halves; POSITIONS] {
    let start = halves(tile.bias);
    let (mut a, mut b, mut c, mut d) = (start, start, start, start);
    for (weights, [of_a, of_b, of_c, of_d]) in tile.steps() {
        let weights = halves(weights);
        a = add_channels(a, of_a, weights);
        b = add_channels(b, of_b, weights);
        c = add_channels(c, of_c, weights);
        d = add_channels(d, of_d, weights);
    }
    [a, b, c, d]
}

/// Adds products of 16 channels: of pairs of 16-bit elements, whose second is 0.
#[target_feature(enable = "avx2")]
fn add_channels(sums: Halves, input: [u8; ROWS], weights: Halves) -> Halves {
    let channels = u128::from_le_bytes(input);
    let low = _mm256_cvtepu8_epi32(_mm_cvtsi64_si128(channels as i64));
    let high = _mm256_cvtepu8_epi32(_mm_cvtsi64_si128((channels >> 64) as i64));
    add(sums, [_mm256_madd_epi16(low, weights[0]), _mm256_madd_epi16(high, weights[1])])
}

#[target_feature(enable = "avx2")]
fn add(a: Halves, b: Halves) -> Halves {
    [_mm256_add_epi32(a[0], b[0]), _mm256_add_epi32(a[1], b[1])]
}

#[target_feature(enable = "avx2")]
fn larger_avx2(a: Halves, b: Halves) -> Halves {
    [_mm256_max_epi32(a[0], b[0]), _mm256_max_epi32(a[1], b[1])]
}

/// Requantizes as [`pinhole_shared::fixed::requantize`] does, and converts to bytes as the shared engine does: adds the zero
/// point, then clamps.
#[target_feature(enable = "avx2")]
fn scale_avx2(sums: Halves, scale: Scale<'_>) -> [u8; ROWS] {
    let shift = _mm_cvtsi32_si128(scale.pre_shift.into());
    let half = _mm256_set1_epi64x(1 << 31);
    let multipliers = halves(scale.multipliers);
    let mut values = sums;
    for (value, multipliers) in values.iter_mut().zip(multipliers) {
        let shifted = _mm256_sll_epi32(*value, shift);
        let even = _mm256_add_epi64(_mm256_mul_epi32(shifted, multipliers), half);
        let odd = _mm256_mul_epi32(_mm256_srli_epi64(shifted, 32), _mm256_srli_epi64(multipliers, 32));
        let odd = _mm256_add_epi64(odd, half);
        // The upper halves of the products.
        let scaled = _mm256_blend_epi32(_mm256_srli_epi64(even, 32), odd, 0b1010_1010);
        let moved = _mm256_add_epi32(scaled, _mm256_set1_epi32(scale.zero_point.into()));
        let (least, most) = (_mm256_set1_epi32(scale.range.0.into()), _mm256_set1_epi32(scale.range.1.into()));
        *value = _mm256_min_epi32(_mm256_max_epi32(moved, least), most);
    }
    // Packing works in halves of vectors: the middle quarters change places.
    let words = _mm256_permute4x64_epi64(_mm256_packus_epi32(values[0], values[1]), 0b11_01_10_00);
    let bytes = _mm_packus_epi16(_mm256_castsi256_si128(words), _mm256_extracti128_si256(words, 1));
    // SAFETY: both are 16 bytes, and any bytes are valid.
    unsafe { transmute(bytes) }
}

/// As [`scale_avx2`].
#[target_feature(enable = "avx512f")]
fn scale_avx512(sums: __m512i, scale: Scale<'_>) -> [u8; ROWS] {
    let half = _mm512_set1_epi64(1 << 31);
    let multipliers = whole(scale.multipliers);
    let shifted = _mm512_sll_epi32(sums, _mm_cvtsi32_si128(scale.pre_shift.into()));
    let even = _mm512_add_epi64(_mm512_mul_epi32(shifted, multipliers), half);
    let odd = _mm512_mul_epi32(_mm512_srli_epi64(shifted, 32), _mm512_srli_epi64(multipliers, 32));
    let odd = _mm512_add_epi64(odd, half);
    let scaled = _mm512_mask_blend_epi32(0b1010_1010_1010_1010, _mm512_srli_epi64(even, 32), odd);
    let moved = _mm512_add_epi32(scaled, _mm512_set1_epi32(scale.zero_point.into()));
    let (least, most) = (_mm512_set1_epi32(scale.range.0.into()), _mm512_set1_epi32(scale.range.1.into()));
    let bytes = _mm512_cvtepi32_epi8(_mm512_min_epi32(_mm512_max_epi32(moved, least), most));
    // SAFETY: both are 16 bytes, and any bytes are valid.
    unsafe { transmute(bytes) }
}

#[target_feature(enable = "avx2")]
fn halves(lanes: &Lanes) -> Halves {
    // SAFETY: both are 64 bytes, and any bytes are valid.
    unsafe { transmute(lanes.0) }
}

#[target_feature(enable = "avx2")]
fn both(halves: Halves) -> Lanes {
    // SAFETY: as above.
    Lanes(unsafe { transmute::<Halves, [i32; ROWS]>(halves) })
}

#[target_feature(enable = "avx512f")]
fn whole(lanes: &Lanes) -> __m512i {
    // SAFETY: as above.
    unsafe { transmute(lanes.0) }
}

#[target_feature(enable = "avx512f")]
fn lanes(whole: __m512i) -> Lanes {
    // SAFETY: as above.
    Lanes(unsafe { transmute::<__m512i, [i32; ROWS]>(whole) })
}
