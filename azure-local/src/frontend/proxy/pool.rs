//! The machines behind a listener and whether they are healthy: turns probes' answers into a list of candidates.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until, timeout};

use crate::frontend::{Check, Listener, Probe, Target};
use crate::machine::MachineHost;

/// The way into a machine accepts before the machine does: a connection that is still there after this long was accepted
/// by the machine itself.
const SETTLING: Duration = Duration::from_secs(1);

/// The longest status line that a probe reads.
const STATUS_LINE_BYTES: u64 = 256;

/// What probes have found out, by machine.
#[derive(Default)]
pub(super) struct Pool {
    health: Mutex<HashMap<String, Health>>,
}

/// One machine's state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Health {
    is_up: bool,
    /// Answers in a row that contradict the state; a machine never probed has none and is down.
    contradictions: u32,
    is_known: bool,
}

impl Health {
    /// Takes in an answer. The first one decides at once; later, `threshold` equal ones in a row change the state.
    fn note(&mut self, answered: bool, threshold: u32) {
        if answered == self.is_up && self.is_known {
            self.contradictions = 0;
            return;
        }
        self.contradictions += 1;
        if !self.is_known || self.contradictions >= threshold {
            *self = Self { is_up: answered, contradictions: 0, is_known: true };
        }
    }
}

impl Pool {
    /// The machines that may get a new connection.
    pub(super) fn candidates(&self, target: &Target) -> Vec<String> {
        match target {
            Target::Machine { machine, .. } => vec![machine.clone()],
            Target::Pool { machines, probe: None, .. } => machines.clone(),
            Target::Pool { machines, probe: Some(_), .. } => {
                let health = self.lock();
                machines.iter().filter(|id| health.get(*id).is_some_and(|health| health.is_up)).cloned().collect()
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Health>> {
        self.health.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Probes the machines of a listener at its probe's interval until it is aborted. A changed listener is probed at once;
/// machines that stay keep their state.
pub(super) async fn probe(pool: Arc<Pool>, machines: Arc<dyn MachineHost>, mut listener: watch::Receiver<Listener>) {
    loop {
        let target = listener.borrow_and_update().target.clone();
        let Target::Pool { machines: members, probe: Some(probe), .. } = target else {
            pool.lock().clear();
            if listener.changed().await.is_err() {
                return;
            }
            continue;
        };
        pool.lock().retain(|id, _| members.contains(id));
        let next = Instant::now() + probe.interval;
        let round = async {
            let mut answers = JoinSet::new();
            for id in members {
                let (probe, machines) = (probe.clone(), Arc::clone(&machines));
                answers.spawn(async move {
                    let answered = timeout(probe.interval, ask(&probe, &id, &*machines)).await.unwrap_or(false);
                    (id, answered)
                });
            }
            while let Some(answer) = answers.join_next().await {
                if let Ok((id, answered)) = answer {
                    pool.lock().entry(id).or_default().note(answered, probe.threshold);
                }
            }
            sleep_until(next).await;
        };
        tokio::select! {
            () = round => {}
            changed = listener.changed() => if changed.is_err() {
                return;
            },
        }
    }
}

async fn ask(probe: &Probe, machine: &str, machines: &dyn MachineHost) -> bool {
    let Ok(address) = machines.forward(machine, probe.port).await else {
        return false;
    };
    let Ok(mut stream) = TcpStream::connect(address).await else {
        return false;
    };
    match &probe.check {
        Check::Tcp => {
            let settling = SETTLING.min(probe.interval / 2);
            match timeout(settling, stream.peek(&mut [0])).await {
                Ok(first) => first.is_ok_and(|length| length > 0),
                // Silent, but there.
                Err(_) => true,
            }
        }
        Check::Http { path } => {
            let request = format!(
                "GET {path} HTTP/1.1\r\nHost: {address}\r\nUser-Agent: Load Balancer Agent\r\nConnection: close\r\n\r\n"
            );
            let mut status_line = Vec::new();
            if stream.write_all(request.as_bytes()).await.is_err() {
                return false;
            }
            let mut start = stream.take(STATUS_LINE_BYTES);
            while !status_line.contains(&b'\n') {
                match start.read_buf(&mut status_line).await {
                    Ok(length) if length > 0 => {}
                    _ => break,
                }
            }
            let status_line = String::from_utf8_lossy(&status_line);
            let mut words = status_line.split_whitespace();
            words.next().is_some_and(|version| version.starts_with("HTTP/1.")) && words.next() == Some("200")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_changes_after_threshold_equal_answers() {
        // Answers, one character each, and the states that they lead to.
        for (threshold, answers, states) in
            [(1, "++-+", "++-+"), (2, "+--+-++", "++----+"), (3, "-++-+++", "------+"), (2, "+-+-+-", "++++++")]
        {
            let mut health = Health::default();
            let reached: String = answers
                .chars()
                .map(|answer| {
                    health.note(answer == '+', threshold);
                    if health.is_up { '+' } else { '-' }
                })
                .collect();
            assert_eq!(reached, states, "threshold {threshold}, answers {answers}");
        }
    }
}
