//! Where in a text a value stands. The parser tells positions only in errors, so the text is read once more by a reader
//! that fails at the value.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// One step from a value to a value inside it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// The value of a key of a mapping.
    Key(String),
    /// An element of a sequence, the first is 0.
    Index(usize),
}

/// A path as people write it: `services.web.ports[0]`.
pub fn path_text(path: &[Step]) -> String {
    let mut text = String::new();
    for step in path {
        match step {
            Step::Key(key) if text.is_empty() => text.push_str(key),
            Step::Key(key) => {
                text.push('.');
                text.push_str(key);
            }
            Step::Index(index) => text.push_str(&format!("[{index}]")),
        }
    }
    text
}

/// The line of the key or element at the end of the path, counted from 1; of the nearest one around it when the text has
/// none there, as with merged keys.
pub fn line_of(text: &str, path: &[Step]) -> Option<usize> {
    (1..=path.len()).rev().find_map(|length| exact_line_of(text, &path[..length]))
}

/// The reader's own words; messages of the parser's never have these.
const FOUND: &str = "\0found";
const ABSENT: &str = "\0absent";

fn exact_line_of(text: &str, path: &[Step]) -> Option<usize> {
    let error = Seeker { path }.deserialize(serde_yaml::Deserializer::from_str(text)).err()?;
    error.to_string().contains(FOUND).then(|| error.location().map(|location| location.line()))?
}

/// Goes down the path and fails at its end.
#[derive(Clone, Copy)]
struct Seeker<'p> {
    path: &'p [Step],
}

impl<'de> DeserializeSeed<'de> for Seeker<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl Seeker<'_> {
    fn here<E: Error>(self) -> Result<(), E> {
        Err(E::custom(if self.path.is_empty() { FOUND } else { ABSENT }))
    }
}

/// Scalars: the end of the path, or a dead end.
macro_rules! scalars {
    ($how:ident: $($visit:ident($type:ty)),*) => {
        $(fn $visit<E: Error>(self, value: $type) -> Result<Self::Value, E> {
            self.$how(value)
        })*
        fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
            self.$how("null")
        }
        fn visit_none<E: Error>(self) -> Result<Self::Value, E> {
            self.$how("null")
        }
    };
}

impl Seeker<'_> {
    fn scalar<E: Error>(self, _value: impl fmt::Display) -> Result<(), E> {
        self.here()
    }
}

impl<'de> Visitor<'de> for Seeker<'_> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a value")
    }

    scalars!(scalar: visit_bool(bool), visit_i64(i64), visit_u64(u64), visit_f64(f64), visit_str(&str));

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<(), A::Error> {
        let [Step::Index(index), rest @ ..] = self.path else { return self.here() };
        for _ in 0..*index {
            if sequence.next_element::<IgnoredAny>()?.is_none() {
                return Err(A::Error::custom(ABSENT));
            }
        }
        sequence.next_element_seed(Seeker { path: rest })?;
        Err(A::Error::custom(ABSENT))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut mapping: A) -> Result<(), A::Error> {
        let [Step::Key(wanted), rest @ ..] = self.path else { return self.here() };
        while let Some(equal) = mapping.next_key_seed(Key { wanted, last: rest.is_empty() })? {
            match equal {
                true => mapping.next_value_seed(Seeker { path: rest })?,
                false => drop(mapping.next_value::<IgnoredAny>()?),
            }
        }
        Err(A::Error::custom(ABSENT))
    }
}

/// Compares a key; fails at it when it is the one and the last of the path.
struct Key<'p> {
    wanted: &'p str,
    last: bool,
}

impl Key<'_> {
    fn scalar<E: Error>(self, key: impl fmt::Display) -> Result<bool, E> {
        match key.to_string() == self.wanted {
            true if self.last => Err(E::custom(FOUND)),
            equal => Ok(equal),
        }
    }
}

impl<'de> DeserializeSeed<'de> for Key<'_> {
    type Value = bool;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<bool, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Key<'_> {
    type Value = bool;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a key")
    }

    scalars!(scalar: visit_bool(bool), visit_i64(i64), visit_u64(u64), visit_f64(f64), visit_str(&str));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_keys_and_elements() {
        let text = "a:\n  b:\n    - x\n    - y: 1\n      z: {in: 2,\n        line: 3}\n80: &anchor\n  k: v\nm:\n  <<: *anchor\n  o: \"p\n    q\"\n  r: 1\n";
        let key = |key: &str| Step::Key(key.into());
        for (path, line) in [
            (vec![key("a")], Some(1)),
            (vec![key("a"), key("b")], Some(2)),
            (vec![key("a"), key("b"), Step::Index(0)], Some(3)),
            (vec![key("a"), key("b"), Step::Index(1), key("z")], Some(5)),
            (vec![key("a"), key("b"), Step::Index(1), key("z"), key("line")], Some(6)),
            (vec![key("a"), key("b"), Step::Index(2)], Some(2)),
            (vec![key("80"), key("k")], Some(8)),
            (vec![key("m"), key("k")], Some(9)),
            (vec![key("m"), key("r")], Some(13)),
            (vec![key("none")], None),
            (vec![], None),
        ] {
            assert_eq!(line_of(text, &path), line, "{}", path_text(&path));
        }
    }
}
