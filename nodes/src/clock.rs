//! How far a node's clock is from this machine's, measured over SSH with the round trip taken out.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufStream};

use crate::cluster::{Endpoint, Node};
use crate::ssh::SshError;

/// Questions to one node; the quickest answer is the most precise.
const ROUNDS: usize = 8;
/// For all rounds together.
const TIMEOUT: Duration = Duration::from_secs(60);
/// A line of answer is a number.
const LONGEST_LINE: u64 = 1024;

/// A node's clock against ours.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Offset {
    /// Positive when the node's clock is ahead.
    pub milliseconds: f64,
    /// The true offset is within this much of the measured one: half a round trip.
    pub uncertainty_milliseconds: f64,
}

/// The largest difference between two nodes.
#[derive(Clone, Debug, PartialEq)]
pub struct Skew<'a> {
    pub milliseconds: f64,
    pub earliest: &'a str,
    pub latest: &'a str,
}

/// Measures one node.
pub async fn offset(node: &Node) -> Result<Offset, SshError> {
    tokio::time::timeout(TIMEOUT, measure(node))
        .await
        .unwrap_or_else(|_| Err(broken(node, &"no answer about its clock")))
}

async fn measure(node: &Node) -> Result<Offset, SshError> {
    let stream = node.open(Endpoint::Command("while read -r _; do date +%s%N; done")).await?;
    let mut stream = BufStream::new(stream);
    let mut best: Option<Offset> = None;
    for _ in 0..ROUNDS {
        let asked = now_milliseconds();
        let mut line = String::new();
        let asking = async {
            stream.write_all(b"\n").await?;
            stream.flush().await?;
            (&mut stream).take(LONGEST_LINE).read_line(&mut line).await
        };
        if asking.await.map_err(|error| broken(node, &error))? == 0 {
            return Err(broken(node, &"the clock's answer ended early"));
        }
        let line = line.trim();
        let sample =
            sample(asked, now_milliseconds(), line).ok_or_else(|| broken(node, &format!("`{line}` is no time")))?;
        if best.is_none_or(|best| sample.uncertainty_milliseconds < best.uncertainty_milliseconds) {
            best = Some(sample);
        }
    }
    let _ = stream.shutdown().await;
    best.ok_or_else(|| broken(node, &"no answer about its clock"))
}

fn broken(node: &Node, reason: &dyn std::fmt::Display) -> SshError {
    let endpoint = &node.facts().ssh;
    SshError::Protocol { address: format!("{}:{}", endpoint.host, endpoint.port), reason: reason.to_string() }
}

/// One question and its answer (nanoseconds since 1970).
fn sample(asked_milliseconds: f64, answered_milliseconds: f64, answer: &str) -> Option<Offset> {
    let node_milliseconds = answer.parse::<u128>().ok()? as f64 / 1e6;
    Some(Offset {
        milliseconds: node_milliseconds - f64::midpoint(asked_milliseconds, answered_milliseconds),
        uncertainty_milliseconds: (answered_milliseconds - asked_milliseconds) / 2.0,
    })
}

/// The largest difference; 0 for fewer than two nodes.
pub fn skew<'a>(offsets: &[(&'a str, Offset)]) -> Skew<'a> {
    let by_offset = |a: &&(&str, Offset), b: &&(&str, Offset)| a.1.milliseconds.total_cmp(&b.1.milliseconds);
    match (offsets.iter().min_by(by_offset), offsets.iter().max_by(by_offset)) {
        (Some(earliest), Some(latest)) => Skew {
            milliseconds: latest.1.milliseconds - earliest.1.milliseconds,
            earliest: earliest.0,
            latest: latest.0,
        },
        _ => Skew { milliseconds: 0.0, earliest: "", latest: "" },
    }
}

fn now_milliseconds() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64() * 1000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_round_trip_is_taken_out() {
        let sample = sample(1_000.0, 1_200.0, "1150000000").unwrap();
        assert_eq!((sample.milliseconds, sample.uncertainty_milliseconds), (50.0, 100.0));
        assert_eq!(super::sample(0.0, 0.0, "date: not found"), None);
    }

    #[test]
    fn skew_is_between_the_extremes() {
        let offset = |milliseconds| Offset { milliseconds, uncertainty_milliseconds: 1.0 };
        let skew = skew(&[("a", offset(-20.0)), ("b", offset(600.0)), ("c", offset(0.0))]);
        assert_eq!(skew, Skew { milliseconds: 620.0, earliest: "a", latest: "b" });
        assert!(super::skew(&[]).milliseconds.abs() < f64::EPSILON);
    }
}
