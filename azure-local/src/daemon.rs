//! The emulator's process: takes its folder, answers until told to stop, and leaves nothing running. Called by
//! `azure-coreos-cluster local`.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::future::Future;
use std::io::{ErrorKind, Write};
use std::net::{Ipv4Addr, SocketAddr};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use tokio::net::TcpListener;
use tokio::sync::oneshot;

use crate::directory::Directory;
use crate::frontend::apply::Frontends;
use crate::http;
use crate::http::connection::{Door, Scissors};
use crate::latency::Latency;
use crate::machine::MachineHost;
use crate::server::{Parts, Server};
use crate::state::State;
use crate::work;

/// How long requests that are being answered may go on after the end was asked for.
const GRACE: Duration = Duration::from_secs(3);

/// What a daemon needs.
pub struct Options {
    /// Its folder; made when it is not there.
    pub directory: Directory,
    /// Runs the virtual machines.
    pub machines: Arc<dyn MachineHost>,
    /// Opens the public addresses' ports.
    pub frontends: Arc<dyn Frontends>,
    /// How long operations take.
    pub latency: Latency,
    /// The address of the first public IP, such as 127.77.0.1; others get the next free ones.
    pub frontend_base: Ipv4Addr,
    /// A machine that is not ready after this fails with `OSProvisioningTimedOut`.
    pub boot_timeout: Duration,
    /// Told once the folder is taken and requests are answered.
    pub ready: Option<oneshot::Sender<()>>,
}

/// Runs the emulator until `shutdown` completes. A second one on the same folder is an error.
pub async fn serve(options: Options, shutdown: impl Future<Output = ()> + Send) -> anyhow::Result<()> {
    let directory = &options.directory;
    if !options.frontend_base.is_loopback() {
        bail!("the first public address `{}` is not a loopback address", options.frontend_base);
    }
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(directory.root())
        .with_context(|| format!("creating `{}`", directory.root().display()))?;
    let lock = lock(&directory.process_id())?;
    let token = token(&directory.token())?;
    let state = State::open(&directory.resources(), options.frontend_base)?;
    let listener = bind(&directory.endpoint()).await?;
    let listening = listener.local_addr().context("reading the listener's address")?;
    let server = Arc::new(Server::new(Parts {
        state,
        machines: options.machines,
        frontends: options.frontends,
        latency: options.latency,
        boot_timeout: options.boot_timeout,
        token,
        listening,
    }));
    work::resume(&server).await;

    let (stop, mut stopped) = tokio::sync::watch::channel(false);
    let router = http::router(server.clone()).into_make_service_with_connect_info::<Scissors>();
    let answering = axum::serve(Door(listener), router).with_graceful_shutdown(async move {
        // An error means that the sender is gone, which is the end as well.
        let _ = stopped.wait_for(|stopped| *stopped).await;
    });
    let mut answering = std::pin::pin!(answering.into_future());
    // Connections wait in the listener's queue until the next line polls it.
    write_atomically(&directory.endpoint(), server.endpoint.as_bytes())?;
    tracing::info!(endpoint = server.endpoint, "ready");
    if let Some(ready) = options.ready {
        // Whoever wanted to know may be gone.
        let _ = ready.send(());
    }
    tokio::select! {
        ended = &mut answering => ended.context("answering requests")?,
        () = shutdown => {}
    }
    tracing::info!("stopping");
    stop.send_replace(true);
    if tokio::time::timeout(GRACE, answering).await.is_err() {
        tracing::warn!("requests were still being answered");
    }
    server.frontends.shut_down().await;
    server.machines.shut_down().await;
    for path in [directory.endpoint(), directory.process_id()] {
        remove(&path)?;
    }
    drop(lock);
    Ok(())
}

/// Takes the folder for this process; the lock ends with the returned file, whatever happens to the process.
fn lock(path: &Path) -> anyhow::Result<File> {
    let context = || format!("locking `{}`", path.display());
    let mut file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(path)
        .with_context(context)?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            let holder = fs::read_to_string(path).unwrap_or_default();
            bail!(
                "another azure-local (process {}) is running on `{}`",
                holder.trim(),
                path.with_file_name("").display()
            );
        }
        Err(TryLockError::Error(error)) => return Err(error).with_context(context),
    }
    file.set_len(0).with_context(context)?;
    writeln!(file, "{}", std::process::id()).with_context(context)?;
    Ok(file)
}

/// The bearer token that is there, or a new random one.
fn token(path: &Path) -> anyhow::Result<String> {
    match fs::read_to_string(path) {
        Ok(text) if !text.trim().is_empty() => return Ok(text.trim().to_owned()),
        Ok(_) => {}
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        Err(error) => return Err(error).with_context(|| format!("reading `{}`", path.display())),
    }
    let token = format!("{}{}", uuid::Uuid::new_v4().simple(), uuid::Uuid::new_v4().simple());
    write_atomically(path, token.as_bytes())?;
    Ok(token)
}

/// Binds the port of a daemon that was killed, so that its operation URLs keep working, or else any free one.
async fn bind(endpoint: &Path) -> anyhow::Result<TcpListener> {
    let former = fs::read_to_string(endpoint)
        .ok()
        .and_then(|text| text.trim().strip_prefix("http://")?.parse::<SocketAddr>().ok());
    if let Some(former) = former.filter(|former| former.ip().is_loopback())
        && let Ok(listener) = TcpListener::bind(former).await
    {
        return Ok(listener);
    }
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.context("binding a loopback port")
}

/// Writes a file of mode 0600 so that it is there whole or not at all.
fn write_atomically(path: &Path, content: &[u8]) -> anyhow::Result<()> {
    let temporary = path.with_extension("new");
    let context = || format!("writing `{}`", path.display());
    let mut file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&temporary)
        .with_context(context)?;
    file.write_all(content).with_context(context)?;
    file.sync_all().with_context(context)?;
    fs::rename(&temporary, path).with_context(context)
}

fn remove(path: &Path) -> anyhow::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            Err(error).with_context(|| format!("removing `{}`", path.display()))
        }
        _ => Ok(()),
    }
}
