//! A signed-in connection to one node.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use russh::client::{self, Handle};
use russh::keys::{HashAlg, PublicKey, PublicKeyOrCertificate};
use russh::{ChannelMsg, ChannelStream, Disconnect};
use tokio::io::{AsyncRead, AsyncWrite};

use super::error::SshError;
use super::identity::Identity;
use crate::inventory::SocketEndpoint;

/// The account on every node.
const USER: &str = "core";
/// What commands say is read into memory; archives and images go another way.
const MOST_OUTPUT_BYTES: usize = 64 << 20;
/// A machine that is starting answers late; one that is gone never does.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(20);
/// Silence after which the other side is asked whether it is still there; after three questions without an answer the
/// connection counts as lost.
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(15);

/// A connection.
pub struct Session {
    handle: Handle<PinnedHost>,
    address: String,
    /// Carries this connection when the node was not reached directly.
    _jump: Option<Arc<Session>>,
}

/// A stream of bytes over a connection.
pub type Stream = ChannelStream<client::Msg>;

/// What a command said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Output {
    pub status: u32,
    pub stdout: String,
    pub stderr: String,
}

impl Output {
    /// stdout when the command succeeded, else what it complained about, as one line.
    pub fn success(self) -> Result<String, String> {
        if self.status == 0 {
            return Ok(self.stdout.trim().to_owned());
        }
        let said = if self.stderr.trim().is_empty() { &self.stdout } else { &self.stderr };
        let lines: Vec<&str> = said.trim().lines().rev().take(3).collect();
        let last: Vec<&str> = lines.into_iter().rev().collect();
        Err(format!("exit status {}: {}", self.status, last.join("; ")))
    }
}

/// Accepts the given host keys and no other.
pub(super) struct PinnedHost {
    expected: Vec<PublicKey>,
    offered: Arc<Mutex<Option<String>>>,
}

impl client::Handler for PinnedHost {
    type Error = russh::Error;

    async fn check_server_key(&mut self, key: &PublicKeyOrCertificate) -> Result<bool, Self::Error> {
        let PublicKeyOrCertificate::PublicKey { key, .. } = key else { return Ok(false) };
        let known = self.expected.iter().any(|expected| key.key_data() == expected.key_data());
        if !known {
            let fingerprint = key.fingerprint(HashAlg::Sha256).to_string();
            *self.offered.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = Some(fingerprint);
        }
        Ok(known)
    }
}

impl Session {
    /// Connects and signs in; `host_key` is the only key that the server may show (`ssh-ed25519 AAAA…`).
    pub async fn connect(endpoint: &SocketEndpoint, host_key: &str, identity: &Identity) -> Result<Self, SshError> {
        Self::connect_within(endpoint, &[host_key], identity, CONNECT_TIMEOUT).await
    }

    /// The same with a time limit, for a server that may be any of several machines.
    pub async fn connect_within(
        endpoint: &SocketEndpoint,
        host_keys: &[&str],
        identity: &Identity,
        timeout: Duration,
    ) -> Result<Self, SshError> {
        let address = format!("{}:{}", endpoint.host, endpoint.port);
        let timed_out = SshError::TimedOut { address: address.clone(), within: timeout };
        let connecting = async {
            let stream = tokio::net::TcpStream::connect((endpoint.host.as_str(), endpoint.port))
                .await
                .map_err(|error| SshError::Connect { address: address.clone(), reason: error.to_string() })?;
            // Small questions and answers: waiting to fill packets would be measured as clock skew.
            let _ = stream.set_nodelay(true);
            Self::over(stream, address, host_keys, identity, None).await
        };
        tokio::time::timeout(timeout, connecting).await.unwrap_or(Err(timed_out))
    }

    /// Connects to `endpoint` as `jump` sees it, through `jump`.
    pub async fn connect_through(
        jump: Arc<Session>,
        endpoint: &SocketEndpoint,
        host_keys: &[&str],
        identity: &Identity,
        timeout: Duration,
    ) -> Result<Self, SshError> {
        let address = format!("{}:{} (through {})", endpoint.host, endpoint.port, jump.address);
        let timed_out = SshError::TimedOut { address: address.clone(), within: timeout };
        let connecting = async {
            let stream = jump
                .tcp(&endpoint.host, endpoint.port)
                .await
                .map_err(|error| SshError::Connect { address: address.clone(), reason: error.to_string() })?;
            Self::over(stream, address, host_keys, identity, Some(jump.clone())).await
        };
        tokio::time::timeout(timeout, connecting).await.unwrap_or(Err(timed_out))
    }

    async fn over(
        stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
        address: String,
        host_keys: &[&str],
        identity: &Identity,
        jump: Option<Arc<Session>>,
    ) -> Result<Self, SshError> {
        let expected: Vec<PublicKey> = host_keys
            .iter()
            .map(|host_key| PublicKey::from_openssh(host_key.trim()))
            .collect::<Result<_, _>>()
            .map_err(|error| SshError::Identity(format!("the host key that is known of {address}: {error}")))?;
        let offered = Arc::new(Mutex::new(None));
        // Only the pinned keys' own types are asked for: a server may hold keys of other types too.
        let mut algorithms: Vec<_> = expected.iter().map(PublicKey::algorithm).collect();
        algorithms.dedup();
        let preferred = russh::Preferred { key: algorithms.into(), ..russh::Preferred::default() };
        let config = client::Config {
            keepalive_interval: Some(KEEPALIVE_INTERVAL),
            preferred,
            nodelay: true,
            ..client::Config::default()
        };
        let handler = PinnedHost { expected, offered: offered.clone() };
        let connected = client::connect_stream(Arc::new(config), stream, handler).await;
        let mut handle = connected.map_err(|error| {
            match offered.lock().unwrap_or_else(std::sync::PoisonError::into_inner).take() {
                Some(offered) => SshError::HostKey { address: address.clone(), offered },
                None => SshError::Protocol { address: address.clone(), reason: error.to_string() },
            }
        })?;
        identity.sign_in(&mut handle, USER, &address).await?;
        Ok(Self { handle, address, _jump: jump })
    }

    /// Whether the connection is known to be gone.
    pub fn is_closed(&self) -> bool {
        self.handle.is_closed()
    }

    /// A TCP connection that the node opens to `host` and `port`.
    pub async fn tcp(&self, host: &str, port: u16) -> Result<Stream, SshError> {
        let opened = self.handle.channel_open_direct_tcpip(host, u32::from(port), "127.0.0.1", 0).await;
        opened.map(russh::Channel::into_stream).map_err(|error| self.unopened(&format!("{host}:{port}"), error))
    }

    /// A connection to a Unix socket on the node.
    /// <https://cvsweb.openbsd.org/src/usr.bin/ssh/PROTOCOL?annotate=HEAD> §2.4
    pub async fn unix(&self, path: &str) -> Result<Stream, SshError> {
        let opened = self.handle.channel_open_direct_streamlocal(path).await;
        opened.map(russh::Channel::into_stream).map_err(|error| self.unopened(path, error))
    }

    /// An error of a stream that was asked for: the node's own refusal says nothing against this connection.
    fn unopened(&self, target: &str, error: russh::Error) -> SshError {
        match error {
            russh::Error::ChannelOpenFailure(russh::ChannelOpenFailure::ConnectFailed) => SshError::Connect {
                address: format!("{target} on {}", self.address),
                reason: "refused, nothing listens there".into(),
            },
            other => self.broken(&other),
        }
    }

    /// Runs a command with `input` on its standard input and returns what it said, within `timeout`.
    pub async fn run(&self, command: &str, input: Option<&str>, timeout: Duration) -> Result<Output, SshError> {
        let timed_out = SshError::TimedOut { address: self.address.clone(), within: timeout };
        tokio::time::timeout(timeout, self.run_now(command, input)).await.unwrap_or(Err(timed_out))
    }

    async fn run_now(&self, command: &str, input: Option<&str>) -> Result<Output, SshError> {
        let mut channel = self.open(command).await?;
        if let Some(input) = input {
            channel.data(input.as_bytes()).await.map_err(|error| self.broken(&error))?;
            channel.eof().await.map_err(|error| self.broken(&error))?;
        }
        let (mut stdout, mut stderr, mut status) = (Vec::new(), Vec::new(), None);
        while let Some(message) = channel.wait().await {
            if stdout.len() + stderr.len() > MOST_OUTPUT_BYTES {
                return Err(self.broken(&format!("the command said more than {} MiB", MOST_OUTPUT_BYTES >> 20)));
            }
            match message {
                ChannelMsg::Data { data } => stdout.extend_from_slice(&data),
                ChannelMsg::ExtendedData { data, .. } => stderr.extend_from_slice(&data),
                ChannelMsg::ExitStatus { exit_status } => status = Some(exit_status),
                ChannelMsg::ExitSignal { signal_name, .. } => {
                    stderr.extend_from_slice(format!("ended by signal {signal_name:?}").as_bytes());
                    status = Some(128);
                }
                _ => {}
            }
        }
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        match status {
            Some(status) => Ok(Output { status, stdout: text(stdout), stderr: text(stderr) }),
            None => Err(SshError::Protocol {
                address: self.address.clone(),
                reason: "the command's end was not told".into(),
            }),
        }
    }

    /// A channel for one program.
    pub(super) async fn channel(&self) -> Result<russh::Channel<client::Msg>, SshError> {
        self.handle.channel_open_session().await.map_err(|error| self.broken(&error))
    }

    /// Opens a channel for a conversation with a command.
    pub async fn open(&self, command: &str) -> Result<russh::Channel<client::Msg>, SshError> {
        let channel = self.channel().await?;
        channel.exec(true, command).await.map_err(|error| self.broken(&error))?;
        Ok(channel)
    }

    /// An error of this connection.
    pub fn broken(&self, error: &dyn std::fmt::Display) -> SshError {
        SshError::Protocol { address: self.address.clone(), reason: error.to_string() }
    }

    /// Says good-bye.
    pub async fn close(&self) {
        let _ = self.handle.disconnect(Disconnect::ByApplication, "", "en").await;
    }
}
