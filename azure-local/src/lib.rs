//! A local Azure Resource Manager: the other side of every request that the provisioning library sends.
//!
//! It shares no type with the client: documents are raw JSON, and the rules are Azure's, written down a second time.

pub mod directory;
pub mod frontend;
pub mod image;
pub mod machine;
pub mod segment;
pub mod time;
