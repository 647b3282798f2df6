//! A member of etcd and what etcdctl says of it on its node.

use diagnostics::quoted;

use super::answer::{EndpointHealth, EndpointStatus, Status, documents, of_one_endpoint};
use crate::doctor::probe::Answers;

/// Without `ETCD_QUOTA_BACKEND_BYTES`, etcd takes no more.
const USUAL_QUOTA_BYTES: u64 = 2 << 30;

/// A member as its node told of it.
pub(crate) struct Member<'a> {
    pub name: &'a str,
    /// None when the node cannot be reached, which is told elsewhere.
    pub answers: Option<Result<&'a Answers, &'a str>>,
}

impl<'a> Member<'a> {
    pub(super) fn said(&self) -> Option<&'a Answers> {
        self.answers.and_then(Result::ok)
    }
}

pub(super) fn is_healthy(member: &Member<'_>) -> bool {
    member.said().is_some_and(|answers| health(answers).is_ok())
}

/// Nothing when it agrees with the others, else why not.
pub(super) fn health(answers: &Answers) -> Result<(), String> {
    const QUESTION: &str = "etcd health";
    let health = documents(answers.text(QUESTION)).first().map(of_one_endpoint::<EndpointHealth>).transpose()?;
    match health {
        Some(health) if health.health && answers.get(QUESTION).is_some() => Ok(()),
        health => {
            Err(last_word(answers, QUESTION).or_else(|| health?.error).unwrap_or_else(|| answers.complaint(QUESTION)))
        }
    }
}

/// What it says of itself, or why it does not.
pub(super) fn status(answers: &Answers) -> Result<Status, String> {
    const QUESTION: &str = "etcd status";
    match answers.get(QUESTION).and_then(|text| documents(text).into_iter().next()) {
        Some(document) => of_one_endpoint(&document).map(|entry: EndpointStatus| entry.status),
        None => Err(last_word(answers, QUESTION).unwrap_or_else(|| answers.complaint(QUESTION))),
    }
}

/// etcdctl's last plain word, when it says something.
fn last_word(answers: &Answers, question: &str) -> Option<String> {
    let line = answers.text(question).lines().rev().find_map(|line| line.trim().strip_prefix("Error: "))?;
    (line != "unhealthy cluster").then(|| line.to_owned())
}

/// The most that its database may take, or the setting that is no number.
pub(super) fn quota_bytes(answers: &Answers) -> Result<u64, String> {
    let setting = answers
        .text("etcd environment")
        .split_whitespace()
        .find_map(|word| word.strip_prefix("ETCD_QUOTA_BACKEND_BYTES="));
    match setting.map(|text| (text, text.parse::<i64>())) {
        // Below 0, it takes as much as there is room; 0 stands for what is usual.
        Some((_, Ok(bytes))) if bytes < 0 => Ok(u64::MAX),
        None | Some((_, Ok(0))) => Ok(USUAL_QUOTA_BYTES),
        Some((_, Ok(bytes))) => Ok(bytes.unsigned_abs()),
        Some((text, Err(_))) => Err(format!("`ETCD_QUOTA_BACKEND_BYTES` is {}, which is no number", quoted(text))),
    }
}
