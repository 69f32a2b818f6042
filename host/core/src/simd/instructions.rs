//! Vector instructions of this machine, and the loops for them.

use super::packed::Packed;
use super::padded::Padded;
use super::positions::Convolution;

/// Vector instructions that the host's engine has loops for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Instructions {
    /// Those that the program was compiled for (SSE2 on x86-64, NEON on AArch64). The compiler vectorizes the scalar engine's loops.
    Portable,
    /// AVX2: pairs of 16-bit products.
    Avx2,
    /// AVX-512 with VNNI: fours of 8-bit products.
    Avx512Vnni,
}

impl Instructions {
    /// Returns the best ones that this machine has.
    pub fn detect() -> Self {
        Self::available().last().copied().unwrap_or(Self::Portable)
    }

    /// Returns all that this machine has, the slowest first.
    pub fn available() -> Vec<Self> {
        let mut all = vec![Self::Portable];
        #[cfg(target_arch = "x86_64")]
        {
            if is_x86_feature_detected!("avx2") {
                all.push(Self::Avx2);
            }
            let has_vnni = is_x86_feature_detected!("avx512f")
                && is_x86_feature_detected!("avx512bw")
                && is_x86_feature_detected!("avx512vnni");
            if has_vnni && is_x86_feature_detected!("avx2") {
                all.push(Self::Avx512Vnni);
            }
        }
        all
    }

    /// Returns the name, for logs.
    pub fn name(self) -> &'static str {
        match self {
            Self::Portable => "portable",
            Self::Avx2 => "AVX2",
            Self::Avx512Vnni => "AVX-512 VNNI",
        }
    }

    /// Bytes of an input element in the loops; `None` without loops.
    pub(super) fn element_bytes(self) -> Option<usize> {
        match self {
            Self::Portable => None,
            Self::Avx2 => Some(2),
            Self::Avx512Vnni => Some(1),
        }
    }

    /// Computes a convolution, or returns false without loops.
    pub(super) fn convolve(self, layer: Convolution<'_>, output: &mut [u8]) -> bool {
        match self {
            // SAFETY: the machine has these instructions; `SimdLayers::new` has checked it.
            #[cfg(target_arch = "x86_64")]
            Self::Avx512Vnni => unsafe { super::x86_64::convolve_vnni(layer, output) },
            // SAFETY: as above.
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => unsafe { super::x86_64::convolve_avx2(layer, output) },
            _ => return false,
        }
        true
    }

    /// Computes the sums of a dense layer, or returns false without loops.
    pub(super) fn dense(self, packed: &Packed, line: &Padded, sums: &mut [i32]) -> bool {
        match self {
            // SAFETY: as above.
            #[cfg(target_arch = "x86_64")]
            Self::Avx512Vnni => unsafe { super::x86_64::dense_vnni(packed, line, sums) },
            // SAFETY: as above.
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => unsafe { super::x86_64::dense_avx2(packed, line, sums) },
            _ => return false,
        }
        true
    }
}

impl std::fmt::Display for Instructions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}
