//! Vector instructions: the one place of this crate that asks for the processor's instruction set.
//!
//! A function with several versions is written once, portable and `#[inline(always)]`. [`multiversion`] compiles it for
//! each instruction set of [`Instructions`], and every call runs the version for this processor's widest vectors. All
//! versions compute the same bits: a fused multiply-add is rounded once on any processor, and every sum has an order
//! that does not depend on the vectors.

mod sums;
mod vector;

pub(crate) use sums::{dot, moments, sum};
pub(crate) use vector::Vector;

/// Instruction sets that functions are compiled for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Instructions {
    /// Those of the compiler's target.
    Portable,
    /// AVX2 and FMA: vectors of 8 numbers, 16 registers.
    #[cfg(target_arch = "x86_64")]
    Avx2,
    /// AVX-512F: vectors of 16 numbers, 32 registers.
    #[cfg(target_arch = "x86_64")]
    Avx512,
}

impl Instructions {
    /// Returns the widest ones of this processor. The standard library keeps the answer: a call is one load.
    #[inline]
    pub(crate) fn widest() -> Self {
        #[cfg(target_arch = "x86_64")]
        {
            if std::arch::is_x86_feature_detected!("avx512f") {
                return Self::Avx512;
            }
            if std::arch::is_x86_feature_detected!("avx2") && std::arch::is_x86_feature_detected!("fma") {
                return Self::Avx2;
            }
        }
        Self::Portable
    }
}

/// Defines a function that runs a portable, `#[inline(always)]` function, compiled for [`Instructions::widest`].
/// Where the versions differ in types or sizes, `avx2` and `avx512` name the functions in place of the portable one.
macro_rules! multiversion {
    ($(#[$doc:meta])* $visible:vis fn $name:ident($($argument:ident: $type:ty),* $(,)?) $(-> $result:ty)?
        = $portable:expr, avx2: $avx2:expr, avx512: $avx512:expr;) => {
        $(#[$doc])*
        $visible fn $name($($argument: $type),*) $(-> $result)? {
            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx2,fma")]
            fn avx2($($argument: $type),*) $(-> $result)? {
                $avx2($($argument),*)
            }
            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx512f")]
            fn avx512($($argument: $type),*) $(-> $result)? {
                $avx512($($argument),*)
            }
            match $crate::simd::Instructions::widest() {
                $crate::simd::Instructions::Portable => $portable($($argument),*),
                // SAFETY: the processor has AVX2 and FMA.
                #[cfg(target_arch = "x86_64")]
                $crate::simd::Instructions::Avx2 => unsafe { avx2($($argument),*) },
                // SAFETY: the processor has AVX-512F.
                #[cfg(target_arch = "x86_64")]
                $crate::simd::Instructions::Avx512 => unsafe { avx512($($argument),*) },
            }
        }
    };
    ($(#[$doc:meta])* $visible:vis fn $name:ident($($argument:ident: $type:ty),* $(,)?) $(-> $result:ty)?
        = $portable:expr;) => {
        $crate::simd::multiversion! {
            $(#[$doc])* $visible fn $name($($argument: $type),*) $(-> $result)?
                = $portable, avx2: $portable, avx512: $portable;
        }
    };
}
pub(crate) use multiversion;
