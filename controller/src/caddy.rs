//! Sites to one configuration of Caddy: <https://caddyserver.com/docs/json/>. Pure; `follow` calls it.
//!
//! What all requests have in common (ports, TLS, health, pages of errors, where the next configuration comes from) is the
//! bundle's, in a [`Base`] that routers also start from. In it stands one route that is marked as the place of the apps', and one policy of
//! TLS that is marked as the place of those that show domains' certificates.

use std::net::SocketAddr;

use routing::{CertifiedName, Rules};
use serde_json::{Value, json};

use crate::proxy;
use crate::shown::Known;
use crate::site::Site;

/// Marks the place: `"@id": "apps"`.
const APPS: &str = "apps";
/// Marks the other one.
const CERTIFICATES: &str = "certificates";
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
    #[error("{0} routes have `\"@id\": \"{APPS}\"`; one must, as the place of the apps' routes")]
    Places(usize),
    #[error(
        "{0} policies of TLS have `\"@id\": \"{CERTIFICATES}\"`; one must, as the place of those for domains' certificates, when \
         there is an etcd that keeps them"
    )]
    CertificatePlaces(usize),
}

impl Base {
    /// Reads the configuration that routers start from.
    pub fn read(text: &str) -> Result<Self, InvalidBase> {
        let document: Value = serde_json::from_str(text)?;
        match places(&document, APPS) {
            1 => Ok(Self { document }),
            other => Err(InvalidBase::Places(other)),
        }
    }

    /// Whether domains' certificates have their place in it.
    pub fn takes_certificates(self) -> Result<Self, InvalidBase> {
        match places(&self.document, CERTIFICATES) {
            1 => Ok(self),
            other => Err(InvalidBase::CertificatePlaces(other)),
        }
    }

    /// The configuration with a route for each site, and with each certificate for its names. `resolvers` are asked for tasks'
    /// addresses; without any, those of the machine that the router runs on.
    pub fn with(
        &self,
        sites: &[Site],
        resolvers: &[SocketAddr],
        certificates: &[(&Known, Vec<&CertifiedName>)],
    ) -> Value {
        let routes: Vec<Value> = sites.iter().map(|site| route(site, resolvers)).collect();
        let mut document = self.document.clone();
        fill(&mut document, APPS, &routes);
        fill(&mut document, CERTIFICATES, &policies(certificates));
        if !certificates.is_empty() {
            let pairs = certificates.iter().map(|(known, _)| {
                let certificate = &known.certificate;
                json!({"certificate": certificate.chain, "key": certificate.key, "tags": [known.id]})
            });
            document["apps"]["tls"]["certificates"]["load_pem"] = pairs.collect();
        }
        document
    }
}

/// Which certificate is shown to whom. The first policy that fits counts, so whole names stand before wildcards.
/// <https://caddyserver.com/docs/json/apps/http/servers/tls_connection_policies/>
fn policies(certificates: &[(&Known, Vec<&CertifiedName>)]) -> Vec<Value> {
    let mut policies = Vec::new();
    for are_wildcards in [false, true] {
        for (known, names) in certificates {
            let names: Vec<String> = names
                .iter()
                .filter(|name| matches!(name, CertifiedName::HostsBelow(_)) == are_wildcards)
                .map(ToString::to_string)
                .collect();
            if !names.is_empty() {
                policies.push(json!({"match": {"sni": names}, "certificate_selection": {"any_tag": [known.id]}}));
            }
        }
    }
    policies
}

fn is_place(value: &Value, mark: &str) -> bool {
    value.get("@id").and_then(Value::as_str) == Some(mark)
}

fn places(value: &Value, mark: &str) -> usize {
    match value {
        Value::Array(items) => {
            let here = items.iter().filter(|item| is_place(item, mark)).count();
            here + items.iter().map(|item| places(item, mark)).sum::<usize>()
        }
        Value::Object(fields) => fields.values().map(|field| places(field, mark)).sum(),
        _ => 0,
    }
}

/// Puts the items where the mark stands; without any, the mark goes too.
fn fill(value: &mut Value, mark: &str, filling: &[Value]) {
    match value {
        Value::Array(items) => {
            if let Some(at) = items.iter().position(|item| is_place(item, mark)) {
                items.splice(at..=at, filling.iter().cloned());
            } else {
                for item in items {
                    fill(item, mark, filling);
                }
            }
        }
        Value::Object(fields) => {
            for field in fields.values_mut() {
                fill(field, mark, filling);
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
        assert_eq!(base.with(&[], &[], &[]), json!({"routes": [{"first": 1}, {"last": 1}]}));
        let found = base.with(&[site()], &[], &[]);
        let routes = found["routes"].as_array().unwrap();
        assert_eq!((&routes[0], &routes[2]), (&json!({"first": 1}), &json!({"last": 1})));
        assert_eq!(routes[1]["match"], json!([{"host": ["a.test"]}]));
    }
}
