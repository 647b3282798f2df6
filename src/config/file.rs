//! Parameters out of a cluster.yaml: one key a parameter.

use super::given::Values;
use super::parameter::{Kind, PARAMETERS, Parameter, of_other_tools};
use diagnostics::yaml::{Document, Node};
use diagnostics::{Origin, Problems};

/// The parameters of a file that can be read, and what is wrong with the others; `path` is the name that mistakes bear.
/// None of a file that is not YAML: what it says is not known.
pub fn from_file(path: &str, text: &str) -> (Option<Values>, Problems) {
    let document = match Document::parse(path, text) {
        Ok(document) => document,
        Err(problems) => return (None, problems),
    };
    let mut values = Values::default();
    // A file that says nothing is a file without parameters.
    if !document.root().is_null()
        && let Some(fields) = document.root().fields()
    {
        for parameter in PARAMETERS {
            let Some(node) = fields.take(parameter.key) else { continue };
            if let Some(texts) = texts(&node, parameter) {
                let origin = Origin::File { path: path.to_owned(), line: node.line() };
                match parameter.kind {
                    // YAML has parted the elements already, and a tag's value may have commas.
                    Kind::Map => values.insert_parted(parameter, texts, origin),
                    _ => values.insert(parameter, texts, origin),
                }
            }
        }
        for (name, node) in fields.take_where(|name| of_other_tools(name).is_some()) {
            let right = of_other_tools(&name).map_or("", |parameter| parameter.key);
            node.problem_with_hint("unknown key", format!("did you mean `{right}`?"));
        }
        fields.finish();
    }
    (Some(values), document.into_problems())
}

/// The value as it would be written on a command line. Bounds and words are checked where all layers meet.
fn texts(node: &Node, parameter: &Parameter) -> Option<Vec<String>> {
    match parameter.kind {
        Kind::Text | Kind::Integer { .. } | Kind::Choice(_) | Kind::File | Kind::Directory => {
            Some(vec![node.scalar()?])
        }
        Kind::Switch => Some(vec![node.boolean()?.to_string()]),
        Kind::List => node.scalar_or_scalars(),
        Kind::Map => Some(node.text_map()?.into_iter().map(|(key, value)| format!("{key}={value}")).collect()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::parameter::{DATA_DISK, DEIS, NTP_SERVERS, NUM_NODES};

    #[test]
    fn a_file_is_read_with_its_lines() {
        let values = from_file("c.yaml", "num_nodes: 5\ndeis: true\nntp_servers: [a, b]\ndata_disk:\n").0.unwrap();
        assert_eq!((values.text(&NUM_NODES), values.is_on(&DEIS), values.get(&DATA_DISK)), (Some("5"), true, None));
        let servers = values.get(&NTP_SERVERS).unwrap();
        assert_eq!(servers.texts, ["a", "b"]);
        assert_eq!(servers.origin, Origin::File { path: "c.yaml".into(), line: Some(3) });
        assert_eq!(from_file("c.yaml", "# nothing\n").0, Some(Values::default()));
        assert_eq!(from_file("c.yaml", "name: [\n").0, None);
    }

    #[test]
    fn words_of_other_tools_are_understood() {
        let problems = from_file("c.yaml", "region: x\nnodes: 3\nsize: y\nvnet_name: z\n").1;
        let hints: Vec<&str> = problems.iter().filter_map(|problem| problem.hint.as_deref()).collect();
        let right = ["location", "num_nodes", "vm_size", "virtual_network_name"];
        assert_eq!(hints, right.map(|right| format!("did you mean `{right}`?")));
    }

    #[test]
    fn every_mistake_of_a_file_is_told() {
        let problems = from_file("c.yaml", "num_node: 5\ndeis: maybe\nvm_size: [a]\nntp_servers: {a: 1}\n").1;
        let told: Vec<String> = problems.iter().map(|problem| problem.origin.to_string()).collect();
        assert_eq!(told, ["`c.yaml` line 1", "`c.yaml` line 2", "`c.yaml` line 3", "`c.yaml` line 4"], "{problems}");
        assert_eq!(problems.iter().next().unwrap().hint.as_deref(), Some("did you mean `num_nodes`?"));
    }
}
