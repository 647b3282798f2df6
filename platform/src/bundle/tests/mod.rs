//! Whole bundles: every mistake of bad ones, and what settings make of a good one.

mod mistakes;
mod settings;

use std::collections::BTreeMap;

use super::*;
use crate::compose::Rendered;

const MANIFEST_TEXT: &str = "\
name: shop
version: 1.2.3
description: A shop
ports:
- {name: web, port: 80, probe: {http: /health}}
subsystems:
- name: Data
  components:
  - {name: db, when: db/enabled, scalable: true, scalable_when: db/shared}
- name: Front
  components:
  - {name: nodes, kind: host, health: etcd-quorum}
  - {name: web, health: {http: {port: 80, path: /health}}, deadline_seconds: 60}
settings:
  platform:
    domain: {type: domain, required: true, help: Its name, example: example.com}
  db:
    enabled: {type: boolean, default: false, help: Whether it runs}
    shared: {type: string, help: Where its files are}
    password: {type: secret, required: true, help: Its password}
  web:
    color: {type: choice, choices: [red, blue], default: red, help: Of the page}
    workers: {type: integer, minimum: 1, maximum: 9, help: Processes}
";

const STACK_TEXT: &str = "\
services:
  db:
    image: db:1
    secrets: [db.password]
  web:
    image: web:1
    ports: [{target: 8080, published: 80, mode: host}]
    environment:
      DOMAIN: {{ platform.domain }}
      COLOR: {{ web.color }}
      {% if web.workers %}
      WORKERS: {{ web.workers }}
      {% endif %}
    deploy: {mode: global}
secrets:
  db.password: {external: true}
";

fn load(manifest: &str, stack: &str) -> Result<Bundle, Problems> {
    let files = [(MANIFEST, manifest), (STACK, stack)].map(|(name, text)| (name.to_owned(), text.to_owned()));
    Bundle::from_files(BTreeMap::from(files), "dir")
}

fn good() -> Bundle {
    load(MANIFEST_TEXT, STACK_TEXT).unwrap_or_else(|problems| panic!("{problems}"))
}

/// With what must be set.
fn values() -> Values {
    let mut values = Values::new();
    values.set("platform", "domain", "shop.test");
    values
}

fn messages(problems: &Problems) -> Vec<String> {
    let text = |hint: &Option<String>| hint.as_ref().map(|hint| format!(" [{hint}]")).unwrap_or_default();
    problems.iter().map(|one| format!("{}: {}{}", one.origin, one.message, text(&one.hint))).collect()
}

/// A good text with one part replaced.
fn changed(text: &str, from: &str, to: &str) -> String {
    assert!(text.contains(from), "{from}");
    text.replacen(from, to, 1)
}
