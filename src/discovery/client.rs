//! Asks a discovery service before a cluster is made: whether a token is fresh and for as many members, or for a new one.

use std::time::Duration;

use azure_core::http::{Method, Request, Url, new_http_client};
use serde_json::Value;

use crate::arm::read_body;
use crate::spec::DiscoveryUrl;

const TIMEOUT: Duration = Duration::from_secs(20);
/// The public service that etcd's members were sent to for years.
const FORMER_SERVICE: &str = "discovery.etcd.io";
/// A directory of the largest cluster is far smaller, in bytes.
const LARGEST_ANSWER: usize = 1 << 20;
/// As much of an answer as stands in a message, in characters.
const SHOWN: usize = 100;
/// etcd's error code of a key that is not there.
const KEY_NOT_FOUND: u64 = 100;

/// Why a discovery URL cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum DiscoveryError {
    /// The service does not answer, or says that it cannot.
    #[error("{doing}: {cause}")]
    Unreachable { doing: String, cause: String },
    /// It answers, and the URL is not one that this cluster can form with.
    #[error("{found}")]
    Unsuitable { found: String, hint: String },
}

/// An answer that is none of 5xx.
struct Answer {
    status: u16,
    text: String,
}

impl Answer {
    fn document(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_default()
    }

    fn shown(&self) -> String {
        let mut shown: String = printable(self.text.trim()).chars().take(SHOWN).collect();
        if self.text.trim().chars().count() > SHOWN {
            shown.push('…');
        }
        format!("HTTP status {}: `{shown}`", self.status)
    }
}

/// Where this machine reaches what a URL names for the cluster's machines; the same URL, but for the local emulator's.
pub(super) type Route = fn(Url) -> Url;

/// Checks that nobody has registered with the token at `url`, and that it is for `members` etcd members.
pub(crate) async fn check(url: &Url, members: u32, route: Route) -> Result<(), DiscoveryError> {
    let doing = format!("reading discovery token `{url}`");
    let below = |path: &str| format!("{url}{path}").parse::<Url>().map_err(|_| unsuitable(url, "is no URL", members));
    let size = ask(&doing, below("/_config/size")?, route).await?;
    let document = size.document();
    if size.status == 404 || document["errorCode"] == KEY_NOT_FOUND {
        return Err(unsuitable(url, "is not known to its service", members));
    }
    let Some(found) = document["node"]["value"].as_str().filter(|_| size.status == 200) else {
        let found = format!("is no discovery token: its `_config/size` answered {}", size.shown());
        return Err(unsuitable(url, &found, members));
    };
    if found.trim() != members.to_string() {
        let found = format!("is for {found} members, and this cluster has {members} etcd members");
        return Err(unsuitable(url, &found, members));
    }
    let directory = ask(&doing, below("")?, route).await?;
    let document = directory.document();
    if directory.status != 200 || !document["node"].is_object() {
        return Err(unsuitable(url, &format!("cannot be read: {}", directory.shown()), members));
    }
    let nodes = document["node"]["nodes"].as_array().cloned().unwrap_or_default();
    let names: Vec<String> = nodes.iter().filter_map(member_name).collect();
    if names.is_empty() {
        return Ok(());
    }
    let found = format!("is used already: {} registered with it ({})", names.len(), names.join(", "));
    Err(unsuitable(url, &found, members))
}

/// A new token for `members` etcd members from the service whose `/new` is at `service`.
pub(crate) async fn new_token(service: &Url, members: u32, route: Route) -> Result<DiscoveryUrl, DiscoveryError> {
    let doing = format!("asking `{service}` for a discovery token");
    let mut url = service.clone();
    url.set_query(Some(&format!("size={members}")));
    let answer = ask(&doing, url, route).await?;
    let token = answer.text.trim().parse::<DiscoveryUrl>().ok();
    token.filter(|token| answer.status == 200 && !token.is_service()).ok_or_else(|| DiscoveryError::Unsuitable {
        found: format!("`{service}` gives no discovery token: it answered {}", answer.shown()),
        hint: "azure-coreos-cluster discovery serve runs a service; without the URL etcd forms by a list".into(),
    })
}

/// The name before `=`, else the key; none of what etcd hides.
fn member_name(node: &Value) -> Option<String> {
    let key = node["key"].as_str().unwrap_or_default().rsplit('/').next().unwrap_or_default();
    let name = node["value"].as_str().and_then(|value| value.split_once('=')).map_or(key, |(name, _)| name);
    (!key.starts_with('_')).then(|| printable(name))
}

/// What a stranger's service says, without what would act on a terminal.
fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

fn unsuitable(url: &Url, found: &str, members: u32) -> DiscoveryError {
    let mut new = url.clone();
    new.set_path("/new");
    DiscoveryError::Unsuitable {
        found: format!("`{url}` {found}"),
        hint: format!(
            "a token serves one cluster once; curl '{new}?size={members}' gives another, \
             or leave it out: etcd forms by a list then"
        ),
    }
}

async fn ask(doing: &str, url: Url, route: Route) -> Result<Answer, DiscoveryError> {
    let is_former = url.host_str() == Some(FORMER_SERVICE);
    let unreachable = |cause: String| unreachable(doing, cause, is_former);
    let asking = async {
        let response = new_http_client(None).execute_request(&Request::new(route(url), Method::Get)).await?;
        let status = u16::from(response.status());
        let body = read_body(response, LARGEST_ANSWER).await?;
        Ok(body.map(|body| Answer { status, text: String::from_utf8_lossy(&body).into_owned() }))
    };
    let answer: Result<Option<Answer>, azure_core::Error> = match tokio::time::timeout(TIMEOUT, asking).await {
        Ok(answer) => answer,
        Err(_) => return Err(unreachable(format!("no answer within {} s", TIMEOUT.as_secs()))),
    };
    let answer = answer
        .map_err(|error| unreachable(chain(&error)))?
        .ok_or_else(|| unreachable(format!("it answers with more than {LARGEST_ANSWER} bytes")))?;
    let status = answer.status;
    if status >= 500 { Err(unreachable(answer.shown())) } else { Ok(answer) }
}

fn unreachable(doing: &str, cause: String, is_former: bool) -> DiscoveryError {
    let former = match is_former {
        true => "; it has answered 503 since June 2026, nobody maintains it, and etcd 3.7 dropped its protocol",
        false => "",
    };
    DiscoveryError::Unreachable { doing: doing.to_owned(), cause: format!("{cause}{former}") }
}

/// An error with the causes that it does not tell itself.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text = format!("{text}: {cause_text}");
        }
        source = cause.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn members_are_named() {
        for (node, expected) in [
            (json!({"key": "/r/t/1f", "value": "a=http://a:2380,a=http://b"}), Some("a")),
            (json!({"key": "/r/t/1f"}), Some("1f")),
            (json!({"key": "/r/t/1f", "value": "\u{1b}[31ma=http://a"}), Some("\u{fffd}[31ma")),
            (json!({"key": "/r/t/_config"}), None),
        ] {
            assert_eq!(member_name(&node).as_deref(), expected, "{node}");
        }
    }

    #[test]
    fn the_former_public_service_has_words_of_its_own() {
        for (is_former, expected) in [(false, "x: HTTP status 503"), (true, "x: HTTP status 503; it has answered 503")]
        {
            let message = unreachable("x", "HTTP status 503".into(), is_former).to_string();
            assert!(message.starts_with(expected) && (is_former || message == expected), "{message}");
        }
    }

    #[test]
    fn a_token_that_does_not_suit_names_the_way_to_another() {
        let url = "https://host:1/below/0123".parse().unwrap();
        let DiscoveryError::Unsuitable { found, hint } = unsuitable(&url, "is used", 5) else { panic!() };
        assert_eq!(found, "`https://host:1/below/0123` is used");
        assert!(hint.contains("curl 'https://host:1/new?size=5'"), "{hint}");
    }

    #[tokio::test]
    async fn a_service_that_never_ends_is_not_listened_to_for_ever() {
        use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let endless = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let _ = stream.read(&mut [0; 4096]).await;
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\n\r\n").await;
            while stream.write_all(&[b'x'; 4096]).await.is_ok() {}
        });
        let url = format!("http://{address}/new").parse().unwrap();
        let error = new_token(&url, 3, |url| url).await.unwrap_err().to_string();
        assert!(error.ends_with("it answers with more than 1048576 bytes"), "{error}");
        endless.abort();
    }
}
