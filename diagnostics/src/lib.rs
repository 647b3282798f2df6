//! Turns texts that people write into values, and what is wrong with them into mistakes with their place: origin, line, and
//! the word that was probably meant. Every other member calls it.

mod problem;
mod suggestion;
pub mod yaml;

pub use problem::{Origin, Problem, Problems};
pub use suggestion::suggestion;
