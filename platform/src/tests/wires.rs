//! What `nodes` sends to a machine in memory, and what comes back: HTTP on Docker's socket and on ports, `etcdctl`, the lock's
//! shell, the clock's loop.

use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use nodes::cluster::{ByteStream, Carrier, Endpoint, LOCK_SCRIPT};
use nodes::ssh::{Output, Session, SshError};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufStream, DuplexStream};

use super::engine::{Query, refused};
use super::machines::{Fate, Machines};

/// The machines as `nodes` reaches them.
pub(super) struct Wires(pub Arc<Machines>);

fn broken() -> SshError {
    SshError::Protocol { address: "memory".into(), reason: "as it was wished".into() }
}

impl Carrier for Wires {
    fn reach(&self, _node: usize) -> BoxFuture<'_, Result<(), SshError>> {
        let cut_off = self.0.state().is_cut_off;
        Box::pin(async move { if cut_off { Err(broken()) } else { Ok(()) } })
    }

    fn run<'a>(
        &'a self,
        node: usize,
        command: &'a str,
        input: Option<&'a str>,
        _timeout: Duration,
    ) -> BoxFuture<'a, Result<Output, SshError>> {
        Box::pin(async move {
            let short = |text: &str| text.lines().collect::<Vec<_>>().join(" ").chars().take(120).collect::<String>();
            let call = format!("node-{node}: {} {}", short(command), short(input.unwrap_or_default()));
            let fate = self.0.meet(call).await;
            let done = |done: bool| done.then(|| self.0.run(node, command, input));
            match fate {
                Fate::Answered => Ok(self.0.run(node, command, input)),
                Fate::Refused { done: it_is } => {
                    done(it_is);
                    let stderr = "Error: etcdserver: request timed out".to_owned();
                    Ok(Output { status: 1, stdout: String::new(), stderr })
                }
                Fate::Lost { done: it_is } => {
                    done(it_is);
                    Err(broken())
                }
                Fate::Killed { done: it_is } => {
                    done(it_is);
                    std::future::pending().await
                }
            }
        })
    }

    fn open<'a>(&'a self, node: usize, endpoint: Endpoint<'a>) -> BoxFuture<'a, Result<ByteStream, SshError>> {
        Box::pin(async move {
            if self.0.state().is_cut_off {
                return Err(broken());
            }
            let (ours, theirs) = tokio::io::duplex(1 << 16);
            let machines = self.0.clone();
            match endpoint {
                Endpoint::Socket("/var/run/docker.sock") => drop(tokio::spawn(docker(machines, node, theirs))),
                Endpoint::Command(command) if command.contains(LOCK_SCRIPT) => {
                    drop(tokio::spawn(keep_lock(machines, theirs)));
                }
                Endpoint::Command(command) if command.contains("date +%s%N") => {
                    drop(tokio::spawn(tell_time(machines, node, theirs)));
                }
                Endpoint::Port(port) => drop(tokio::spawn(serve(machines, node, port, theirs))),
                other => panic!("machines have no such thing: {other:?}"),
            }
            Ok(Box::new(ours) as ByteStream)
        })
    }

    fn session(&self, _node: usize) -> BoxFuture<'_, Result<Arc<Session>, SshError>> {
        Box::pin(async { Err(broken()) })
    }

    fn disconnect(&self, _node: usize) -> BoxFuture<'_, ()> {
        Box::pin(async {})
    }
}

/// One request over HTTP/1.1 to a node's engine.
async fn docker(machines: Arc<Machines>, node: usize, stream: DuplexStream) {
    let mut stream = BufStream::new(stream);
    let Some((method, target, body)) = request(&mut stream).await else { return };
    // Requests name their host, as those to proxies do. <https://www.rfc-editor.org/rfc/rfc9112#section-3.2.2>
    let target = target.strip_prefix("http://docker").unwrap_or(&target);
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let path = percent_encoding::percent_decode_str(path).decode_utf8_lossy().into_owned();
    let path = match path.strip_prefix("/v1.").and_then(|rest| rest.split_once('/')) {
        Some((_, rest)) => format!("/{rest}"),
        None => path,
    };
    let pairs = url::form_urlencoded::parse(query.as_bytes());
    let query = Query(pairs.map(|(key, value)| (key.into_owned(), value.into_owned())).collect());
    let body: Value = if body.is_empty() { Value::Null } else { serde_json::from_slice(&body).expect("a document") };
    let act = || machines.state().engine().answer(node, &method, &path, &query, &body);
    let fate =
        machines.meet(format!("node-{node}: {method} {path} {}", body["Name"].as_str().unwrap_or_default())).await;
    let (status, answer) = match fate {
        Fate::Answered => act(),
        Fate::Refused { done } => {
            done.then(act);
            refused(500, "rpc error: code = DeadlineExceeded desc = context deadline exceeded")
        }
        Fate::Lost { done } => {
            done.then(act);
            return;
        }
        Fate::Killed { done } => {
            done.then(act);
            return std::future::pending().await;
        }
    };
    let text = if answer.is_null() { String::new() } else { answer.to_string() };
    respond(&mut stream, status, &text).await;
}

async fn respond(stream: &mut BufStream<DuplexStream>, status: u16, text: &str) {
    let length = if status == 204 { String::new() } else { format!("content-length: {}\r\n", text.len()) };
    let head = format!("HTTP/1.1 {status} Said\r\ncontent-type: application/json\r\n{length}connection: close\r\n\r\n");
    // Who has gone meanwhile hears nothing.
    let _ = stream.write_all(format!("{head}{text}").as_bytes()).await;
    let _ = stream.flush().await;
}

/// Method, target and body.
async fn request(stream: &mut BufStream<DuplexStream>) -> Option<(String, String, Vec<u8>)> {
    let mut first = String::new();
    stream.read_line(&mut first).await.ok().filter(|length| *length > 0)?;
    let mut words = first.split(' ').map(str::to_owned);
    let (method, target) = (words.next()?, words.next()?);
    let (mut length, mut in_pieces) = (0, false);
    loop {
        let mut line = String::new();
        stream.read_line(&mut line).await.ok()?;
        let Some((name, value)) = line.trim_end().split_once(": ") else { break };
        in_pieces |= name.eq_ignore_ascii_case("transfer-encoding") && value == "chunked";
        if name.eq_ignore_ascii_case("content-length") {
            length = value.parse().ok()?;
        }
    }
    let body = match in_pieces {
        true => pieces(stream).await?,
        false => exactly(stream, length).await?,
    };
    Some((method, target, body))
}

async fn exactly(stream: &mut BufStream<DuplexStream>, length: usize) -> Option<Vec<u8>> {
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await.ok()?;
    Some(body)
}

/// A body whose length is not known at its beginning. <https://www.rfc-editor.org/rfc/rfc9112#section-7.1>
async fn pieces(stream: &mut BufStream<DuplexStream>) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let mut line = String::new();
        stream.read_line(&mut line).await.ok()?;
        let length = usize::from_str_radix(line.trim_end(), 16).ok()?;
        let piece = exactly(stream, length + "\r\n".len()).await?;
        if length == 0 {
            return Some(body);
        }
        body.extend_from_slice(&piece[..length]);
    }
}

/// The shell that keeps the lock's lease. Renewals are no calls of a run: how many there are depends on how long it waits.
async fn keep_lock(machines: Arc<Machines>, stream: DuplexStream) {
    let mut stream = BufStream::new(stream);
    let mut lease = None;
    loop {
        let mut line = String::new();
        let heard = tokio::time::timeout(Duration::from_secs(50), stream.read_line(&mut line)).await;
        if !matches!(heard, Ok(Ok(length)) if length > 0) {
            break;
        }
        let (word, rest) = line.trim_end().split_once(' ').unwrap_or((line.trim_end(), ""));
        let act = |lease: &mut Option<u64>| {
            let mut state = machines.state();
            let engine = state.engine();
            match word {
                "look" => format!("ok {}", engine.etcd.range(rest, false)),
                "take" => {
                    let granted = engine.etcd.grant(engine.now);
                    *lease = Some(granted);
                    let text =
                        base64::Engine::decode(&base64::engine::general_purpose::STANDARD, rest).expect("base 64");
                    let text = String::from_utf8(text).expect("text");
                    format!("ok {}", engine.etcd.transaction(&text, *lease))
                }
                "drop" => {
                    lease.take().into_iter().for_each(|lease| engine.etcd.revoke(lease));
                    "ok ".to_owned()
                }
                "keep" => match lease.is_some_and(|lease| engine.etcd.keep_alive(lease, engine.now)) {
                    true => "ok lease keepalived".to_owned(),
                    false => "failed Error: etcdserver: requested lease not found".to_owned(),
                },
                _ => String::new(),
            }
        };
        let fate = match word {
            "look" | "take" => machines.meet(format!("lock: {word}")).await,
            _ if machines.state().is_cut_off => Fate::Lost { done: false },
            _ => Fate::Answered,
        };
        let answer = match fate {
            Fate::Answered => act(&mut lease),
            Fate::Refused { done } => {
                done.then(|| act(&mut lease));
                "failed Error: etcdserver: request timed out".to_owned()
            }
            Fate::Lost { done } | Fate::Killed { done } => {
                done.then(|| act(&mut lease));
                break;
            }
        };
        if answer.is_empty() || stream.write_all(format!("{answer}\n").as_bytes()).await.is_err() {
            break;
        }
        let _ = stream.flush().await;
    }
    // Its trap revokes the lease, as far as etcd is heard.
    if let Some(lease) = lease.filter(|_| !machines.state().is_cut_off) {
        machines.state().engine().etcd.revoke(lease);
    }
}

/// The clock's loop.
async fn tell_time(machines: Arc<Machines>, node: usize, stream: DuplexStream) {
    match machines.meet(format!("node-{node}: clock")).await {
        Fate::Answered => {}
        Fate::Killed { .. } => return std::future::pending().await,
        _ => return,
    }
    let mut stream = BufStream::new(stream);
    let mut line = String::new();
    while stream.read_line(&mut line).await.is_ok_and(|length| length > 0) {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        if stream.write_all(format!("{}\n", now.as_nanos()).as_bytes()).await.is_err() {
            return;
        }
        let _ = stream.flush().await;
    }
}

/// Whatever listens on a port of a node answers 200.
async fn serve(machines: Arc<Machines>, node: usize, port: u16, stream: DuplexStream) {
    let mut stream = BufStream::new(stream);
    let Some((_, target, _)) = request(&mut stream).await else { return };
    match machines.meet(format!("node-{node}: GET :{port}{target}")).await {
        Fate::Answered if machines.listens(node, port) => respond(&mut stream, 200, "").await,
        Fate::Refused { .. } => respond(&mut stream, 503, "").await,
        Fate::Killed { .. } => std::future::pending().await,
        Fate::Answered | Fate::Lost { .. } => {}
    }
}
