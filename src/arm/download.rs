//! Texts behind URLs that Azure signed itself, such as that of a serial console. No token is sent there.

use azure_core::http::{Method, Request, Url};

use super::answer::{RawAnswer, shown};
use super::client::Arm;
use super::error::{ArmError, ArmErrorKind};
use super::token::chain;

impl Arm {
    /// The text behind a signed URL: over HTTPS, or on the emulator itself.
    pub(crate) async fn download(&self, url: &str) -> Result<String, ArmError> {
        let doing = "downloading a console log";
        let failed = |kind, message: String| ArmError::local(kind, doing, message);
        let endpoint = &self.sender().endpoint;
        let is_fit = |url: &Url| url.scheme() == "https" || url.origin() == endpoint.base().origin();
        let Some(url) = url.parse().ok().filter(is_fit) else {
            return Err(failed(ArmErrorKind::NotAzure, format!("`{}` is no URL of Azure's storage", shown(url))));
        };
        // It follows no redirect.
        let client = azure_core::http::new_http_client(None);
        let request = Request::new(url, Method::Get);
        let exchange = async {
            let response = client.execute_request(&request).await?;
            RawAnswer::read(response).await
        };
        let patience = self.sender().patience.answer;
        let raw = match tokio::time::timeout(patience, exchange).await {
            Ok(Ok(raw)) => raw,
            Ok(Err(error)) => return Err(failed(ArmErrorKind::Unreachable, chain(&error))),
            Err(_) => {
                let message = format!("no whole answer came within {} s", patience.as_secs());
                return Err(failed(ArmErrorKind::Unreachable, message));
            }
        };
        let text = String::from_utf8_lossy(&raw.body);
        if raw.status == 200 {
            return Ok(text.into_owned());
        }
        Err(failed(ArmErrorKind::Refused, format!("HTTP status {}, begins with `{}`", raw.status, shown(&text))))
    }
}
