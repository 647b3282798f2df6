//! HTTP requests to ports of a node, through its SSH connection.

use std::time::Duration;

use hyper::Request;
use hyper_util::rt::TokioIo;

use super::node::Node;

const TIMEOUT: Duration = Duration::from_secs(15);

impl Node {
    /// The status with which the node itself answers `GET path` on `port`.
    pub async fn get(&self, port: u16, path: &str) -> Result<u16, String> {
        let asking = async {
            let stream = self.tcp(port).await.map_err(|error| error.to_string())?;
            let connected = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await;
            let (mut sender, connection) = connected.map_err(|error| error.to_string())?;
            tokio::spawn(connection);
            let request = Request::get(path).header("host", self.name()).body(String::new());
            let request = request.map_err(|error| error.to_string())?;
            let response = sender.send_request(request).await.map_err(|error| error.to_string())?;
            Ok(response.status().as_u16())
        };
        let silent = Err(format!("no answer within {} s", TIMEOUT.as_secs()));
        tokio::time::timeout(TIMEOUT, asking).await.unwrap_or(silent)
    }
}
