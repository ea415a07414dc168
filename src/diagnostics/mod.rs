//! Statistics of iterations: recorded, shown while they come, and handed on as arrays or text.
//!
//! [`IterationStats`] is a table with a format for each column. It records what a loop of the caller's own inserts, or follows a
//! solve through [`IterationStats::watcher`].

mod format;
mod statistics;

pub use format::Format;
pub(crate) use format::scientific;
pub use statistics::{Display, IterationStats};
