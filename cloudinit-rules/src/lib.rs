//! What coreos-cloudinit, the program that reads cloud-config on Flatcar, does with user-data: its rules as a table.
//!
//! The lint and the merge of `azure-coreos-cluster` ask the table; the script that sets up local machines follows it.
//! Files and lines that are named without more are those of [`key::source`].

pub mod action;
pub mod content;
mod document;
pub mod key;
mod mime;
pub mod multipart;
pub mod path;
pub mod scalar;
pub mod script;
pub mod substitution;
pub mod unit;
pub mod vocabulary;
