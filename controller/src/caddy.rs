//! Sites to one configuration of Caddy: <https://caddyserver.com/docs/json/>. Pure; `follow` calls it.
//!
//! What all requests have in common (ports, TLS, health, pages of errors, where the next configuration comes from) is the
//! bundle's, in a [`Base`] that routers also start from. In it stands one route that is marked as the place of the apps'.

use std::net::SocketAddr;

use routing::Rules;
use serde_json::{Value, json};

use crate::proxy;
use crate::site::Site;

/// Marks the place: `"@id": "apps"`.
const MARK: &str = "apps";
const PLAIN_TEXT: &str = "text/plain; charset=utf-8";

/// What is the same whatever apps there are: a whole configuration with a place for the apps' routes.
#[derive(Clone, Debug, PartialEq)]
pub struct Base {
    document: Value,
}

/// A text that is no base.
#[derive(Debug, thiserror::Error)]
pub enum InvalidBase {
    #[error("it is no JSON: {0}")]
    Json(#[from] serde_json::Error),
    #[error("{0} routes have `\"@id\": \"{MARK}\"`; one must, as the place of the apps' routes")]
    Places(usize),
}

impl Base {
    /// Reads the configuration that routers start from.
    pub fn read(text: &str) -> Result<Self, InvalidBase> {
        let document: Value = serde_json::from_str(text)?;
        match places(&document) {
            1 => Ok(Self { document }),
            other => Err(InvalidBase::Places(other)),
        }
    }

    /// The configuration with a route for each site. `resolvers` are asked for tasks' addresses; without any, those of the
    /// machine that the router runs on.
    pub fn with(&self, sites: &[Site], resolvers: &[SocketAddr]) -> Value {
        let routes: Vec<Value> = sites.iter().map(|site| route(site, resolvers)).collect();
        let mut document = self.document.clone();
        fill(&mut document, &routes);
        document
    }
}

fn is_place(value: &Value) -> bool {
    value.get("@id").and_then(Value::as_str) == Some(MARK)
}

fn places(value: &Value) -> usize {
    match value {
        Value::Array(items) => {
            items.iter().filter(|item| is_place(item)).count() + items.iter().map(places).sum::<usize>()
        }
        Value::Object(fields) => fields.values().map(places).sum(),
        _ => 0,
    }
}

/// Puts the routes where the mark stands; without any, the mark goes too.
fn fill(value: &mut Value, routes: &[Value]) {
    match value {
        Value::Array(items) => {
            if let Some(at) = items.iter().position(is_place) {
                items.splice(at..=at, routes.iter().cloned());
            } else {
                for item in items {
                    fill(item, routes);
                }
            }
        }
        Value::Object(fields) => {
            for field in fields.values_mut() {
                fill(field, routes);
            }
        }
        _ => {}
    }
}

/// The route of one site: what keeps requests away first, the tasks last.
fn route(site: &Site, resolvers: &[SocketAddr]) -> Value {
    let Rules { response_seconds: _, body_bytes, allow, maintenance, https_only } = &site.route.rules;
    let mut steps = Vec::new();
    let mut errors = None;
    if *https_only {
        let location = json!({"Location": ["https://{http.request.host}{http.request.uri}"]});
        let redirect = json!({"handler": "static_response", "status_code": 308, "headers": location});
        steps.push(json!({"match": [{"protocol": "http"}], "handle": [redirect], "terminal": true}));
    }
    if !allow.is_empty() {
        let ranges: Vec<String> = allow.iter().map(ToString::to_string).collect();
        let refusal = page(403, "This address may not ask this app.\n");
        steps.push(json!({
            "match": [{"not": [{"remote_ip": {"ranges": ranges}}]}], "handle": [refusal], "terminal": true
        }));
    }
    if *maintenance {
        steps.push(json!({"handle": [page(503, "This app is being worked on. Please come back later.\n")]}));
    } else if site.is_stopped {
        steps.push(json!({"handle": [page(503, "This app is switched off: it runs on no process.\n")]}));
    } else {
        let mut handlers = Vec::new();
        if let Some(bytes) = body_bytes {
            handlers.push(json!({"handler": "request_body", "max_size": bytes}));
        }
        handlers.push(proxy::first(&site.route, resolvers));
        errors = Some(proxy::second(&site.route, resolvers));
        steps.push(json!({ "handle": handlers }));
    }
    let hosts: Vec<&str> = site.route.domains.iter().map(routing::Domain::as_str).collect();
    let mut subroute = json!({"handler": "subroute", "routes": steps});
    if let Some(routes) = errors {
        subroute["errors"] = json!({ "routes": routes });
    }
    json!({"match": [{"host": hosts}], "handle": [subroute], "terminal": true})
}

/// A page of the router's own.
fn page(status: u16, text: &str) -> Value {
    let headers = json!({"Content-Type": [PLAIN_TEXT], "Cache-Control": ["no-store"]});
    json!({"handler": "static_response", "status_code": status, "headers": headers, "body": text})
}

#[cfg(test)]
mod tests {
    use super::*;
    use routing::{Route, Upstream};

    fn site() -> Site {
        let route = Route {
            domains: vec!["a.test".parse().unwrap()],
            upstream: Upstream::tasks_of("app-a"),
            port: 8000,
            rules: Rules::default(),
        };
        Site { service: "app-a_web".into(), route, is_stopped: false }
    }

    #[test]
    fn a_base_has_one_place_for_the_apps() {
        for (text, told) in [
            (r#"{"routes": [{"@id": "apps"}]}"#, None),
            (r#"{"routes": [1, {"routes": [{"@id": "apps"}]}]}"#, None),
            (r#"{"routes": []}"#, Some("0 routes have")),
            (r#"{"a": [{"@id": "apps"}], "b": [{"@id": "apps"}]}"#, Some("2 routes have")),
            (r#"{"a": [{"@id": "apps"}, {"@id": "apps"}]}"#, Some("2 routes have")),
            ("{", Some("it is no JSON")),
        ] {
            match (Base::read(text), told) {
                (Ok(_), None) => {}
                (Err(error), Some(told)) => assert!(error.to_string().contains(told), "{text}: {error}"),
                (found, _) => panic!("{text}: {found:?}"),
            }
        }
    }

    #[test]
    fn routes_stand_where_the_mark_stood() {
        let base = Base::read(r#"{"routes": [{"first": 1}, {"@id": "apps"}, {"last": 1}]}"#).unwrap();
        assert_eq!(base.with(&[], &[]), json!({"routes": [{"first": 1}, {"last": 1}]}));
        let found = base.with(&[site()], &[]);
        let routes = found["routes"].as_array().unwrap();
        assert_eq!((&routes[0], &routes[2]), (&json!({"first": 1}), &json!({"last": 1})));
        assert_eq!(routes[1]["match"], json!([{"host": ["a.test"]}]));
    }
}
