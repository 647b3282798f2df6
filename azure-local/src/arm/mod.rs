//! Azure Resource Manager's vocabulary: ids, resource types, names, errors and JSON documents. Used by every other
//! module of the control plane; knows nothing of state or HTTP.

pub(crate) mod document;
pub(crate) mod error;
pub(crate) mod filter;
pub(crate) mod id;
pub(crate) mod kind;
pub(crate) mod location;
pub(crate) mod name;
pub(crate) mod refusal;
