//! A small client of Azure Resource Manager: values in, ARM's documents and errors out.
//!
//! `execute` calls it; the `azure_mgmt` crates give the bodies' types, `azure_core` the HTTP pipeline. Real Azure and the
//! local emulator differ in [`Endpoint`] only.

mod answer;
mod body;
mod bucket;
mod causes;
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
mod token_credentials;
mod transport;
mod wait;

pub(crate) use answer::{
    Availability, BackendAddressPool, BootDiagnostics, Identity, ImageDocument, ImageVersion, InstanceView, NamedItem,
    PlacementGroup, PortMapping, PortMappings, PowerState, Provider, ProvisioningState, PublicIpAddress, Region,
    Resource, SecurityRule, SecurityRuleProperties, Sku, Subscription, Tags, Terms, Usage, VirtualMachine,
    VirtualNetwork,
};
pub(crate) use body::read_body;
pub(crate) use causes::chain;
pub(crate) use client::Arm;
pub(crate) use credential::{ChosenCredential, SignIn, credential};
pub(crate) use endpoint::{Endpoint, authority};
pub(crate) use error::{ArmError, ArmErrorKind};
pub(crate) use id::{COMPUTE_API_VERSION, NETWORK_API_VERSION, ResourceId};
pub(crate) use patience::Patience;
pub(crate) use token_credentials::{TOKEN_CREDENTIALS, TokenCredentials};
pub(crate) use transport::http_client;
pub(crate) use wait::{Wait, WaitListener};

#[cfg(test)]
mod tests;
