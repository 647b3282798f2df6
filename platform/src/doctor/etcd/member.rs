//! A member of etcd and what etcdctl says of it on its node.

use serde_json::Value;

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

/// What a member says of itself.
pub(super) struct Status {
    pub(super) leader: u64,
    pub(super) id: u64,
    pub(super) version: String,
    pub(super) size_bytes: u64,
}

pub(super) fn is_healthy(member: &Member<'_>) -> bool {
    let health = member.said().and_then(|answers| documents(answers.get("etcd health")?).into_iter().next());
    health.is_some_and(|health| health[0]["health"] == true)
}

pub(super) fn status(answers: &Answers) -> Option<Status> {
    let document = documents(answers.get("etcd status")?).into_iter().next()?;
    let status = &document[0]["Status"];
    Some(Status {
        leader: status["leader"].as_u64().unwrap_or_default(),
        id: status["header"]["member_id"].as_u64()?,
        version: status["version"].as_str()?.to_owned(),
        size_bytes: status["dbSize"].as_u64()?,
    })
}

/// JSON documents among the lines of etcdctl's output; its own log is JSON too, in objects with a level.
pub(super) fn documents(text: &str) -> Vec<Value> {
    let documents = text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    documents.filter(|document| document.get("level").is_none()).collect()
}

/// etcdctl's last plain word.
pub(super) fn reason(answers: &Answers, question: &str) -> String {
    let of_health = || {
        documents(answers.text(question)).first().and_then(|document| document[0]["error"].as_str().map(str::to_owned))
    };
    let line = answers.text(question).lines().rev().find_map(|line| line.trim().strip_prefix("Error: "));
    let is_general = |line: &&str| *line != "unhealthy cluster";
    line.filter(is_general).map(str::to_owned).or_else(of_health).unwrap_or_else(|| answers.complaint(question))
}

pub(super) fn quota_bytes(answers: &Answers) -> u64 {
    let setting = answers
        .text("etcd environment")
        .split_whitespace()
        .find_map(|word| word.strip_prefix("ETCD_QUOTA_BACKEND_BYTES="));
    setting.and_then(|bytes| bytes.parse().ok()).filter(|bytes| *bytes > 0).unwrap_or(USUAL_QUOTA_BYTES)
}
