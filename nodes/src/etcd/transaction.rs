//! A transaction in the form that `etcdctl txn` reads.
//! <https://github.com/etcd-io/etcd/blob/main/etcdctl/README.md#txn-options>

use std::fmt;
use std::fmt::Write as _;

/// Comparisons that must all hold, and changes that are then all made.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Transaction {
    comparisons: Vec<String>,
    changes: Vec<String>,
    /// What is read instead when a comparison does not hold.
    otherwise: Vec<String>,
}

impl Transaction {
    /// Changes nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Holds when `key` was last changed at `revision`; 0 when it is not there.
    pub fn expect_revision(mut self, key: &str, revision: i64) -> Self {
        self.comparisons.push(format!("mod({}) = \"{revision}\"", literal(key)));
        self
    }

    /// Holds when `key` was made at `revision` and is still there; when a comparison does not hold, `key` is read.
    pub fn expect_creation(mut self, key: &str, revision: i64) -> Self {
        self.comparisons.push(format!("create({}) = \"{revision}\"", literal(key)));
        self.otherwise.push(format!("get -- {}", literal(key)));
        self
    }

    /// Sets `key` to `value`.
    pub fn put(mut self, key: &str, value: &str) -> Self {
        // After `--` a value that starts with `-` is not an option.
        self.changes.push(format!("put -- {} {}", literal(key), literal(value)));
        self
    }

    /// Removes `key` when it is there.
    pub fn delete(mut self, key: &str) -> Self {
        self.changes.push(format!("del -- {}", literal(key)));
        self
    }

    /// Whether it would change nothing.
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }
}

impl fmt::Display for Transaction {
    /// Three parts, each ended by an empty line: comparisons, changes when they hold, changes when not.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for line in &self.comparisons {
            writeln!(formatter, "{line}")?;
        }
        writeln!(formatter)?;
        for line in &self.changes {
            writeln!(formatter, "{line}")?;
        }
        writeln!(formatter)?;
        for line in &self.otherwise {
            writeln!(formatter, "{line}")?;
        }
        writeln!(formatter)
    }
}

impl fmt::Debug for Transaction {
    /// Values may be secrets.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Transaction({} comparisons, {} changes)", self.comparisons.len(), self.changes.len())
    }
}

/// A Go string literal; etcdctl reads its words with Go's `%q`. <https://go.dev/ref/spec#String_literals>
fn literal(text: &str) -> String {
    let mut literal = String::from("\"");
    for byte in text.bytes() {
        match byte {
            b'"' => literal.push_str("\\\""),
            b'\\' => literal.push_str("\\\\"),
            b'\n' => literal.push_str("\\n"),
            b' '..=b'~' => literal.push(char::from(byte)),
            other => {
                let _ = write!(literal, "\\x{other:02x}");
            }
        }
    }
    literal.push('"');
    literal
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_literals() {
        for (text, expected) in [
            ("", r#""""#),
            ("a=b", r#""a=b""#),
            ("a\"b\\c", r#""a\"b\\c""#),
            ("two\nlines\t", r#""two\nlines\x09""#),
            ("é", r#""\xc3\xa9""#),
        ] {
            assert_eq!(literal(text), expected);
        }
    }

    #[test]
    fn three_parts() {
        let transaction = Transaction::new().expect_revision("/a", 0).put("/a", "-1").delete("/b");
        assert_eq!(transaction.to_string(), "mod(\"/a\") = \"0\"\n\nput -- \"/a\" \"-1\"\ndel -- \"/b\"\n\n\n");
        assert_eq!(format!("{transaction:?}"), "Transaction(1 comparisons, 2 changes)");
        let fenced = Transaction::new().expect_creation("/l", 7).put("/a", "b").to_string();
        assert_eq!(fenced, "create(\"/l\") = \"7\"\n\nput -- \"/a\" \"b\"\n\nget -- \"/l\"\n\n");
    }
}
