//! The JSON Schema of cluster.yaml, for editors. <https://json-schema.org/draft/2020-12/schema>

use serde_json::{Map, Value, json};

use super::parameter::{Kind, PARAMETERS, Parameter};

/// The schema.
pub fn schema() -> Value {
    let properties: Map<String, Value> =
        PARAMETERS.iter().map(|parameter| (parameter.key.to_owned(), property(parameter))).collect();
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "cluster.yaml",
        "description": "A cluster of azure-coreos-cluster. Flags and AZURE_COREOS_CLUSTER_… variables count before this file.",
        "type": "object",
        "additionalProperties": false,
        "properties": properties,
    })
}

/// The schema as a file.
pub fn schema_text() -> String {
    format!("{:#}\n", schema())
}

fn property(parameter: &Parameter) -> Value {
    let mut property = match parameter.kind {
        Kind::Text | Kind::File | Kind::Directory => json!({"type": ["string", "number"]}),
        Kind::Integer { least, most } => json!({"type": "integer", "minimum": least, "maximum": most}),
        Kind::Switch => json!({"type": "boolean"}),
        Kind::Choice(words) => json!({"enum": words}),
        Kind::List => json!({
            "oneOf": [
                {"type": ["string", "number"]},
                {"type": "array", "items": {"type": ["string", "number"]}},
            ],
        }),
        Kind::Map => json!({"type": "object", "additionalProperties": {"type": ["string", "number", "boolean"]}}),
    };
    let unit = match parameter.unit {
        "" => String::new(),
        unit => format!(" Unit: {unit}."),
    };
    property["description"] = json!(format!("{}. Default: {}.{unit}", parameter.help, parameter.default));
    property["examples"] = json!([example(parameter)]);
    property
}

/// The example as a value of the file.
fn example(parameter: &Parameter) -> Value {
    let text = parameter.example;
    match parameter.kind {
        Kind::Integer { .. } => text.parse::<u32>().map_or_else(|_| json!(text), |number| json!(number)),
        Kind::Switch => json!(text == "true"),
        Kind::List => json!(text.split(',').collect::<Vec<_>>()),
        Kind::Map => {
            text.split(',').filter_map(|pair| pair.split_once('=')).map(|(k, v)| (k.to_owned(), json!(v))).collect()
        }
        _ => json!(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::from_file;
    use diagnostics::yaml;

    #[test]
    fn every_example_is_a_file_that_is_read() {
        for parameter in PARAMETERS {
            let text = yaml::to_string(&json!({parameter.key: example(parameter)})).unwrap();
            let (values, problems) = from_file("example.yaml", &text);
            assert!(problems.is_empty(), "{problems}");
            assert_eq!(values.unwrap().get(parameter).unwrap().texts.join(","), parameter.example, "{text}");
        }
    }
}
