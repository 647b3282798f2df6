//! Azure Resource Manager's vocabulary: ids, resource types, names, errors and JSON documents. Used by every other
//! module of the control plane; knows nothing of state or HTTP.

pub mod document;
pub mod error;
pub mod filter;
pub mod id;
pub mod kind;
pub mod location;
pub mod name;
pub mod refusal;
