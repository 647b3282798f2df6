//! What coreos-cloudinit, the program that reads cloud-config on Flatcar, does with user-data: its rules as a table, and an
//! interpreter of our own that follows them. It is not coreos-cloudinit.
//!
//! The lint and the merge of `azure-coreos-cluster` ask the table; the emulator's machines are set up by the interpreter.
//! Files that are named without more are those of [`key::SOURCES`].

pub mod content;
pub mod key;
pub mod multipart;
pub mod scalar;
pub mod substitution;
pub mod vocabulary;
