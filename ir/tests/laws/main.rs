//! Laws that hold for every primitive there is: a new one is tested before anyone writes a test for it.
//!
//! Operands come from the primitive's sampling domain. The seed is fixed, so that a failure repeats, and printed; another
//! is taken from the environment variable `COTANGENT_SEED`.

mod batches;
mod lanes;
mod sample;
mod tangents;
mod text;
mod transposes;
