//! A server on the loopback that answers as it is told, however wrong.

use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use azure_core::http::headers::AUTHORIZATION;
use azure_core::http::policies::{Policy, PolicyResult};
use azure_core::http::{Context, Request};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};

use crate::arm::{Arm, Endpoint, Patience, WaitListener};

pub(crate) const TOKEN: &str = "token-of-the-test";

/// A request that came in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Seen {
    pub method: String,
    /// Path and query.
    pub target: String,
    pub has_token: bool,
}

/// What is answered.
#[derive(Clone, Debug)]
pub(crate) enum Reply {
    Http {
        status: u16,
        headers: Vec<(&'static str, String)>,
        body: String,
    },
    /// A body that has no end.
    Endless,
    /// Nothing, on a connection that stays open.
    Silent,
}

impl Reply {
    /// A body with ARM's request id.
    pub(crate) fn json(status: u16, body: &Value) -> Self {
        let headers = vec![("content-type", "application/json".into()), ("x-ms-request-id", "r-1".into())];
        Self::Http { status, headers, body: body.to_string() }
    }

    /// No body, with ARM's request id.
    pub(crate) fn empty(status: u16) -> Self {
        Self::Http { status, headers: vec![("x-ms-request-id", "r-1".into())], body: String::new() }
    }

    /// Without anything of ARM's.
    pub(crate) fn bare(status: u16, body: &str) -> Self {
        Self::Http { status, headers: Vec::new(), body: body.to_owned() }
    }

    pub(crate) fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        if let Self::Http { headers, .. } = &mut self {
            headers.push((name, value.into()));
        }
        self
    }
}

/// Adds the token.
#[derive(Debug)]
struct Signs;

#[async_trait::async_trait]
impl Policy for Signs {
    async fn send(&self, context: &Context, request: &mut Request, next: &[Arc<dyn Policy>]) -> PolicyResult {
        request.insert_header(AUTHORIZATION, format!("Bearer {TOKEN}"));
        next[0].send(context, request, &next[1..]).await
    }
}

/// The server; it ends with its runtime.
pub(crate) struct Server {
    pub base: String,
    seen: Arc<Mutex<Vec<Seen>>>,
}

impl Server {
    /// `answer` is given each request, and the address that it came to.
    pub(crate) async fn start(answer: impl Fn(&Seen, &str) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let seen: Arc<Mutex<Vec<Seen>>> = Arc::default();
        let (answer, own, record) = (Arc::new(answer), base.clone(), seen.clone());
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (answer, own, record) = (answer.clone(), own.clone(), record.clone());
                tokio::spawn(async move {
                    let mut stream = BufReader::new(stream);
                    let Some(request) = read(&mut stream).await else { return };
                    record.lock().unwrap().push(request.clone());
                    write(stream.into_inner(), answer(&request, &own)).await;
                });
            }
        });
        Self { base, seen }
    }

    /// All requests so far.
    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    /// A client of this server.
    pub(crate) fn client(&self, patience: Patience, listener: Arc<dyn WaitListener>) -> Arm {
        let endpoint = Endpoint::local(&self.base, Arc::new(Signs)).unwrap();
        Arm::new(&endpoint, patience, listener)
    }
}

/// So short that a test has no time to wait.
pub(crate) fn impatient() -> Patience {
    Patience {
        answer: Duration::from_secs(2),
        unreachable: Duration::from_secs(3),
        silence: Duration::from_millis(300),
        ..Patience::default()
    }
}

async fn read(stream: &mut BufReader<TcpStream>) -> Option<Seen> {
    let mut first = String::new();
    stream.read_line(&mut first).await.ok().filter(|count| *count > 0)?;
    let mut words = first.split(' ').map(str::to_owned);
    let (method, target) = (words.next()?, words.next()?);
    let (mut has_token, mut length) = (false, 0);
    loop {
        let mut line = String::new();
        stream.read_line(&mut line).await.ok().filter(|count| *count > 0)?;
        let Some((name, value)) = line.trim_end().split_once(':') else { break };
        match name.to_ascii_lowercase().as_str() {
            "authorization" => has_token = value.contains(TOKEN),
            "content-length" => length = value.trim().parse().ok()?,
            _ => {}
        }
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await.ok()?;
    Some(Seen { method, target, has_token })
}

async fn write(mut stream: TcpStream, reply: Reply) {
    let text = match reply {
        Reply::Silent => return std::future::pending().await,
        Reply::Endless => {
            let _ = stream.write_all(b"HTTP/1.1 200 x\r\ncontent-type: application/json\r\n\r\n{\"a\":\"").await;
            let piece = vec![b'x'; 64 * 1024];
            while stream.write_all(&piece).await.is_ok() {}
            return;
        }
        Reply::Http { status, headers, body } => {
            let headers: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
            let length = if status == 204 { String::new() } else { format!("content-length: {}\r\n", body.len()) };
            format!("HTTP/1.1 {status} x\r\nconnection: close\r\n{length}{headers}\r\n{body}")
        }
    };
    let _ = stream.write_all(text.as_bytes()).await;
    let _ = stream.shutdown().await;
}
