//! Bundles: what the shipped ones become, what is wrong with bad ones, and the ports that they open.

use coreos_cluster::platform::bundle::{Bundle, Values};
use coreos_cluster::platform::compose::Rendered;
use serde_json::json;

use crate::golden::assert_golden;

fn text_of(rendered: &Rendered) -> String {
    let services: serde_json::Map<String, serde_json::Value> = rendered
        .services
        .iter()
        .map(|service| (service.component.clone(), json!({"secrets": service.secrets, "spec": service.spec})))
        .collect();
    let configs: serde_json::Map<String, serde_json::Value> = rendered
        .configs
        .iter()
        .map(|config| (config.name.clone(), config.content.lines().collect::<Vec<_>>().into()))
        .collect();
    let value = json!({"services": services, "networks": rendered.networks, "configs": configs});
    serde_json::to_string_pretty(&value).unwrap() + "\n"
}

#[test]
fn the_default_bundle_as_swarm_gets_it() {
    let bundle = Bundle::shipped_named("platform").unwrap();
    let mut values = Values::new();
    values.set("platform", "domain", "example.com");
    assert_golden("platform-services.json", &text_of(&bundle.render(&values).unwrap()));

    for (target, key, value) in [
        ("logger", "drain", "syslog+tls://logs.example.com:6514"),
        ("database", "enabled", "true"),
        ("database", "node", "mycluster-coreos-0"),
        ("registry", "azureAccount", "images"),
        ("registry", "image", "example.com/registry:2.8.3"),
        ("registry", "replicas", "2"),
        ("router", "acmeEmail", "you@example.com"),
        ("router", "sslCert", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"),
    ] {
        values.set(target, key, value);
    }
    for (target, key) in [("database", "password"), ("registry", "azureKey"), ("router", "sslKey")] {
        values.set_secret(target, key);
    }
    assert_golden("platform-services-full.json", &text_of(&bundle.render(&values).unwrap()));
}
