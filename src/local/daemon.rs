//! The emulator's daemon: a process of this same program that outlives the command that started it.

use std::fs::OpenOptions;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::net::Ipv4Addr;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use azure_local::daemon::Options;
use azure_local::directory::Directory;
use azure_local::frontend::apply::{Frontends, NoFrontends};
use azure_local::frontend::proxy::TcpProxy;
use azure_local::image::MachineImage;
use azure_local::latency::{Latency, TimeScale};
use azure_local::machine::MachineHost;
use azure_local::machine::none::NoMachines;
use azure_local::machine::qemu::{QemuMachines, QemuOptions};
use azure_local::time::TimeServer;
use tokio::sync::oneshot;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::emulator::Emulator;
use super::folder::{self, check_is_free, refused};
use super::{built_image, given_image};
use report::Reporter;

/// A daemon that has to start many machines again still answers within this time.
const START_DEADLINE: Duration = Duration::from_secs(60);
/// Guests are asked to shut down before they are ended.
const STOP_DEADLINE: Duration = Duration::from_secs(180);
const POLL_INTERVAL: Duration = Duration::from_millis(100);
/// Last lines of the log that explain a daemon that did not come up.
const LOG_LINES: usize = 15;
/// They are in these bytes at the end of the log.
const LOG_END_BYTES: u64 = 64 * 1024;
/// The first public address; the next cluster gets the next one.
const FIRST_PUBLIC_ADDRESS: Ipv4Addr = Ipv4Addr::new(127, 77, 0, 1);

/// What the daemon and its QEMU need to find their programs, folders and time zone, and to tell more in the log.
const INHERITED_VARIABLES: [&str; 14] = [
    "AZURE_COREOS_CLUSTER_LOG",
    "AZURE_LOCAL_IMAGE_CACHE",
    "HOME",
    "LANG",
    "LD_LIBRARY_PATH",
    "LOGNAME",
    "PATH",
    "RUST_BACKTRACE",
    "TMPDIR",
    "TZ",
    "USER",
    "XDG_CACHE_HOME",
    "XDG_RUNTIME_DIR",
    "XDG_STATE_HOME",
];

/// How the daemon runs.
#[derive(Clone, Debug)]
pub struct ServeOptions {
    /// Real machines, or the control plane alone.
    pub machines: bool,
    /// Operations take as long as on Azure.
    pub azure_latency: bool,
    pub time_scale: TimeScale,
    pub machine_memory_mib: u32,
    /// A Flatcar disk that machines start from; none is the image that was built.
    pub image: Option<PathBuf>,
    pub boot_timeout: Duration,
}

/// Sees to what a daemon with these arguments of `local serve` needs: a folder of its own and, for machines, their image, which takes
/// minutes when it is not there yet.
pub async fn prepare(directory: &Directory, arguments: &[String], reporter: &Reporter) -> anyhow::Result<()> {
    check_is_free(directory)?;
    if arguments.windows(2).any(|pair| pair == ["--vms", "none"]) {
        return Ok(());
    }
    match given_image_of(arguments) {
        Some(path) => given_image::examine(path).await.map(drop),
        None => built_image::ensure(reporter).await,
    }
}

/// Starts the daemon with these arguments of `local serve`, which [`prepare`] saw to, and returns when it answers.
pub async fn start(directory: &Directory, arguments: &[String], reporter: &Reporter) -> anyhow::Result<Emulator> {
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(directory.root())
        .map_err(|error| refused(error, directory, directory.root(), "creating"))?;
    let last = directory.arguments();
    std::fs::write(&last, arguments.join("\n")).map_err(|error| refused(error, directory, &last, "writing"))?;
    let log = directory.log();
    let output = OpenOptions::new()
        .create(true)
        .append(true)
        .mode(0o600)
        .open(&log)
        .map_err(|error| refused(error, directory, &log, "opening"))?;
    let program = std::env::current_exe().context("finding this program's file")?;
    let mut command = Command::new(program);
    command.args(["local", "serve"]).args(arguments);
    command.env_clear().envs(std::env::vars_os().filter(|(name, _)| name.to_str().is_some_and(is_inherited)));
    command.env("AZURE_LOCAL_DIR", directory.root());
    // A group of its own: Ctrl-C at the terminal is for the command, not for the daemon.
    command.process_group(0).stdin(Stdio::null()).stdout(output.try_clone()?).stderr(output);
    let mut child = command.spawn().context("starting the local emulator")?;
    let deadline = Instant::now() + START_DEADLINE;
    loop {
        if let Some(emulator) = Emulator::find(directory).await? {
            reporter.note(format!("local emulator started: {}", emulator.base));
            return Ok(emulator);
        }
        if let Some(status) = child.try_wait()? {
            anyhow::bail!("the local emulator ended at once ({status}); its log says:\n{}", last_lines(directory));
        }
        if Instant::now() > deadline {
            anyhow::bail!("the local emulator does not answer; its log says:\n{}", last_lines(directory));
        }
        tokio::time::sleep(POLL_INTERVAL).await;
    }
}

/// Whether the daemon gets this variable of the command that starts it. It outlives that by days, and any process of the
/// user can read its environment, so secrets must not be in it.
fn is_inherited(variable: &str) -> bool {
    INHERITED_VARIABLES.contains(&variable) || variable.starts_with("LC_")
}

/// The arguments with which the daemon was started last; empty when it never was.
pub fn last_arguments(directory: &Directory) -> anyhow::Result<Vec<String>> {
    let text = folder::read(directory, &directory.arguments())?.unwrap_or_default();
    Ok(text.lines().map(str::to_owned).collect())
}

/// The file that these arguments name as the machines' image.
fn given_image_of(arguments: &[String]) -> Option<&Path> {
    arguments.windows(2).find(|pair| pair[0] == "--image").map(|pair| Path::new(&pair[1]))
}

/// What the machines of a daemon start from.
async fn machine_image(given: Option<&Path>) -> anyhow::Result<MachineImage> {
    match given {
        Some(path) => Ok(given_image::examine(path).await?.into()),
        None => Ok(built_image::find()?.into()),
    }
}

/// Runs the daemon in this process until SIGTERM or Ctrl-C (`stopped`).
pub async fn serve(options: ServeOptions, stopped: impl Future<Output = ()> + Send) -> anyhow::Result<()> {
    let directory = super::directory()?;
    let last_port = folder::read(&directory, &directory.time_server())?.and_then(|text| text.trim().parse().ok());
    let time = TimeServer::start(last_port).await?;
    let time_port = time.address().port();
    let (machines, frontends): (Arc<dyn MachineHost>, Arc<dyn Frontends>) = if options.machines {
        let image = machine_image(options.image.as_deref()).await?;
        let qemu = QemuOptions {
            memory_mib: options.machine_memory_mib,
            time_server_port: Some(time_port),
            ..QemuOptions::new(directory.machines(), image)
        };
        let machines: Arc<dyn MachineHost> = Arc::new(QemuMachines::new(qemu)?);
        (machines.clone(), Arc::new(TcpProxy::new(machines)))
    } else {
        (Arc::new(NoMachines), Arc::new(NoFrontends::default()))
    };
    let (ready, is_ready) = oneshot::channel();
    let ended = CancellationToken::new();
    let end = ended.clone();
    let latency = if options.azure_latency { Latency::azure(options.time_scale) } else { Latency::none() };
    let options = Options {
        directory: directory.clone(),
        ready: Some(ready),
        machines,
        frontends,
        latency,
        frontend_base: FIRST_PUBLIC_ADDRESS,
        boot_timeout: options.boot_timeout,
    };
    let discovery = tokio::spawn(async move {
        // The folder is this process's own when the emulator says so.
        match is_ready.await {
            Ok(()) => {
                let file = directory.time_server();
                std::fs::write(&file, format!("{time_port}\n"))
                    .with_context(|| format!("writing `{}`", file.display()))?;
                super::discovery::serve(&directory, end.cancelled_owned()).await
            }
            Err(_) => Ok(()),
        }
    });
    let served = azure_local::daemon::serve(options, stopped).await;
    ended.cancel();
    discovery.await??;
    served
}

/// Asks the daemon to end and returns when it has; whether one was running.
pub async fn stop(directory: &Directory) -> anyhow::Result<bool> {
    let Some(text) = folder::read(directory, &directory.process_id())? else { return Ok(false) };
    let id = text.trim().parse().ok().and_then(rustix::process::Pid::from_raw);
    let Some(id) = id.filter(|id| is_daemon(id.as_raw_nonzero().get())) else { return Ok(false) };
    rustix::process::kill_process(id, rustix::process::Signal::TERM)
        .map_err(|error| refused(error.into(), directory, &directory.process_id(), "ending the daemon of"))?;
    let deadline = Instant::now() + STOP_DEADLINE;
    while is_daemon(id.as_raw_nonzero().get()) {
        anyhow::ensure!(Instant::now() < deadline, "the local emulator (process {}) does not end", text.trim());
        tokio::time::sleep(POLL_INTERVAL).await;
    }
    Ok(true)
}

/// Whether this process is a daemon of ours: numbers are used again, and a stale file must not end a stranger.
fn is_daemon(id: i32) -> bool {
    let command_line = std::fs::read(format!("/proc/{id}/cmdline")).unwrap_or_default();
    let arguments: Vec<&[u8]> = command_line.split(|byte| *byte == 0).collect();
    arguments.windows(2).any(|pair| pair == [&b"local"[..], &b"serve"[..]])
}

/// As much of the log as its last lines take; a log grows as long as its emulator runs.
fn log_end(directory: &Directory) -> std::io::Result<String> {
    let mut log = std::fs::File::open(directory.log())?;
    let length = log.metadata()?.len();
    log.seek(SeekFrom::Start(length.saturating_sub(LOG_END_BYTES)))?;
    let mut bytes = Vec::new();
    log.take(LOG_END_BYTES).read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn last_lines(directory: &Directory) -> String {
    let text = log_end(directory).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(LOG_LINES)..].join("\n")
}
