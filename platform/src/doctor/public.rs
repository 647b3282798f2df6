//! What the public sees: the load balancer's ports, from this machine.

use std::net::{TcpStream, ToSocketAddrs as _};
use std::time::Duration;

use openssl::ssl::{SslConnector, SslMethod, SslVerifyMode};
use openssl::x509::X509;

use nodes::cluster::status_of;
use nodes::inventory::SocketEndpoint;

const TIMEOUT: Duration = Duration::from_secs(10);

/// The status of `GET path`.
pub(super) async fn get(endpoint: &SocketEndpoint, path: &str) -> Result<u16, String> {
    let asking = async {
        let stream = tokio::net::TcpStream::connect((endpoint.host.as_str(), endpoint.port)).await;
        status_of(stream.map_err(|error| error.to_string())?, &endpoint.host, path).await
    };
    tokio::time::timeout(TIMEOUT, asking).await.unwrap_or_else(|_| Err(silent()))
}

/// The certificate that a TLS server shows for `name`, whether it is to be trusted or not.
pub(super) async fn certificate(endpoint: &SocketEndpoint, name: &str) -> Result<X509, String> {
    let (endpoint, name) = (endpoint.clone(), name.to_owned());
    let asking = tokio::task::spawn_blocking(move || handshake(&endpoint, &name));
    match tokio::time::timeout(TIMEOUT * 2, asking).await {
        Ok(Ok(result)) => result,
        Ok(Err(error)) => Err(error.to_string()),
        Err(_) => Err(silent()),
    }
}

fn handshake(endpoint: &SocketEndpoint, name: &str) -> Result<X509, String> {
    let text = |error: &dyn std::fmt::Display| error.to_string();
    let addresses = (endpoint.host.as_str(), endpoint.port).to_socket_addrs().map_err(|error| text(&error))?;
    let address = addresses.into_iter().next().ok_or("no address")?;
    let stream = TcpStream::connect_timeout(&address, TIMEOUT).map_err(|error| text(&error))?;
    stream.set_read_timeout(Some(TIMEOUT)).map_err(|error| text(&error))?;
    stream.set_write_timeout(Some(TIMEOUT)).map_err(|error| text(&error))?;
    let mut connector = SslConnector::builder(SslMethod::tls()).map_err(|error| text(&error))?;
    // It is looked at, not relied on: what is wrong with it is the finding.
    connector.set_verify(SslVerifyMode::NONE);
    let mut connect = connector.build().configure().map_err(|error| text(&error))?;
    connect.set_verify_hostname(false);
    let stream = connect.connect(name, stream).map_err(|error| text(&error))?;
    stream.ssl().peer_certificate().ok_or_else(|| "it shows no certificate".to_owned())
}

fn silent() -> String {
    format!("no answer within {} s", TIMEOUT.as_secs())
}
