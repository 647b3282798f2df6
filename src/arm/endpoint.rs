//! Where ARM is and how to sign in there; the only difference between Azure and the local emulator.

use std::sync::Arc;

use azure_core::cloud::CloudConfiguration;
use azure_core::credentials::TokenCredential;
use azure_core::http::Url;
use azure_core::http::policies::Policy;
use azure_core::http::policies::auth::BearerTokenAuthorizationPolicy;

use crate::spec::AzureCloud;

/// An ARM to talk to.
#[derive(Clone, Debug)]
pub struct Endpoint {
    base: Url,
    authorization: Arc<dyn Policy>,
}

impl Endpoint {
    /// A cloud of Azure with this credential.
    pub fn azure(cloud: AzureCloud, credential: Arc<dyn TokenCredential>) -> anyhow::Result<Self> {
        let base = cloud.resource_manager();
        let authorization = BearerTokenAuthorizationPolicy::new(credential, [format!("{base}/.default")]);
        Ok(Self { base: base.parse()?, authorization: Arc::new(authorization) })
    }

    /// The local emulator: plain HTTP on the loopback, with requests signed as `authorization` does.
    pub fn local(base: &str, authorization: Arc<dyn Policy>) -> anyhow::Result<Self> {
        let base: Url = base.parse()?;
        anyhow::ensure!(base.host_str() == Some("127.0.0.1"), "`{base}` is not on the loopback");
        Ok(Self { base, authorization })
    }

    /// The URL that ids are appended to.
    pub fn base(&self) -> &Url {
        &self.base
    }

    /// Adds the bearer token to each try of a request.
    pub(super) fn authorization(&self) -> Arc<dyn Policy> {
        self.authorization.clone()
    }
}

/// Where a cloud's tokens come from.
pub fn authority(cloud: AzureCloud) -> Arc<CloudConfiguration> {
    Arc::new(match cloud {
        AzureCloud::Public => CloudConfiguration::AzurePublic,
        AzureCloud::UsGovernment => CloudConfiguration::AzureGovernment,
        AzureCloud::China => CloudConfiguration::AzureChina,
    })
}
