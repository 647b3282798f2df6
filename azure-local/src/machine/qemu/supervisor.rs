//! One machine's life: starts its process, starts it again when the guest reboots, and says how it ended.

use std::collections::HashMap;
use std::ffi::OsString;
use std::fs::{self, File};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::json;
use tokio::process::Child;
use tokio::sync::{Mutex, watch};
use tokio::time::{Instant, timeout_at};

use super::folder::{Folder, write_private};
use super::launcher::Launcher;
use super::memory::Memory;
use super::qmp::Qmp;
use super::{command_line, console, way_out};
use crate::image::MachineImage;
use crate::machine::MachineError;

/// The power button is pressed again at this interval: a guest that is still booting does not listen.
const POWER_BUTTON_INTERVAL: Duration = Duration::from_secs(5);

/// Boots in a row that a guest may reset without getting as far as its agent.
const FRUITLESS_RESETS: u32 = 3;

/// Everything a boot needs that does not change from one to the next.
pub(super) struct Boot {
    /// QEMU's arguments without those of the kernel.
    pub arguments: Vec<OsString>,
    /// Where the kernel comes from.
    pub image: MachineImage,
    /// Applied at the first boot. May hold secrets.
    pub configuration: Option<Vec<u8>>,
    /// The file that says that it has been applied.
    pub configured: PathBuf,
}

/// What a machine is doing.
#[derive(Clone)]
pub(super) enum Phase {
    /// Never started, stopped, or turned off from inside.
    Off,
    /// Its process runs.
    Running(Arc<Run>),
    /// Between two processes of a guest that reboots.
    Restarting,
    /// Its configuration was refused, with the reasons.
    Unusable(String),
    /// Its process ended by itself, and why.
    Ended(String),
}

/// A machine known to the host.
pub(super) struct Machine {
    /// Where its files are.
    pub folder: Folder,
    /// Held while the machine is started, stopped or deleted.
    pub operations: Mutex<()>,
    phase: watch::Sender<Phase>,
    is_stopping: AtomicBool,
}

/// One process of a machine, from its start to its end.
pub(super) struct Run {
    qmp: Qmp,
    process: Option<Pid>,
    forwards: Mutex<HashMap<u16, SocketAddr>>,
    /// Where this boot's console output begins.
    console_offset: u64,
    configured: PathBuf,
}

impl Machine {
    /// A machine that does not run.
    pub(super) fn new(folder: Folder) -> Self {
        Self {
            folder,
            operations: Mutex::default(),
            phase: watch::Sender::new(Phase::Off),
            is_stopping: AtomicBool::new(false),
        }
    }

    /// What it is doing now.
    pub(super) fn phase(&self) -> Phase {
        self.phase.borrow().clone()
    }

    /// Tells of every change.
    pub(super) fn watch(&self) -> watch::Receiver<Phase> {
        self.phase.subscribe()
    }

    /// Whether it runs, or is about to again.
    pub(super) fn is_running(&self) -> bool {
        matches!(*self.phase.borrow(), Phase::Running(_) | Phase::Restarting)
    }

    /// Starts the process and a task that looks after it.
    pub(super) async fn start(self: Arc<Self>, boot: Boot, launcher: Launcher) -> Result<(), MachineError> {
        self.is_stopping.store(false, Ordering::SeqCst);
        let (child, run) = match self.resume(&boot, &launcher).await {
            Some(resumed) => resumed,
            None => self.launch(&boot, &launcher, None).await?,
        };
        tokio::spawn(self.supervise(boot, launcher, child, run));
        Ok(())
    }

    /// Asks the guest to shut down and waits; ends its process after `grace`.
    pub(super) async fn stop(&self, grace: Duration) {
        self.is_stopping.store(true, Ordering::SeqCst);
        let deadline = Instant::now() + grace;
        let mut phase = self.watch();
        loop {
            let current = phase.borrow_and_update().clone();
            let run = match current {
                Phase::Running(run) => run,
                // The supervisor sees the wish to stop when the next process runs, or has none.
                Phase::Restarting => {
                    let _ = phase.changed().await;
                    continue;
                }
                Phase::Off | Phase::Unusable(_) | Phase::Ended(_) => return,
            };
            if Instant::now() >= deadline {
                run.end();
                let _ = phase.changed().await;
                continue;
            }
            // Its answer says nothing about the guest; the change of phase does.
            let _ = run.qmp.execute("system_powerdown", json!({})).await;
            let _ = timeout_at(deadline.min(Instant::now() + POWER_BUTTON_INTERVAL), phase.changed()).await;
        }
    }

    /// Keeps on disk what the guest has in memory and ends its process; the next start goes on from there. When that
    /// fails, the guest goes on.
    pub(super) async fn suspend(&self) -> Result<()> {
        let mut phase = self.watch();
        let run = loop {
            let current = phase.borrow_and_update().clone();
            match current {
                Phase::Running(run) => break run,
                Phase::Restarting => phase.changed().await.context("watching the machine")?,
                Phase::Off | Phase::Unusable(_) | Phase::Ended(_) => bail!("the virtual machine does not run"),
            }
        };
        self.is_stopping.store(true, Ordering::SeqCst);
        if let Err(error) = Memory::save(&self.folder, &run.qmp, run.console_offset).await {
            self.is_stopping.store(false, Ordering::SeqCst);
            return Err(error);
        }
        run.end();
        phase.changed().await.context("watching the machine")
    }

    /// Goes on from what was kept in memory; `None` when nothing was, or when it cannot be used: a start from the disks, as after
    /// a power cut, is what is left then.
    async fn resume(&self, boot: &Boot, launcher: &Launcher) -> Option<(Child, Arc<Run>)> {
        let memory = Memory::of(&self.folder)?;
        let resumed = match self.launch(boot, launcher, Some(&memory)).await {
            Ok((mut child, run)) => match Memory::take_up(&self.folder, &run.qmp).await {
                Ok(()) => Ok((child, run)),
                Err(error) => {
                    run.end();
                    let _ = child.wait().await;
                    Err(error.context(self.last_errors()))
                }
            },
            Err(error) => Err(error),
        };
        if let Err(error) = &resumed {
            tracing::warn!(
                machine = self.folder.name(),
                error = format!("{error:#}"),
                "the machine's memory is lost: it boots"
            );
            let _ = Memory::forget(&self.folder);
            self.folder.forget_process();
        }
        resumed.ok()
    }

    /// Remembers, once the guest has said so, that its configuration has been applied.
    pub(super) fn note_first_boot(&self) {
        if let Phase::Running(run) = self.phase() {
            self.note_first_boot_of(&run);
        }
    }

    fn note_first_boot_of(&self, run: &Run) {
        if !run.configured.exists()
            && run.agent_has_spoken(&self.folder.console())
            && let Err(error) = write_private(&run.configured, b"")
        {
            tracing::warn!(machine = self.folder.name(), %error, "the first boot could not be noted");
        }
    }

    async fn launch(&self, boot: &Boot, launcher: &Launcher, memory: Option<&Memory>) -> Result<(Child, Arc<Run>)> {
        let console_offset = match memory {
            Some(memory) => memory.console_offset,
            None => console::prepare(&self.folder.console()),
        };
        let configuration = boot.configuration.as_ref().filter(|_| !boot.configured.exists());
        let file = self.folder.configuration();
        if let Some(bytes) = configuration {
            write_private(&file, bytes)?;
        }
        let errors = File::create(self.folder.errors()).context("creating QEMU's log")?;
        let mut command = Launcher::command(command_line::PROGRAM);
        command
            .args(&boot.arguments)
            .args(command_line::boot_arguments(&boot.image, configuration.map(|_| file.as_path())))
            .args(memory.iter().flat_map(|memory| &memory.arguments))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(errors);
        let started = async {
            let mut child = launcher.spawn(command).await?;
            if let Some(process_id) = child.id() {
                self.folder.note_process(process_id)?;
            }
            let (Some(output), Some(input)) = (child.stdout.take(), child.stdin.take()) else {
                bail!("QEMU has no standard input and output");
            };
            let qmp = Qmp::connect(output, input).await;
            Ok((child, qmp))
        }
        .await;
        // QEMU reads the file before it says anything: no copy of it stays on the host.
        if configuration.is_some() {
            let _ = fs::remove_file(&file);
        }
        let (child, qmp) = started?;
        let qmp = qmp.with_context(|| format!("starting QEMU: {}", self.last_errors()))?;
        let process = child.id().and_then(|number| i32::try_from(number).ok()).and_then(Pid::from_raw);
        let configured = boot.configured.clone();
        let run = Arc::new(Run { qmp, process, forwards: Mutex::default(), console_offset, configured });
        self.phase.send_replace(Phase::Running(Arc::clone(&run)));
        Ok((child, run))
    }

    async fn supervise(self: Arc<Self>, boot: Boot, launcher: Launcher, mut child: Child, mut run: Arc<Run>) {
        let mut fruitless_resets = 0;
        loop {
            let status = child.wait().await;
            run.qmp.ended().await;
            self.folder.forget_process();
            self.note_first_boot_of(&run);
            let console = self.folder.console();
            let reason = run.qmp.shutdown_reason();
            let is_stopping = self.is_stopping.load(Ordering::SeqCst);

            if let Some(why) = console::why_it_cannot_start(&console, run.console_offset) {
                self.phase.send_replace(Phase::Unusable(why));
                return;
            }
            if reason.as_deref() == Some("guest-reset") && !is_stopping {
                let came_up = run.agent_has_spoken(&console);
                fruitless_resets = if came_up { 0 } else { fruitless_resets + 1 };
                if fruitless_resets >= FRUITLESS_RESETS {
                    self.phase.send_replace(Phase::Ended("the guest resets again and again while it boots".to_owned()));
                    return;
                }
                self.phase.send_replace(Phase::Restarting);
                match self.launch(&boot, &launcher, None).await {
                    Ok((next_child, next_run)) => (child, run) = (next_child, next_run),
                    Err(error) => {
                        self.phase.send_replace(Phase::Ended(format!("{error:#}")));
                        return;
                    }
                }
                continue;
            }
            self.phase.send_replace(match (reason, status) {
                (Some(_), _) => Phase::Off,
                (None, _) if is_stopping => Phase::Off,
                (None, Ok(status)) => Phase::Ended(format!("{status}; {}", self.last_errors())),
                (None, Err(error)) => Phase::Ended(error.to_string()),
            });
            return;
        }
    }

    fn last_errors(&self) -> String {
        let text = console::tail(&self.folder.errors());
        if text.trim().is_empty() { "QEMU gave no reason".to_owned() } else { text.trim().to_owned() }
    }
}

impl Run {
    /// Whether this boot has come as far as the configured system's agent.
    pub(super) fn agent_has_spoken(&self, console: &Path) -> bool {
        console::agent_has_spoken(console, self.console_offset)
    }

    /// A loopback address at which `port` of the guest can be reached, the same one during a boot.
    pub(super) async fn forward(&self, port: u16) -> Result<SocketAddr> {
        let mut forwards = self.forwards.lock().await;
        if let Some(address) = forwards.get(&port) {
            return Ok(*address);
        }
        let (netdev, guest) = (way_out::NETDEV, way_out::GUEST_ADDRESS);
        let answer = self.qmp.human(&format!("hostfwd_add {netdev} tcp:127.0.0.1:0-{guest}:{port}")).await?;
        if !answer.trim().is_empty() {
            bail!("forwarding to port {port} of the guest: {}", answer.trim());
        }
        let table = self.qmp.human("info usernet").await?;
        let host_port = forwarded_port(&table, port)
            .with_context(|| format!("forwarding to port {port} of the guest: QEMU does not list it"))?;
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, host_port));
        forwards.insert(port, address);
        Ok(address)
    }

    /// Ends the process at once.
    fn end(&self) {
        if let Some(process) = self.process {
            // It may have ended by itself a moment ago.
            let _ = kill_process(process, Signal::KILL);
        }
    }
}

/// The host's port in QEMU's table of forwards: lines of protocol and state, descriptor, source address and port,
/// destination address and port, and two queue lengths.
fn forwarded_port(table: &str, guest_port: u16) -> Option<u16> {
    table.lines().find_map(|line| {
        let words: Vec<&str> = line.split_whitespace().collect();
        let [state, _, _, host_port, _, port, ..] = words[..] else {
            return None;
        };
        let matches = state == "TCP[HOST_FORWARD]" && port.parse() == Ok(guest_port);
        if matches { host_port.parse().ok() } else { None }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forwards_are_read_from_qemus_table() {
        let table = "Hub -1 (out):\r\n\
            \x20 Protocol[State]    FD  Source Address  Port   Dest. Address  Port RecvQ SendQ\r\n\
            \x20 TCP[ESTABLISHED]   29       127.0.0.1 40000     198.18.0.15    22     0     0\r\n\
            \x20 TCP[HOST_FORWARD]  13       127.0.0.1 41233     198.18.0.15    22     0     0\r\n\
            \x20 TCP[HOST_FORWARD]  14       127.0.0.1 41234     198.18.0.15  2379     0     0\r\n\
            \x20 UDP[236 sec]       30     198.18.0.15 53211      198.18.0.2   123     0     0\r\n";
        assert_eq!(forwarded_port(table, 22), Some(41233));
        assert_eq!(forwarded_port(table, 2379), Some(41234));
        assert_eq!(forwarded_port(table, 80), None);
    }
}
