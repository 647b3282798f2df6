//! `platform-controller ask`: a page of the controller that runs here. Its image has no other program that could ask.

use std::io::Write as _;
use std::net::SocketAddr;
use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::http::{Request, StatusCode, header};
use hyper_util::rt::TokioIo;
use report::Failure;
use tokio::net::TcpStream;

/// For the whole answer.
const DEADLINE: Duration = Duration::from_secs(5);
/// Longer ones are no page of ours.
const LARGEST_BYTES: usize = 64 << 20;

/// Prints the page at `path`; a status that is no success is a failure with the page's words.
pub async fn ask(address: SocketAddr, path: &str) -> Result<(), Failure> {
    let unwell = |reason: String| Failure::Unhealthy {
        reasons: vec![format!("asking {address} for {path}: {reason}")],
        hint: "its log says more".into(),
    };
    let answered = tokio::time::timeout(DEADLINE, answer(address, path)).await;
    let (status, page) = match answered {
        Ok(answered) => answered.map_err(|error| unwell(error.to_string()))?,
        Err(_) => return Err(unwell(format!("no answer within {} s", DEADLINE.as_secs()))),
    };
    if !status.is_success() {
        return Err(unwell(format!("{status}: {}", report::one_line(page.trim(), 500))));
    }
    std::io::stdout().write_all(page.as_bytes()).map_err(|error| anyhow::anyhow!("writing the page: {error}").into())
}

async fn answer(address: SocketAddr, path: &str) -> anyhow::Result<(StatusCode, String)> {
    let stream = TcpStream::connect(address).await?;
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    tokio::spawn(connection);
    let request = Request::get(path).header(header::HOST, address.to_string()).body(Body::empty())?;
    let answer = sender.send_request(request).await?;
    let status = answer.status();
    let page = to_bytes(Body::new(answer.into_body()), LARGEST_BYTES).await?;
    Ok((status, String::from_utf8_lossy(&page).into_owned()))
}
