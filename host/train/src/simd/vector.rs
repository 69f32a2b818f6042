//! Numbers of one vector register, with one implementation for each instruction set.

/// Numbers of one vector register, for the tiles of a matrix product. From plain arrays the compiler sometimes
/// vectorizes across rows, and its code is ten times slower. Every method is exact or rounds once, element by element,
/// so all implementations give the same bits.
pub(crate) trait Vector: Copy {
    /// Numbers in a register.
    const LANES: usize;
    /// Returns a vector of equal numbers.
    fn splat(value: f32) -> Self;
    /// Loads the first `LANES` values.
    fn load(values: &[f32]) -> Self;
    /// Writes to the first `LANES` values.
    fn store(self, to: &mut [f32]);
    fn add(self, other: Self) -> Self;
    /// Returns `self * factor + sum`, rounded once.
    fn multiply_add(self, factor: Self, sum: Self) -> Self;
}

impl Vector for [f32; 8] {
    const LANES: usize = 8;

    #[inline(always)]
    fn splat(value: f32) -> Self {
        [value; 8]
    }

    #[inline(always)]
    fn load(values: &[f32]) -> Self {
        *values.first_chunk().expect("as many as lanes")
    }

    #[inline(always)]
    fn store(self, to: &mut [f32]) {
        *to.first_chunk_mut().expect("as many as lanes") = self;
    }

    #[inline(always)]
    fn add(self, other: Self) -> Self {
        core::array::from_fn(|i| self[i] + other[i])
    }

    #[inline(always)]
    fn multiply_add(self, factor: Self, sum: Self) -> Self {
        core::array::from_fn(|i| self[i].mul_add(factor[i], sum[i]))
    }
}

/// Implements [`Vector`] with intrinsics. Only functions for the instruction set may use the type.
#[cfg(target_arch = "x86_64")]
macro_rules! register {
    ($type:ident, $lanes:literal, $splat:ident, $add:ident, $multiply_add:ident) => {
        impl Vector for core::arch::x86_64::$type {
            const LANES: usize = $lanes;

            #[inline(always)]
            fn splat(value: f32) -> Self {
                // SAFETY: the processor has the instruction (see the macro).
                unsafe { core::arch::x86_64::$splat(value) }
            }

            #[inline(always)]
            fn load(values: &[f32]) -> Self {
                let values: [f32; $lanes] = *values.first_chunk().expect("as many as lanes");
                // SAFETY: a register is as many plain numbers. (With debug assertions, the intrinsic checks its
                // pointer.)
                unsafe { core::mem::transmute(values) }
            }

            #[inline(always)]
            fn store(self, to: &mut [f32]) {
                // SAFETY: as in `load`.
                let values: [f32; $lanes] = unsafe { core::mem::transmute(self) };
                *to.first_chunk_mut().expect("as many as lanes") = values;
            }

            #[inline(always)]
            fn add(self, other: Self) -> Self {
                // SAFETY: as in `splat`.
                unsafe { core::arch::x86_64::$add(self, other) }
            }

            #[inline(always)]
            fn multiply_add(self, factor: Self, sum: Self) -> Self {
                // SAFETY: as in `splat`.
                unsafe { core::arch::x86_64::$multiply_add(self, factor, sum) }
            }
        }
    };
}
#[cfg(target_arch = "x86_64")]
register!(__m256, 8, _mm256_set1_ps, _mm256_add_ps, _mm256_fmadd_ps);
#[cfg(target_arch = "x86_64")]
register!(__m512, 16, _mm512_set1_ps, _mm512_add_ps, _mm512_fmadd_ps);
