//! An SSH server on loopback that runs commands on this machine, as a node would; connections to it can be lost.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use russh::keys::PrivateKey;
use russh::server::{self, Auth, Msg, Session};
use russh::{Channel, ChannelId};
use tokio::io::AsyncWriteExt as _;

/// The server; it ends with its runtime.
pub(crate) struct SshServer {
    pub address: SocketAddr,
    /// In OpenSSH's form.
    pub host_key: String,
    state: Arc<State>,
    _runtime: tokio::runtime::Runtime,
}

struct State {
    /// What commands find in their environment.
    environment: Vec<(String, String)>,
    connected: AtomicUsize,
    asked_docker: AtomicBool,
}

impl SshServer {
    /// Takes every key. The first connection is lost by a command that says so; what listens at Unix sockets is silent.
    pub(crate) fn start(environment: &[(&str, &str)]) -> Self {
        let key = coreos_cluster::pki::generate_ssh_key_pair("node").unwrap();
        let host_key = key.public.trim().to_owned();
        let keys = vec![PrivateKey::from_openssh(&key.private).unwrap()];
        let config = Arc::new(server::Config {
            keys,
            auth_rejection_time: Duration::ZERO,
            inactivity_timeout: None,
            ..server::Config::default()
        });
        let environment = environment.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let state =
            Arc::new(State { environment, connected: AtomicUsize::new(0), asked_docker: AtomicBool::new(false) });
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).unwrap();
        let address = listener.local_addr().unwrap();
        let accepting = state.clone();
        runtime.spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                accepting.connected.fetch_add(1, Ordering::SeqCst);
                let handler = Handler { state: accepting.clone(), channels: HashMap::new() };
                let config = config.clone();
                tokio::spawn(async move {
                    if let Ok(session) = server::run_stream(config, stream, handler).await {
                        let _ = session.await;
                    }
                });
            }
        });
        Self { address, host_key, state, _runtime: runtime }
    }

    /// How many connections were made so far.
    pub(crate) fn connected(&self) -> usize {
        self.state.connected.load(Ordering::SeqCst)
    }

    /// Whether a Unix socket was connected to, where nobody answers.
    pub(crate) fn is_silent(&self) -> bool {
        self.state.asked_docker.load(Ordering::SeqCst)
    }
}

struct Handler {
    state: Arc<State>,
    channels: HashMap<ChannelId, Channel<Msg>>,
}

impl server::Handler for Handler {
    type Error = russh::Error;

    async fn auth_publickey(&mut self, _: &str, _: server::VerifiedPublicKey<'_>) -> Result<Auth, Self::Error> {
        Ok(Auth::Accept)
    }

    async fn channel_open_session(
        &mut self,
        channel: Channel<Msg>,
        reply: server::ChannelOpenHandle,
        _: &mut Session,
    ) -> Result<(), Self::Error> {
        self.channels.insert(channel.id(), channel);
        reply.accept().await;
        Ok(())
    }

    async fn channel_open_direct_streamlocal(
        &mut self,
        channel: Channel<Msg>,
        _: &str,
        reply: server::ChannelOpenHandle,
        _: &mut Session,
    ) -> Result<(), Self::Error> {
        self.channels.insert(channel.id(), channel);
        self.state.asked_docker.store(true, Ordering::SeqCst);
        reply.accept().await;
        Ok(())
    }

    async fn exec_request(&mut self, id: ChannelId, data: &[u8], session: &mut Session) -> Result<(), Self::Error> {
        let command = String::from_utf8_lossy(data).into_owned();
        session.channel_success(id)?;
        let Some(channel) = self.channels.remove(&id) else { return Ok(()) };
        if command.contains("lose-the-connection") && self.state.connected.load(Ordering::SeqCst) == 1 {
            return Err(russh::Error::Disconnect);
        }
        tokio::spawn(run(command, self.state.environment.clone(), channel, session.handle()));
        Ok(())
    }
}

/// Runs a command with the channel as its standard streams.
async fn run(command: String, environment: Vec<(String, String)>, channel: Channel<Msg>, handle: server::Handle) {
    let id = channel.id();
    let mut program = tokio::process::Command::new("bash");
    program.args(["-c", &command]).envs(environment).kill_on_drop(true);
    let program = program.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let mut program = program.expect("bash starts");
    let (mut input, mut output) = (program.stdin.take().unwrap(), program.stdout.take().unwrap());
    let mut errors = program.stderr.take().unwrap();
    let (mut reading, mut writing) = tokio::io::split(channel.into_stream());
    let listening = tokio::spawn(async move {
        let _ = tokio::io::copy(&mut reading, &mut input).await;
        // The end of what we are told is the end of its input.
        let _ = input.shutdown().await;
    });
    let mut complaints = Vec::new();
    let (said, _) = tokio::join!(
        tokio::io::copy(&mut output, &mut writing),
        tokio::io::AsyncReadExt::read_to_end(&mut errors, &mut complaints)
    );
    let _ = said;
    let status = program.wait().await.ok().and_then(|status| status.code()).and_then(|code| u32::try_from(code).ok());
    if !complaints.is_empty() {
        let _ = handle.extended_data(id, 1, complaints).await;
    }
    let _ = handle.exit_status_request(id, status.unwrap_or(255)).await;
    let _ = handle.eof(id).await;
    let _ = handle.close(id).await;
    listening.abort();
}
