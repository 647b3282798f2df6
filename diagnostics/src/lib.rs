//! Turns texts that people write into values, and what is wrong with them into mistakes with their place: origin, line, and
//! the word that was probably meant. Files and variables come in through it. Every other member calls it.

mod environment;
pub mod file_text;
pub mod given_file;
mod problem;
mod quoted;
mod suggestion;
pub mod yaml;

pub use environment::{Environment, NOT_TEXT};
pub use problem::{Origin, Problem, Problems};
pub use quoted::quoted;
pub use suggestion::{is_misspelling, suggestion};
