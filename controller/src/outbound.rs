//! Connections that the controller makes: whom they trust, and who they say they are. `etcd` and `acme` use it.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Bytes;
use hyper::{HeaderMap, Request, StatusCode};
use hyper_rustls::HttpsConnector;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// Connections that nobody uses are closed before most servers close them.
const IDLE_TIMEOUT: Duration = Duration::from_secs(20);

/// A client of HTTP/1.1 over TLS; clones share its connections.
#[derive(Clone, Debug)]
pub struct Outbound {
    client: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
}

/// An answer that came whole.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Bytes,
}

/// Authorities that are trusted.
#[derive(Clone, Debug)]
pub struct Trust {
    roots: RootCertStore,
}

impl Trust {
    /// The authorities that browsers trust.
    pub fn public() -> Self {
        Self { roots: RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() } }
    }

    /// None but those of a PEM file.
    pub fn only(pem: &[u8]) -> anyhow::Result<Self> {
        let mut roots = RootCertStore::empty();
        for certificate in CertificateDer::pem_slice_iter(pem) {
            roots
                .add(certificate.context("it is not PEM of certificates")?)
                .context("it is no authority's certificate")?;
        }
        anyhow::ensure!(!roots.is_empty(), "it holds no certificate");
        Ok(Self { roots })
    }
}

impl Outbound {
    /// A client that trusts these authorities, and shows the certificate (PEM) with its key (PEM) when there is one.
    pub fn new(trust: Trust, shows: Option<(&[u8], &[u8])>) -> anyhow::Result<Self> {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let builder = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .context("choosing versions of TLS")?
            .with_root_certificates(trust.roots);
        let configuration = match shows {
            None => builder.with_no_client_auth(),
            Some((chain, key)) => {
                let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(chain).collect();
                let chain = chain.context("the client's certificate is not PEM")?;
                // What is wrong with a key is not repeated.
                let key =
                    PrivateKeyDer::from_pem_slice(key).map_err(|_| anyhow::anyhow!("the client's key is not PEM"))?;
                builder.with_client_auth_cert(chain, key).context("the client's certificate and its key")?
            }
        };
        let mut connector = HttpConnector::new();
        connector.enforce_http(false);
        connector.set_connect_timeout(Some(CONNECT_TIMEOUT));
        let connector = hyper_rustls::HttpsConnectorBuilder::new()
            .with_tls_config(configuration)
            .https_only()
            .enable_http1()
            .wrap_connector(connector);
        let client = Client::builder(TokioExecutor::new()).pool_idle_timeout(IDLE_TIMEOUT).build(connector);
        Ok(Self { client })
    }

    /// Sends a request, and reads an answer of at most so many bytes until the time is over.
    pub async fn send(
        &self,
        request: Request<Full<Bytes>>,
        most_bytes: usize,
        timeout: Duration,
    ) -> Result<Answer, String> {
        let asked = async {
            let answer =
                self.client.request(request).await.map_err(|error| format!("{:#}", anyhow::Error::new(error)))?;
            let (parts, body) = answer.into_parts();
            let body = Limited::new(body, most_bytes).collect().await;
            let body = body.map_err(|error| format!("the answer, of at most {most_bytes} bytes: {error}"))?;
            Ok(Answer { status: parts.status, headers: parts.headers, body: body.to_bytes() })
        };
        let late = || Err(format!("no answer within {} s", timeout.as_secs()));
        tokio::time::timeout(timeout, asked).await.unwrap_or_else(|_| late())
    }
}
