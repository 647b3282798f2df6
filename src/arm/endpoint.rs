//! Where ARM is and how to sign in there; the only difference between Azure and the local emulator.

use std::sync::Arc;

use azure_core::credentials::{Secret, TokenCredential};
use azure_core::http::Url;
use azure_core::http::policies::Policy;
use azure_core::http::policies::auth::BearerTokenAuthorizationPolicy;

use super::local_token::LocalTokenPolicy;

/// ARM of the public cloud.
const PUBLIC_CLOUD: &str = "https://management.azure.com";
/// What a token for ARM is asked for.
const PUBLIC_CLOUD_SCOPE: &str = "https://management.azure.com/.default";

/// An ARM to talk to.
#[derive(Clone, Debug)]
pub struct Endpoint {
    base: Url,
    authorization: Arc<dyn Policy>,
}

impl Endpoint {
    /// Azure's public cloud with this credential.
    pub fn azure(credential: Arc<dyn TokenCredential>) -> anyhow::Result<Self> {
        let authorization = BearerTokenAuthorizationPolicy::new(credential, [PUBLIC_CLOUD_SCOPE]);
        Ok(Self { base: PUBLIC_CLOUD.parse()?, authorization: Arc::new(authorization) })
    }

    /// The local emulator: plain HTTP on the loopback, with the token that it wrote for its user.
    pub fn local(base: &str, token: Secret) -> anyhow::Result<Self> {
        let base: Url = base.parse()?;
        anyhow::ensure!(base.host_str() == Some("127.0.0.1"), "`{base}` is not on the loopback");
        Ok(Self { base, authorization: Arc::new(LocalTokenPolicy::new(token)) })
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
