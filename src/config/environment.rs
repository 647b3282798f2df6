//! Parameters out of environment variables.

use std::ffi::OsString;

use super::given::Values;
use super::parameter::{PARAMETERS, Parameter, VARIABLE_PREFIX, of_other_tools};
use diagnostics::{NOT_TEXT, Origin, Problems, suggestion};

/// Variables with the prefix that are no parameters of a cluster.
pub const OTHER_VARIABLES: [&str; 5] = [
    "AZURE_COREOS_CLUSTER_LOG",
    "AZURE_COREOS_CLUSTER_ANSWER_TIMEOUT",
    "AZURE_COREOS_CLUSTER_LOCAL",
    "AZURE_COREOS_CLUSTER_STATE_DIR",
    "AZURE_COREOS_CLUSTER_FILE",
];

/// Those of them that are paths, of whatever bytes.
const PATHS: [&str; 2] = ["AZURE_COREOS_CLUSTER_STATE_DIR", "AZURE_COREOS_CLUSTER_FILE"];

/// The parameters among `variables`; empty ones count as not set. A variable with our prefix that means nothing is a
/// mistake: it is a misspelled one. So is one that is no text.
pub fn from_environment(variables: impl Iterator<Item = (OsString, OsString)>) -> (Values, Problems) {
    let (mut values, mut problems) = (Values::default(), Problems::new());
    let names: Vec<String> = PARAMETERS.iter().map(|parameter| parameter.variable()).collect();
    let is_ours = |name: &OsString| name.as_encoded_bytes().starts_with(VARIABLE_PREFIX.as_bytes());
    let mut ours: Vec<(OsString, OsString)> = variables.filter(|(name, _)| is_ours(name)).collect();
    ours.sort();
    for (name, value) in ours {
        let name = name.to_string_lossy().into_owned();
        if PATHS.contains(&name.as_str()) {
            continue;
        }
        let origin = Origin::Environment(name.clone());
        let Ok(text) = value.into_string() else {
            problems.add(origin, NOT_TEXT);
            continue;
        };
        match names.iter().position(|known| *known == name) {
            Some(index) if !text.is_empty() => values.insert(PARAMETERS[index], vec![text], origin),
            Some(_) => {}
            None if OTHER_VARIABLES.contains(&name.as_str()) => {}
            None => match nearest(&name, &names) {
                Some(right) => problems.add_with_hint(origin, "unknown variable", format!("did you mean `{right}`?")),
                None => problems.add(origin, "unknown variable; `azure-coreos-cluster --help` lists the parameters"),
            },
        }
    }
    (values, problems)
}

fn nearest(name: &str, names: &[String]) -> Option<String> {
    /// The prefix is the same in all, and would make every word look near.
    fn bare(name: &str) -> &str {
        name.strip_prefix(VARIABLE_PREFIX).unwrap_or(name)
    }
    let of_other_tools = of_other_tools(bare(name)).map(Parameter::variable);
    let near = || suggestion(bare(name), names.iter().map(|name| bare(name)));
    of_other_tools.or_else(|| near().map(|right| format!("{VARIABLE_PREFIX}{right}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::ffi::OsStringExt as _;

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
        let (values, problems) = from_environment(variables.into_iter().map(|(name, text)| (name.into(), text.into())));
        assert_eq!(values.text(&VM_SIZE), Some("Standard_B2s"));
        assert_eq!(values.get(&NUM_NODES), None);
        assert_eq!(values.get(&NTP_SERVERS).unwrap().texts, ["a.test", "b.test"]);
        assert_eq!(problems.to_string(), "`AZURE_COREOS_CLUSTER_LOCATON`: unknown variable");
        assert_eq!(
            problems.iter().next().unwrap().hint.as_deref(),
            Some("did you mean `AZURE_COREOS_CLUSTER_LOCATION`?")
        );
    }

    #[test]
    fn only_what_is_near_is_advised() {
        for (word, right) in [("FOO", None), ("VMSIZE", Some("VM_SIZE")), ("RG", Some("RESOURCE_GROUP")), ("X", None)] {
            let name = format!("{VARIABLE_PREFIX}{word}").into();
            let problems = from_environment([(name, "x".into())].into_iter()).1;
            let hint = problems.iter().next().unwrap().hint.clone();
            assert_eq!(hint, right.map(|right| format!("did you mean `{VARIABLE_PREFIX}{right}`?")), "{word}");
        }
    }

    #[test]
    fn what_is_no_text_is_named_and_not_shown() {
        let latin = |text: &str| OsString::from_vec([text.as_bytes(), &[0xe9]].concat());
        let variables = [
            ("AZURE_COREOS_CLUSTER_LOCATION".into(), latin("westeurop")),
            (latin("AZURE_COREOS_CLUSTER_VM_SIZ"), "x".into()),
            ("AZURE_COREOS_CLUSTER_FILE".into(), latin("cluster.")),
            ("ELSEWHERE".into(), latin("x")),
        ];
        let problems = from_environment(variables.into_iter()).1.to_string();
        let expected = "`AZURE_COREOS_CLUSTER_LOCATION`: its value is not UTF-8 text\n\
                        `AZURE_COREOS_CLUSTER_VM_SIZ\u{fffd}`: unknown variable";
        assert_eq!(problems, expected);
    }
}
