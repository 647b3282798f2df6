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
pub(crate) struct Endpoint {
    base: Url,
    /// Hosts below this one are Azure's too, such as those of regions.
    own_domain: Option<String>,
    authorization: Arc<dyn Policy>,
}

impl Endpoint {
    /// A cloud of Azure with this credential.
    pub(crate) fn azure(cloud: AzureCloud, credential: Arc<dyn TokenCredential>) -> anyhow::Result<Self> {
        let base = cloud.resource_manager();
        let authorization = BearerTokenAuthorizationPolicy::new(credential, [format!("{base}/.default")]);
        let base: Url = base.parse()?;
        let own_domain = base.host_str().map(|host| format!(".{host}"));
        Ok(Self { base, own_domain, authorization: Arc::new(authorization) })
    }

    /// The local emulator: plain HTTP on the loopback, with requests signed as `authorization` does.
    pub(crate) fn local(base: &str, authorization: Arc<dyn Policy>) -> anyhow::Result<Self> {
        let base: Url = base.parse()?;
        anyhow::ensure!(base.host_str() == Some("127.0.0.1"), "`{base}` is not on the loopback");
        Ok(Self { base, own_domain: None, authorization })
    }

    /// The URL that ids are appended to.
    pub(crate) fn base(&self) -> &Url {
        &self.base
    }

    /// Whether a URL that an answer names leads to ARM itself: the host that was asked, or one of its regional ones
    /// (`westeurope.management.azure.com`). No other host is asked, because requests carry the token.
    pub(super) fn owns(&self, url: &Url) -> bool {
        let is_regional = |domain: &String| {
            url.scheme() == "https"
                && url.port().is_none()
                && url.host_str().is_some_and(|host| host.to_ascii_lowercase().ends_with(domain))
        };
        url.origin() == self.base.origin() || self.own_domain.as_ref().is_some_and(is_regional)
    }

    /// Adds the bearer token to each try of a request.
    pub(super) fn authorization(&self) -> Arc<dyn Policy> {
        self.authorization.clone()
    }
}

/// Where a cloud's tokens come from.
pub(crate) fn authority(cloud: AzureCloud) -> Arc<CloudConfiguration> {
    Arc::new(match cloud {
        AzureCloud::Public => CloudConfiguration::AzurePublic,
        AzureCloud::UsGovernment => CloudConfiguration::AzureGovernment,
        AzureCloud::China => CloudConfiguration::AzureChina,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use azure_identity::DeveloperToolsCredential;

    #[test]
    fn only_azures_own_hosts_are_asked() {
        let azure = |cloud| Endpoint::azure(cloud, DeveloperToolsCredential::new(None).unwrap()).unwrap();
        let public = azure(AzureCloud::Public);
        let china = azure(AzureCloud::China);
        let local = Endpoint::local("http://127.0.0.1:4000", public.authorization()).unwrap();
        for (endpoint, url, own) in [
            (&public, "https://management.azure.com/subscriptions", true),
            (&public, "https://westeurope.management.azure.com/subscriptions/x?y", true),
            (&public, "http://westeurope.management.azure.com/", false),
            (&public, "https://westeurope.management.azure.com:8443/", false),
            (&public, "https://management.azure.com.portal.test/", false),
            (&public, "https://evilmanagement.azure.com/", false),
            (&public, "https://management.chinacloudapi.cn/", false),
            (&china, "https://chinaeast2.management.chinacloudapi.cn/", true),
            (&local, "http://127.0.0.1:4000/subscriptions", true),
            (&local, "http://127.0.0.1:4001/subscriptions", false),
            (&local, "http://localhost:4000/", false),
        ] {
            assert_eq!(endpoint.owns(&url.parse().unwrap()), own, "{url}");
        }
    }
}
