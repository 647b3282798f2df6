//! Starts processes that cannot outlive this one, not even when it is killed.
//!
//! The kernel's parent-death signal is sent when the *thread* that started a process ends, so all of them are started
//! from one thread that lives as long as the launcher.

use std::io;
use std::sync::mpsc;
use std::thread;

use anyhow::{Context, Result};
use tokio::process::{Child, Command};
use tokio::runtime::Handle;
use tokio::sync::oneshot;

struct Request {
    command: Command,
    answer: oneshot::Sender<io::Result<Child>>,
}

/// A handle on the thread; the thread, and what it started, end with the last one.
#[derive(Clone)]
pub(super) struct Launcher {
    requests: mpsc::Sender<Request>,
}

impl Launcher {
    /// Starts the thread. Must be called within a tokio runtime.
    pub(super) fn new() -> Result<Self> {
        let (requests, received) = mpsc::channel::<Request>();
        let runtime = Handle::current();
        thread::Builder::new()
            .name("launcher".to_owned())
            .spawn(move || {
                let _within = runtime.enter();
                for mut request in received {
                    let _ = request.answer.send(request.command.spawn());
                }
            })
            .context("starting the thread that starts machines")?;
        Ok(Self { requests })
    }

    /// A command that runs `program` so that it is killed when this process ends.
    pub(super) fn command(program: &str) -> Command {
        let mut command = Command::new("setpriv");
        command.args(["--pdeathsig", "KILL", "--", program]).kill_on_drop(true);
        command
    }

    /// Starts a process.
    pub(super) async fn spawn(&self, command: Command) -> Result<Child> {
        let (answer, answered) = oneshot::channel();
        let program = command.as_std().get_program().to_string_lossy().into_owned();
        self.requests.send(Request { command, answer }).ok().context("the thread that starts machines has ended")?;
        answered
            .await
            .context("the thread that starts machines has ended")?
            .with_context(|| format!("running `{program}` (is it installed?)"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Stdio;
    use std::time::Duration;

    #[tokio::test]
    async fn processes_end_with_the_launcher() {
        let launcher = Launcher::new().expect("a launcher");
        let mut command = Launcher::command("sleep");
        command.arg("1000").stdin(Stdio::null());
        let mut child = launcher.spawn(command).await.expect("started");
        // `setpriv` has asked for the signal by the time it becomes the program.
        let name = format!("/proc/{}/comm", child.id().expect("a process id"));
        while std::fs::read_to_string(&name).expect("a running process") != "sleep\n" {
            tokio::task::yield_now().await;
        }
        drop(launcher);
        let status =
            tokio::time::timeout(Duration::from_secs(30), child.wait()).await.expect("in time").expect("ended");
        assert!(!status.success());
    }
}
