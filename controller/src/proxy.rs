//! A site to the handlers that ask its tasks: <https://caddyserver.com/docs/json/apps/http/servers/routes/handle/reverse_proxy/>.
//! Pure; `caddy` calls it.
//!
//! A task that cannot be connected to has got nothing, and another try is made whatever the request is. What fails after
//! that may have arrived: it goes once more, and only where that changes nothing, to a task that did not fail a moment ago.
//!
//! Caddy counts a failure of a task whoever is to blame: a client that breaks off its upload, a page that is slow, a body
//! that is too large. So no count keeps first tries away from a task, or a single client could take all of an app's tasks
//! out for everybody. Only second tries heed it.

use std::net::SocketAddr;

use routing::Route;
use serde_json::{Map, Value, json};

/// How long an address that was asked for is taken for true. Tasks are followed by name, also while no controller lives.
const REFRESH: &str = "1s";
/// Of the question for addresses.
const RESOLVER_TIMEOUT: &str = "1s";
/// Machines that are gone answer nothing; those that live answer at once, however busy the task is.
const DIAL_TIMEOUT: &str = "300ms";
/// What a new task needs to be known. Within this time a request finds a task that can be connected to, or is given up.
const TRY_DURATION: &str = "3s";
const TRY_MILLISECONDS: u32 = 3000;
/// More than fit into that time, the first one not counted, and the pause before each.
const RETRIES: u32 = 60;
const TRY_INTERVAL: &str = "50ms";
/// How long second tries keep away from a task that failed. Shorter than [`TRY_DURATION`], so that an app with a single
/// task is asked once more too.
const FAIL_DURATION: &str = "2s";
/// Never reached: first tries only count.
const NEVER: u32 = 1 << 30;
/// Sent once more though they may have arrived: they change nothing (RFC 9110 §9.2.1).
const REPEATABLE: [&str; 3] = ["GET", "HEAD", "OPTIONS"];
/// Websockets outlive the configuration under which they were opened by this long.
const STREAM_CLOSE_DELAY: &str = "12h";
/// Idle connections to tasks; a machine that is lost takes those along that are open.
const KEEP_ALIVE: &str = "30s";

/// Which try of a request it is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Try {
    First,
    Second,
}

/// The handler of first tries. `resolvers` are asked for tasks' addresses; without any, those of the router's machine.
pub(crate) fn first(route: &Route, resolvers: &[SocketAddr]) -> Value {
    proxy(route, resolvers, Try::First)
}

/// The routes of what went wrong: a second try where there may be one, else the same error for those who have pages for it.
pub(crate) fn second(route: &Route, resolvers: &[SocketAddr]) -> Value {
    // 502 is a task that cannot be connected to, or broke off; one that is slow is 504, and would be slow once more.
    let again = json!({
        "method": REPEATABLE,
        "not": [{"header": {"Content-Length": ["*"]}}, {"header": {"Transfer-Encoding": ["*"]}}],
        "vars": {"{http.error.status_code}": ["502"]},
        "expression": format!("double({{http.request.duration_ms}}) < {TRY_MILLISECONDS}.0"),
    });
    let error = json!({"handler": "error", "error": "{http.error.message}", "status_code": "{http.error.status_code}"});
    json!([
        {"match": [again], "handle": [proxy(route, resolvers, Try::Second)], "terminal": true},
        {"handle": [error]},
    ])
}

fn proxy(route: &Route, resolvers: &[SocketAddr], attempt: Try) -> Value {
    let mut upstreams = Map::from_iter([
        ("source".to_owned(), json!("a")),
        ("name".to_owned(), json!(route.upstream.as_str())),
        ("port".to_owned(), json!(route.port.to_string())),
        ("refresh".to_owned(), json!(REFRESH)),
        ("dial_timeout".to_owned(), json!(RESOLVER_TIMEOUT)),
        ("versions".to_owned(), json!({"ipv4": true})),
    ]);
    if !resolvers.is_empty() {
        let addresses: Vec<String> = resolvers.iter().map(|address| format!("udp/{address}")).collect();
        upstreams.insert("resolver".to_owned(), json!({ "addresses": addresses }));
    }
    let mut transport = Map::from_iter([
        ("protocol".to_owned(), json!("http")),
        ("dial_timeout".to_owned(), json!(DIAL_TIMEOUT)),
        ("keep_alive".to_owned(), json!({"idle_timeout": KEEP_ALIVE})),
    ]);
    if let Some(seconds) = route.rules.response_seconds {
        transport.insert("response_header_timeout".to_owned(), json!(format!("{seconds}s")));
    }
    let passive = match attempt {
        Try::First => json!({"fail_duration": FAIL_DURATION, "max_fails": NEVER}),
        Try::Second => json!({"max_fails": 1}),
    };
    json!({
        "handler": "reverse_proxy",
        "dynamic_upstreams": upstreams,
        "load_balancing": {
            "selection_policy": {"policy": "least_conn"},
            "retries": RETRIES,
            "try_duration": TRY_DURATION,
            "try_interval": TRY_INTERVAL,
            // Matches nothing: what may have arrived is not sent again here.
            "retry_match": [{"not": [{"path": ["*"]}]}],
        },
        "health_checks": { "passive": passive },
        "transport": transport,
        "stream_close_delay": STREAM_CLOSE_DELAY,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use routing::{Rules, Upstream};

    /// What time-outs and counts routers have, by the try.
    #[test]
    fn each_wait_and_count_is_bounded() {
        let rules = Rules { response_seconds: Some(7), ..Rules::default() };
        let route = Route {
            domains: vec!["a.test".parse().unwrap()],
            upstream: Upstream::tasks_of("app-a"),
            port: 8000,
            rules,
        };
        let first = first(&route, &[]);
        let second = second(&route, &[]);
        let again = &second[0]["handle"][0];
        for (path, of_first, of_second) in [
            ("/transport/dial_timeout", json!("300ms"), json!("300ms")),
            ("/transport/response_header_timeout", json!("7s"), json!("7s")),
            ("/transport/keep_alive/idle_timeout", json!("30s"), json!("30s")),
            ("/load_balancing/try_duration", json!("3s"), json!("3s")),
            ("/load_balancing/retries", json!(60), json!(60)),
            ("/stream_close_delay", json!("12h"), json!("12h")),
            ("/stream_timeout", Value::Null, Value::Null),
            ("/health_checks/passive/max_fails", json!(NEVER), json!(1)),
            ("/health_checks/passive/fail_duration", json!("2s"), Value::Null),
        ] {
            let found = [&first, again].map(|proxy| proxy.pointer(path).cloned().unwrap_or_default());
            assert_eq!(found, [of_first, of_second], "{path}");
        }
        assert_eq!(second[0]["match"][0]["method"], json!(["GET", "HEAD", "OPTIONS"]));
        assert_eq!(second[1]["handle"][0]["handler"], "error", "what is not tried again stays an error");
    }
}
