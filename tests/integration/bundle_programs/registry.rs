//! The registry with the bundle's configuration: images are pushed to it and pulled from it.
//! <https://distribution.github.io/distribution/spec/api/>

use std::time::Duration;

use serde_json::{Value, json};

use super::Component;
use crate::sandbox::wait_for;

/// As the image's own command.
const DEFAULT: [&str; 3] = ["/usr/bin/registry", "serve", "/etc/docker/registry/config.yml"];
const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";

struct Client {
    place: String,
    agent: ureq::Agent,
}

struct Answer {
    status: u16,
    location: String,
    body: Vec<u8>,
}

impl Client {
    fn ask(&self, method: &str, path: &str, kind: &str, body: &[u8]) -> Option<Answer> {
        let address = if path.starts_with("http://") { path.to_owned() } else { format!("{}{path}", self.place) };
        let request = ureq::http::Request::builder().method(method).uri(address);
        let request = request.header("content-type", kind).header("accept", MANIFEST).body(body.to_vec()).unwrap();
        let mut answer = self.agent.run(request).ok()?;
        let location = answer.headers().get("location").and_then(|text| text.to_str().ok()).unwrap_or_default();
        let (status, location) = (answer.status().as_u16(), location.to_owned());
        Some(Answer { status, location, body: answer.body_mut().read_to_vec().unwrap_or_default() })
    }

    #[track_caller]
    fn demand(&self, method: &str, path: &str, body: &[u8], status: u16) -> Answer {
        let kind = if path.contains("/manifests/") { MANIFEST } else { "application/octet-stream" };
        let answer = self.ask(method, path, kind, body).expect("an answer");
        let said = String::from_utf8_lossy(&answer.body).into_owned();
        assert_eq!(answer.status, status, "{method} {path}: {said}");
        answer
    }

    /// Its descriptor.
    fn push_blob(&self, kind: &str, content: &[u8]) -> Value {
        let digest = digest(content);
        let upload = self.demand("POST", "/v2/shop/blobs/uploads/", &[], 202).location;
        let joint = if upload.contains('?') { '&' } else { '?' };
        self.demand("PUT", &format!("{upload}{joint}digest={digest}"), content, 201);
        json!({"mediaType": kind, "digest": digest, "size": content.len()})
    }
}

fn digest(content: &[u8]) -> String {
    format!("sha256:{}", hex::encode(openssl::sha::sha256(content)))
}

#[test]
fn images_are_pushed_and_pulled() {
    let mut registry = Component::new("registry");
    registry.configure(&[]);
    let (folder, port) = (tempfile::tempdir().unwrap(), std::net::TcpListener::bind("127.0.0.1:0").unwrap());
    let address = port.local_addr().unwrap().to_string();
    drop(port);
    let agent = ureq::Agent::config_builder().http_status_as_error(false).timeout_global(Some(Duration::from_secs(60)));
    let client = Client { place: format!("http://{address}"), agent: agent.build().into() };
    let start = || {
        let log = folder.path().join("log");
        // Its port on clusters may be another's here.
        let process = registry.start(&DEFAULT, &log, &[("REGISTRY_HTTP_ADDR", &address)]);
        wait_for("the registry", || client.ask("GET", "/v2/", "", &[]).is_some_and(|answer| answer.status == 200));
        process
    };

    let running = start();
    let layer = vec![7; 300_000];
    let config =
        json!({"architecture": "amd64", "os": "linux", "rootfs": {"type": "layers", "diff_ids": [digest(&layer)]}});
    let manifest = json!({
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": client.push_blob("application/vnd.oci.image.config.v1+json", config.to_string().as_bytes()),
        "layers": [client.push_blob("application/vnd.oci.image.layer.v1.tar", &layer)],
    });
    let manifest = manifest.to_string();
    client.demand("PUT", "/v2/shop/manifests/1", manifest.as_bytes(), 201);
    drop(running);

    // Its files are in the volume, so another task of it has them.
    let _running = start();
    assert_eq!(client.demand("GET", "/v2/shop/manifests/1", &[], 200).body, manifest.as_bytes());
    assert_eq!(client.demand("GET", &format!("/v2/shop/blobs/{}", digest(&layer)), &[], 200).body, layer);
    assert!(registry.image.path("/var/lib/registry/docker/registry/v2/repositories/shop").is_dir());
    // What the bundle allows besides.
    client.demand("DELETE", &format!("/v2/shop/manifests/{}", digest(manifest.as_bytes())), &[], 202);
    client.demand("GET", "/v2/shop/manifests/1", &[], 404);
}
