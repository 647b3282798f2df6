//! etcdctl's answers in JSON, decoded into what is read of them. Go leaves a field out that is 0, false or empty.
//! <https://github.com/etcd-io/etcd/blob/v3.5.16/etcdctl/ctlv3/command/printer_json.go>,
//! <https://github.com/etcd-io/etcd/blob/v3.5.16/api/etcdserverpb/rpc.proto>

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// An entry of `endpoint status`.
#[derive(Deserialize)]
pub(super) struct EndpointStatus {
    #[serde(rename = "Status")]
    pub status: Status,
}

/// What a member says of itself.
#[derive(Deserialize)]
pub(super) struct Status {
    pub header: Header,
    /// 0 while nobody leads.
    #[serde(default)]
    pub leader: u64,
    pub version: String,
    #[serde(rename = "dbSize")]
    pub size_bytes: u64,
}

#[derive(Deserialize)]
pub(super) struct Header {
    pub member_id: u64,
}

/// An entry of `endpoint health`.
#[derive(Deserialize)]
pub(super) struct EndpointHealth {
    pub health: bool,
    pub error: Option<String>,
}

/// `member list`.
#[derive(Deserialize)]
pub(super) struct MemberList {
    pub members: Vec<Listed>,
}

#[derive(Deserialize)]
pub(super) struct Listed {
    #[serde(rename = "ID")]
    pub id: u64,
    /// Empty until the member has started.
    #[serde(default)]
    pub name: String,
}

/// `alarm list`.
#[derive(Deserialize)]
pub(super) struct AlarmList {
    #[serde(default)]
    pub alarms: Vec<Alarm>,
}

#[derive(Deserialize)]
pub(super) struct Alarm {
    #[serde(rename = "memberID")]
    pub member_id: u64,
    pub alarm: AlarmType,
}

/// <https://github.com/etcd-io/etcd/blob/main/api/etcdserverpb/rpc.proto>: enum AlarmType
#[derive(Deserialize)]
#[serde(untagged)]
pub(super) enum AlarmType {
    Number(u64),
    Name(String),
}

/// JSON documents among the lines of etcdctl's output; its own log is JSON too, in objects with a level.
pub(super) fn documents(text: &str) -> Vec<Value> {
    let documents = text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    documents.filter(|document| document.get("level").is_none()).collect()
}

/// A document as what it should be, or what is wrong with it.
pub(super) fn read<T: DeserializeOwned>(document: &Value) -> Result<T, String> {
    serde_path_to_error::deserialize(document).map_err(|error| match error.path().to_string() {
        path if path == "." => format!("etcdctl's answer is not what was expected: {}", error.inner()),
        path => format!("etcdctl's answer is not what was expected, at `{path}`: {}", error.inner()),
    })
}

/// The one entry of an answer that has an entry an endpoint.
pub(super) fn of_one_endpoint<T: DeserializeOwned>(document: &Value) -> Result<T, String> {
    let entries: Vec<T> = read(document)?;
    let count = entries.len();
    let mut entries = entries.into_iter();
    match (entries.next(), entries.next()) {
        (Some(entry), None) => Ok(entry),
        _ => Err(format!("etcdctl's answer is not what was expected: {count} entries for one endpoint")),
    }
}
