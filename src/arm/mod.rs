//! A small client of Azure Resource Manager: values in, ARM's documents and errors out.
//!
//! `execute` calls it; the `azure_mgmt` crates give the bodies' types, `azure_core` the HTTP pipeline. Real Azure and the
//! local emulator differ in [`Endpoint`] only.

mod answer;
mod body;
mod bucket;
mod client;
mod credential;
mod download;
mod endpoint;
mod error;
mod follow;
mod id;
mod operation;
mod patience;
mod request;
mod retry;
mod token;
mod wait;

pub(crate) use answer::{
    Availability, BootDiagnostics, ImageDocument, ImageVersion, InstanceView, Provider, Region, Sku, Subscription,
    Terms, Usage,
};
pub(crate) use body::read_body;
pub(crate) use client::Arm;
pub(crate) use credential::{ChosenCredential, SignIn, credential};
pub(crate) use endpoint::{Endpoint, authority};
pub(crate) use error::{ArmError, ArmErrorKind};
pub(crate) use id::{COMPUTE_API_VERSION, NETWORK_API_VERSION, ResourceId};
pub(crate) use operation::ProvisioningState;
pub(crate) use patience::Patience;
pub(crate) use wait::{Wait, WaitListener};

#[cfg(test)]
mod tests;
