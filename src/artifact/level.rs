//! Microarchitecture levels: which instructions a kernel's code uses.

use std::fmt;
use std::str::FromStr;

/// A microarchitecture level of x86-64, as the psABI defines them. Each has what the one before has, and more.
///
/// ```
/// use cotangent::artifact::CpuLevel;
/// let level: CpuLevel = "x86-64-v3".parse().unwrap();
/// assert_eq!(level, CpuLevel::V3);
/// assert!(CpuLevel::V2 < level);
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum CpuLevel {
    /// Vectors of 128 bits, SSE4.2: nearly every processor since 2009.
    V2,
    /// Vectors of 256 bits, AVX2, and fused multiplication and addition: most processors since 2015.
    V3,
    /// AVX-512: processors for servers, and recent ones for desks.
    V4,
}

/// The instructions of level 2, as processors name them.
const V2_FEATURES: &[&str] = &["sse3", "ssse3", "sse4.1", "sse4.2", "popcnt"];

/// Those that level 3 adds.
const V3_FEATURES: &[&str] = &["avx", "avx2", "bmi1", "bmi2", "fma", "lzcnt"];

/// Those that level 4 adds.
const V4_FEATURES: &[&str] = &["avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl"];

impl CpuLevel {
    /// All levels, the lowest first.
    pub const ALL: [CpuLevel; 3] = [CpuLevel::V2, CpuLevel::V3, CpuLevel::V4];

    /// The spelling that compilers use: `x86-64-v3`.
    pub fn name(self) -> &'static str {
        match self {
            CpuLevel::V2 => "x86-64-v2",
            CpuLevel::V3 => "x86-64-v3",
            CpuLevel::V4 => "x86-64-v4",
        }
    }

    /// The instructions of the level, as processors name them.
    pub fn features(self) -> impl Iterator<Item = &'static str> {
        let added: &[&[&str]] = match self {
            CpuLevel::V2 => &[V2_FEATURES],
            CpuLevel::V3 => &[V2_FEATURES, V3_FEATURES],
            CpuLevel::V4 => &[V2_FEATURES, V3_FEATURES, V4_FEATURES],
        };
        added.iter().copied().flatten().copied()
    }

    /// The instructions of the level that the processor at hand lacks.
    pub fn missing(self) -> Vec<&'static str> {
        self.features().filter(|feature| !has(feature)).collect()
    }

    /// Whether the processor at hand has all of them.
    pub fn is_supported(self) -> bool {
        self.features().all(has)
    }

    /// The highest level of the processor at hand; `None` where it has none of them.
    pub fn native() -> Option<CpuLevel> {
        CpuLevel::ALL.into_iter().rev().find(|level| level.is_supported())
    }
}

impl fmt::Display for CpuLevel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for CpuLevel {
    type Err = String;

    /// `x86-64-v2`, `v2`, and so on, and `native` for the highest level of the processor at hand.
    fn from_str(text: &str) -> Result<CpuLevel, String> {
        if text == "native" {
            return CpuLevel::native().ok_or_else(|| "this processor has no level of x86-64".into());
        }
        let found = CpuLevel::ALL.into_iter().find(|level| text == level.name() || Some(text) == level.name().get(7..));
        found.ok_or_else(|| format!("there is no level `{text}`; choose from native, x86-64-v2, x86-64-v3, x86-64-v4"))
    }
}

/// Whether the processor at hand has an instruction set.
fn has(feature: &'static str) -> bool {
    #[cfg(target_arch = "x86_64")]
    return match feature {
        "sse3" => std::is_x86_feature_detected!("sse3"),
        "ssse3" => std::is_x86_feature_detected!("ssse3"),
        "sse4.1" => std::is_x86_feature_detected!("sse4.1"),
        "sse4.2" => std::is_x86_feature_detected!("sse4.2"),
        "popcnt" => std::is_x86_feature_detected!("popcnt"),
        "avx" => std::is_x86_feature_detected!("avx"),
        "avx2" => std::is_x86_feature_detected!("avx2"),
        "bmi1" => std::is_x86_feature_detected!("bmi1"),
        "bmi2" => std::is_x86_feature_detected!("bmi2"),
        "fma" => std::is_x86_feature_detected!("fma"),
        "lzcnt" => std::is_x86_feature_detected!("lzcnt"),
        "avx512f" => std::is_x86_feature_detected!("avx512f"),
        "avx512bw" => std::is_x86_feature_detected!("avx512bw"),
        "avx512cd" => std::is_x86_feature_detected!("avx512cd"),
        "avx512dq" => std::is_x86_feature_detected!("avx512dq"),
        "avx512vl" => std::is_x86_feature_detected!("avx512vl"),
        _ => false,
    };
    #[cfg(not(target_arch = "x86_64"))]
    {
        let _ = feature;
        false
    }
}
