//! Waits are bounded, and told.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::json;
use tokio::time::Instant;

use super::server::{Reply, Server, impatient};
use crate::arm::wait::Deaf;
use crate::arm::{ArmErrorKind, Patience, ResourceId, Wait, WaitListener};

#[derive(Debug, Default)]
struct Heard(Mutex<Vec<String>>);

impl WaitListener for Heard {
    fn waiting(&self, wait: &Wait) {
        self.0.lock().unwrap().push(wait.to_string());
    }
}

fn group() -> ResourceId {
    ResourceId::resource_group("s", "g")
}

fn later(seconds: u64) -> Reply {
    let refusal = json!({"error": {"code": "TooManyRequests", "message": "the subscription is throttled"}});
    Reply::json(429, &refusal).header("retry-after", seconds.to_string())
}

#[tokio::test]
async fn a_wait_that_goes_beyond_the_deadline_is_an_error_at_once() {
    for seconds in ["86400", "18446744073709551615"] {
        let server = Server::start(move |_, _| later(0).header("retry-after", seconds)).await;
        let _ = seconds;
        let started = Instant::now();
        let arm = server.client(Patience::default(), Arc::new(Deaf));
        let error = tokio::time::timeout(Duration::from_secs(60), arm.get(&group())).await.unwrap().unwrap_err();
        assert!(started.elapsed() < Duration::from_secs(60));
        assert_eq!((error.kind, error.status), (ArmErrorKind::Refused, Some(429)));
        assert!(error.message.starts_with("the subscription is throttled; Azure asks to come back at "), "{error}");
        assert!(error.message.ends_with("and a request is tried for 300 s"), "{error}");
        assert_eq!(server.seen().len(), 1);
    }
}

#[tokio::test]
async fn a_long_wait_is_told_at_once_with_what_azure_said() {
    let patience = Patience { silence: Duration::from_millis(500), ..Patience::default() };
    let heard = Arc::new(Heard::default());
    let server = Server::start(|_, _| later(1)).await;
    let arm = server.client(Patience { request: Duration::from_secs(4), ..patience }, heard.clone());
    arm.get(&group()).await.unwrap_err();
    let lines = heard.0.lock().unwrap().clone();
    let expected =
        "reading resource group `g`: Azure says TooManyRequests: the subscription is throttled; trying again at ";
    assert!(lines.first().is_some_and(|line| line.starts_with(expected)), "{lines:?}");
    assert!(server.seen().len() > 1);
}

#[tokio::test]
async fn nobody_at_all_is_told_from_the_second_try_on() {
    let heard = Arc::new(Heard::default());
    let server = Server::start(|_, _| Reply::Silent).await;
    let error = server.client(impatient(), heard.clone()).get(&group()).await.unwrap_err();
    assert_eq!(error.kind, ArmErrorKind::Unreachable);
    assert!(error.message.starts_with("no whole answer came within "), "{error}");
    let lines = heard.0.lock().unwrap().clone();
    assert!(lines[0].starts_with("reading resource group `g`: no answer yet; waiting until "), "{lines:?}");
    assert_eq!(server.seen().len(), 2);
}

#[tokio::test]
async fn a_download_is_what_was_asked_for_or_an_error() {
    let server = Server::start(|seen, base| match seen.target.as_str() {
        "/log" => Reply::bare(200, "booting"),
        "/elsewhere" => Reply::bare(302, "").header("location", format!("{base}/log")),
        _ => Reply::bare(403, "<Error><Code>AuthenticationFailed</Code></Error>"),
    })
    .await;
    let arm = server.client(impatient(), Arc::new(Deaf));
    assert_eq!(arm.download(&format!("{}/log", server.base)).await.as_deref(), Ok("booting"));
    for (url, expected) in [
        (format!("{}/expired", server.base), "HTTP status 403, begins with `<Error><Code>AuthenticationFailed"),
        (format!("{}/elsewhere", server.base), "HTTP status 302"),
        ("http://127.0.0.1:1/log".into(), "`http://127.0.0.1:1/log` is no URL of Azure's storage"),
        ("file:///etc/passwd".into(), "is no URL of Azure's storage"),
    ] {
        let error = arm.download(&url).await.unwrap_err();
        assert!(error.message.contains(expected), "{error}");
    }
    assert!(server.seen().iter().all(|seen| !seen.has_token));
}
