//! Parameters out of environment variables.

use super::given::Values;
use super::parameter::{PARAMETERS, VARIABLE_PREFIX};
use diagnostics::suggestion;
use diagnostics::{Origin, Problems};

/// Variables with the prefix that are no parameters of a cluster.
pub const OTHER_VARIABLES: [&str; 5] = [
    "AZURE_COREOS_CLUSTER_LOG",
    "AZURE_COREOS_CLUSTER_ANSWER_TIMEOUT",
    "AZURE_COREOS_CLUSTER_LOCAL",
    "AZURE_COREOS_CLUSTER_STATE_DIR",
    "AZURE_COREOS_CLUSTER_FILE",
];

/// The parameters among `variables`; empty ones count as not set. A variable with our prefix that means nothing is a
/// mistake: it is a misspelled one.
pub fn from_environment(variables: impl Iterator<Item = (String, String)>) -> (Values, Problems) {
    let (mut values, mut problems) = (Values::default(), Problems::new());
    let names: Vec<String> = PARAMETERS.iter().map(|parameter| parameter.variable()).collect();
    let mut ours: Vec<(String, String)> = variables.filter(|(name, _)| name.starts_with(VARIABLE_PREFIX)).collect();
    ours.sort();
    for (name, text) in ours {
        let origin = Origin::Environment(name.clone());
        match names.iter().position(|known| *known == name) {
            Some(index) if !text.is_empty() => values.insert(PARAMETERS[index], vec![text], origin),
            Some(_) => {}
            None if OTHER_VARIABLES.contains(&name.as_str()) => {}
            None => match suggestion(&name, names.iter().map(String::as_str)) {
                Some(right) => problems.add_with_hint(origin, "unknown variable", format!("did you mean `{right}`?")),
                None => problems.add(origin, "unknown variable; `azure-coreos-cluster --help` lists the parameters"),
            },
        }
    }
    (values, problems)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::parameter::{NTP_SERVERS, NUM_NODES, VM_SIZE};

    #[test]
    fn variables() {
        let variables = [
            ("PATH", "/bin"),
            ("AZURE_COREOS_CLUSTER_VM_SIZE", "Standard_B2s"),
            ("AZURE_COREOS_CLUSTER_NUM_NODES", ""),
            ("AZURE_COREOS_CLUSTER_NTP_SERVERS", "a.test, b.test"),
            ("AZURE_COREOS_CLUSTER_LOG", "debug"),
            ("AZURE_COREOS_CLUSTER_LOCATON", "x"),
        ];
        let (values, problems) =
            from_environment(variables.into_iter().map(|(name, text)| (name.to_owned(), text.to_owned())));
        assert_eq!(values.text(&VM_SIZE), Some("Standard_B2s"));
        assert_eq!(values.get(&NUM_NODES), None);
        assert_eq!(values.get(&NTP_SERVERS).unwrap().texts, ["a.test", "b.test"]);
        assert_eq!(problems.to_string(), "`AZURE_COREOS_CLUSTER_LOCATON`: unknown variable");
        assert_eq!(
            problems.iter().next().unwrap().hint.as_deref(),
            Some("did you mean `AZURE_COREOS_CLUSTER_LOCATION`?")
        );
    }
}
