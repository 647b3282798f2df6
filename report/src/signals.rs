//! Signals that end a command: Ctrl-C, SIGTERM, and the SIGHUP of a terminal that was closed.

use std::io;

use futures::future::{FutureExt as _, select_all};
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::Failure;

/// What `work` comes to, or the failure of a signal, which ends it.
pub async fn unless_interrupted<T>(hint: &str, work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    tokio::select! {
        // Work comes first: until it waits for something, signals end the program as they end any other, also while it
        // reads a file or a pipe.
        biased;
        result = work => result,
        () = ended_by_signal() => Err(Failure::Interrupted { hint: hint.to_owned() }),
    }
}

/// Returns when a signal asks the program to end.
pub async fn ended_by_signal() {
    match signals() {
        Ok(mut signals) => drop(select_all(signals.iter_mut().map(|signal| signal.recv().boxed())).await),
        Err(_) => std::future::pending().await,
    }
}

fn signals() -> io::Result<Vec<Signal>> {
    let mut kinds = vec![SignalKind::interrupt(), SignalKind::terminate()];
    if !hang_ups_are_ignored() {
        kinds.push(SignalKind::hangup());
    }
    kinds.into_iter().map(signal).collect()
}

/// Whether whoever started us wants us to outlive the terminal, as `nohup` does.
/// <https://man7.org/linux/man-pages/man5/proc_pid_status.5.html>
fn hang_ups_are_ignored() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| u64::from_str_radix(line.strip_prefix("SigIgn:")?.trim(), 16).ok());
    // The first bit is the first signal, SIGHUP.
    ignored.is_some_and(|ignored| ignored & 1 == 1)
}
