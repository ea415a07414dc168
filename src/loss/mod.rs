//! Losses: how far the image of an array under an operator is from data.

mod squared;

pub use squared::SquaredL2Loss;
