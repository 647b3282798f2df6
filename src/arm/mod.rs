//! A small client of Azure Resource Manager: values in, ARM's documents and errors out.
//!
//! `execute` calls it; the azure_mgmt crates give the bodies' types, azure_core the HTTP pipeline. Real Azure and the
//! local emulator differ in [`Endpoint`] only.

mod bucket;
mod client;
mod credential;
mod endpoint;
mod error;
mod id;
mod operation;
mod retry;

pub use client::{Arm, Written};
pub use credential::{ChosenCredential, SignIn, credential};
pub use endpoint::{Endpoint, authority};
pub use error::{ArmError, ArmErrorKind};
pub use id::{COMPUTE_API_VERSION, NETWORK_API_VERSION, ResourceId};
pub use operation::ProvisioningState;
