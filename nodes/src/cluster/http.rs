//! HTTP requests over a connection that is there already.

use std::time::Duration;

use hyper::Request;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};

use super::carrier::Endpoint;
use super::node::Node;

const TIMEOUT: Duration = Duration::from_secs(15);

impl Node {
    /// The status with which the node itself answers `GET path` on `port`, asked through its SSH connection.
    pub async fn get(&self, port: u16, path: &str) -> Result<u16, String> {
        let asking = async {
            let stream = self.open(Endpoint::Port(port)).await.map_err(|error| error.to_string())?;
            status_of(stream, self.name(), path).await
        };
        let silent = Err(format!("no answer within {} s", TIMEOUT.as_secs()));
        tokio::time::timeout(TIMEOUT, asking).await.unwrap_or(silent)
    }
}

/// The status of `GET path` over `stream`, for the host of this name.
pub async fn status_of(
    stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
    host: &str,
    path: &str,
) -> Result<u16, String> {
    let connected = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await;
    let (mut sender, connection) = connected.map_err(|error| error.to_string())?;
    tokio::spawn(connection);
    let request = Request::get(path).header("host", host).body(String::new());
    let request = request.map_err(|error| error.to_string())?;
    let response = sender.send_request(request).await.map_err(|error| error.to_string())?;
    Ok(response.status().as_u16())
}
