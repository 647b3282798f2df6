//! Asks a discovery service before a cluster is made: whether a token is fresh and for as many members, or for a new one.

use std::time::Duration;

use azure_core::http::{Method, Request, Url};

use super::answer::{Answer, Directory, MOST_SHOWN_CHARACTERS, Member, Value};
use crate::arm::{chain, http_client, read_body};
use crate::spec::DiscoveryUrl;

const TIMEOUT: Duration = Duration::from_secs(20);
/// The public service that etcd's members were sent to for years.
const FORMER_SERVICE: &str = "discovery.etcd.io";
/// A directory of the largest cluster is far smaller, in bytes.
const LARGEST_ANSWER: usize = 1 << 20;

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

/// Where this machine reaches what a URL names for the cluster's machines; the same URL, but for the local emulator's.
pub(super) type Route = fn(Url) -> Url;

/// Checks that nobody has registered with the token at `url`, and that it is for `members` etcd members.
pub(crate) async fn check(url: &Url, members: u32, route: Route) -> Result<(), DiscoveryError> {
    let doing = format!("reading discovery token `{url}`");
    let below = |path: &str| format!("{url}{path}").parse::<Url>().map_err(|_| unsuitable(url, "is no URL", members));
    let size = ask(&doing, below("/_config/size")?, route).await?;
    if size.is_key_not_found() {
        return Err(unsuitable(url, "is not known to its service", members));
    }
    let Value { value: found } = size.node().map_err(|why| {
        unsuitable(url, &format!("is no discovery token: its `_config/size` answered {why}"), members)
    })?;
    if found.trim() != members.to_string() {
        let found = report::one_line(&found, MOST_SHOWN_CHARACTERS);
        let found = format!("is for {found} members, and this cluster has {members} etcd members");
        return Err(unsuitable(url, &found, members));
    }
    let directory = ask(&doing, below("")?, route).await?;
    let Directory { nodes } =
        directory.node().map_err(|why| unsuitable(url, &format!("cannot be read: {why}"), members))?;
    let names: Vec<String> = nodes.iter().filter_map(Member::name).collect();
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
        let url = route(url);
        let response = http_client(&url).execute_request(&Request::new(url, Method::Get)).await?;
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

#[cfg(test)]
mod tests {
    use super::*;

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
