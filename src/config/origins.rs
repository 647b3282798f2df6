//! What a spec has for each parameter, and where it came from.

use serde::Serialize;
use serde_json::Value;

use super::given::Values;
use super::parameter::PARAMETERS;
use crate::spec::ClusterSpec;
use diagnostics::Origin;

/// One parameter as it was resolved.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Resolved {
    /// As in cluster.yaml.
    pub key: &'static str,
    pub value: Value,
    /// `default`, `earlier run`, the file with its line, the variable or the flag.
    pub origin: String,
}

/// Every parameter with its value; those outside of the spec only when they were given.
pub fn origins(values: &Values, earlier: Option<&ClusterSpec>, spec: &ClusterSpec) -> Vec<Resolved> {
    let mut all = Vec::new();
    for parameter in PARAMETERS {
        let given = values.get(parameter);
        let value = match (parameter.resolved, given) {
            (Some(resolved), _) => resolved(spec),
            (None, Some(given)) => Value::from(given.texts.join(",")),
            (None, None) => continue,
        };
        let settled = || match (earlier, parameter.resolved) {
            (Some(_), Some(_)) => Origin::EarlierRun,
            _ => Origin::Default,
        };
        let origin = given.map_or_else(settled, |given| given.origin.clone());
        all.push(Resolved { key: parameter.key, value, origin: word(&origin) });
    }
    all
}

fn word(origin: &Origin) -> String {
    match origin {
        Origin::Default => "default".into(),
        Origin::EarlierRun => "earlier run".into(),
        other => other.to_string().replace('`', ""),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::parameter::{DATA_DISK, DEIS, LOCATION, NAME, NUM_NODES};
    use crate::config::{ClusterInput, resolve};
    use crate::pki::generate_ssh_key_pair;
    use serde_json::json;

    #[test]
    fn each_value_names_its_origin() {
        let key = generate_ssh_key_pair("test").unwrap().public.parse().unwrap();
        let mut input = ClusterInput::flags("mycluster", &[(&NUM_NODES, "5"), (&DEIS, "true")]);
        let line = |line| Origin::File { path: "c.yaml".into(), line: Some(line) };
        input.values.insert(&DATA_DISK, vec!["50".into()], line(2));
        let earlier = resolve(&input, None, &key).unwrap();
        let found = |earlier: Option<&ClusterSpec>, key: &str| {
            let spec = resolve(
                &input,
                earlier,
                &"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIIJkE0lJ2MfWJVLZfsbKCGy8xNvTYVYvKB4nYKpV0Mcu".parse().unwrap(),
            );
            let all = origins(&input.values, earlier, &spec.unwrap());
            all.into_iter().find(|one| one.key == key).map(|one| (one.value, one.origin))
        };
        for (parameter, value, origin) in [
            (NAME, json!("mycluster"), "NAME"),
            (NUM_NODES, json!(5), "--num-nodes"),
            (DATA_DISK, json!(50), "c.yaml line 2"),
            (DEIS, json!("true"), "--deis"),
            (LOCATION, json!("westeurope"), "default"),
        ] {
            assert_eq!(found(None, parameter.key), Some((value, origin.to_owned())));
        }
        let later = Some((json!("westeurope"), "earlier run".to_owned()));
        assert_eq!(found(Some(&earlier), LOCATION.key), later);
        assert_eq!(found(None, "platform"), None);
    }
}
