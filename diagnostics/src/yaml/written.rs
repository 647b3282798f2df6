//! Numbers and booleans as they are written: `0o600`, where a value only knows 384. One pass over the text for all of them.

use std::collections::HashMap;

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::node::key_text;
use super::{Step, Value};

/// The spellings of a document's numbers and booleans, by their paths.
#[derive(Default)]
pub struct Written(HashMap<Vec<Step>, String>);

impl Written {
    /// Reads `text`, which was read as `value` before.
    pub fn read(text: &str, value: &Value) -> Self {
        let mut written = Self::default();
        if holds_spellings(value) {
            // It was read before without a mistake; where merged keys stand elsewhere, the value's own text has to do.
            let _ = Seed { value, path: Vec::new(), written: &mut written.0 }
                .deserialize(serde_yaml::Deserializer::from_str(text));
        }
        written
    }

    /// What stands at `path`; none for what is no number or boolean.
    pub fn at(&self, path: &[Step]) -> Option<&str> {
        self.0.get(path).map(String::as_str)
    }
}

fn holds_spellings(value: &Value) -> bool {
    match value {
        Value::Number(_) | Value::Bool(_) => true,
        Value::Sequence(items) => items.iter().any(holds_spellings),
        Value::Mapping(mapping) => mapping.values().any(holds_spellings),
        _ => false,
    }
}

/// Goes down text and value together.
struct Seed<'v, 'w> {
    value: &'v Value,
    path: Vec<Step>,
    written: &'w mut HashMap<Vec<Step>, String>,
}

impl<'de> DeserializeSeed<'de> for Seed<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        match self.value {
            Value::Mapping(_) => deserializer.deserialize_map(self),
            Value::Sequence(_) => deserializer.deserialize_seq(self),
            // Whoever asks for a text gets it as it is written.
            Value::Number(_) | Value::Bool(_) => deserializer.deserialize_str(self),
            _ => deserializer.deserialize_ignored_any(IgnoredAny).map(drop),
        }
    }
}

impl<'de> Visitor<'de> for Seed<'_, '_> {
    type Value = ();

    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("what was read before")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<(), E> {
        self.written.insert(self.path, text.to_owned());
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<(), A::Error> {
        let items = self.value.as_sequence().map(Vec::as_slice).unwrap_or_default();
        for (index, value) in items.iter().enumerate() {
            let path = [&self.path[..], &[Step::Index(index)]].concat();
            sequence.next_element_seed(Seed { value, path, written: &mut *self.written })?;
        }
        while sequence.next_element::<IgnoredAny>()?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut mapping: A) -> Result<(), A::Error> {
        while let Some(key) = mapping.next_key::<Value>()? {
            match self.value.get(&key) {
                Some(value) => {
                    let path = [&self.path[..], &[Step::Key(key_text(&key))]].concat();
                    mapping.next_value_seed(Seed { value, path, written: &mut *self.written })?;
                }
                None => drop(mapping.next_value::<IgnoredAny>()?),
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings() {
        let text = "a: 0o600\nb: [1e3, {c: TRUE}, x]\nd: &anchor {e: +5}\nf: *anchor\n1: 2\ng:\n  <<: *anchor\n";
        let mut value: Value = serde_yaml::from_str(text).unwrap();
        let written = Written::read(text, &value);
        value.apply_merge().unwrap();
        let key = |key: &str| Step::Key(key.into());
        for (path, expected) in [
            (vec![key("a")], Some("0o600")),
            (vec![key("b"), Step::Index(0)], Some("1e3")),
            (vec![key("b"), Step::Index(1), key("c")], Some("TRUE")),
            (vec![key("b"), Step::Index(2)], None),
            (vec![key("d"), key("e")], Some("+5")),
            (vec![key("f"), key("e")], Some("+5")),
            (vec![key("1")], Some("2")),
            (vec![key("g"), key("e")], None),
        ] {
            assert_eq!(written.at(&path), expected, "{path:?}");
        }
    }
}
