//! Single values as Go's YAML reader hands them to coreos-cloudinit: `scalar` of its `decode.go`, `resolve` of its `resolve.go`.
//! <https://github.com/go-yaml/yaml/blob/v3/decode.go>, <https://github.com/go-yaml/yaml/blob/v3/resolve.go>

use diagnostics::yaml::{Node, Value, Written};

use crate::content::from_base64;

/// Why a value is no text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoText {
    /// It is a list, a mapping, or nothing.
    Shape,
    /// It has the tag `!!binary` and is not base64, at which the reader gives the whole document up.
    Base64,
    /// What it comes to is no UTF-8. coreos-cloudinit takes it all the same.
    Utf8,
}

/// What a scalar comes to where a text is wanted: whatever it is, as it is written; of one with the tag `!!binary`, what its
/// base64 stands for.
pub fn bytes(node: &Node<'_>, written: &Written) -> Result<Vec<u8>, NoText> {
    let text = match node.value() {
        Value::String(text) => Some(text.clone()),
        Value::Number(_) | Value::Bool(_) => match written.at(node.steps()) {
            Some(text) => Some(text.to_owned()),
            None => node.scalar(),
        },
        _ => None,
    };
    let text = text.ok_or(NoText::Shape)?;
    if node.is_binary() { from_base64(text.as_bytes()).ok_or(NoText::Base64) } else { Ok(text.into_bytes()) }
}

/// The same of what has to be UTF-8.
pub fn text(node: &Node<'_>, written: &Written) -> Result<String, NoText> {
    String::from_utf8(bytes(node, written)?).map_err(|_| NoText::Utf8)
}

/// A flag. The words of older YAML for yes and no are understood, in quotes too; `true` and `false` in quotes are not.
pub fn flag(value: &Value) -> Option<bool> {
    match value {
        Value::Bool(flag) => Some(*flag),
        Value::String(text) => match text.as_str() {
            "y" | "Y" | "yes" | "on" => Some(true),
            "n" | "N" | "no" | "off" => Some(false),
            _ => None,
        },
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use diagnostics::yaml::Document;

    #[test]
    fn texts_and_bytes() {
        let source = "plain: aGk=\ntagged: !!binary aGk=\nquoted: !!binary \"aGk=\"\nblock: !!binary |\n  aG\n  k=\n\
                      digits: !!binary 1234\nlong: !<tag:yaml.org,2002:binary> aGk=\nbytes: !!binary gIE=\n\
                      wrong: !!binary aG k\nlist: [!!binary aGk=]\nanchor: &a {x: !!binary aGk=}\nalias: *a\n\
                      merged: {<<: *a, y: 1}\nmany: {<<: [{z: 1}, *a]}\nnumber: 0x10\nstring: !!str aGk=\n";
        let document = Document::parse("x", source).unwrap();
        let root = document.root();
        let written = Written::read(source, root.value());
        let at = |path: &[&str]| {
            let node = path.iter().fold(root.clone(), |node, key| match key.parse::<usize>() {
                Ok(index) => node.items().unwrap()[index].clone(),
                Err(_) => node.get(key).unwrap(),
            });
            bytes(&node, &written)
        };
        for (path, expected) in [
            (&["plain"][..], Ok(&b"aGk="[..])),
            (&["tagged"], Ok(b"hi")),
            (&["quoted"], Ok(b"hi")),
            (&["block"], Ok(b"hi")),
            (&["digits"], Ok(b"\xd7\x6d\xf8")),
            (&["long"], Ok(b"hi")),
            (&["bytes"], Ok(b"\x80\x81")),
            (&["wrong"], Err(NoText::Base64)),
            (&["list", "0"], Ok(b"hi")),
            (&["list"], Err(NoText::Shape)),
            (&["anchor", "x"], Ok(b"hi")),
            (&["alias", "x"], Ok(b"hi")),
            (&["merged", "x"], Ok(b"hi")),
            (&["merged", "y"], Ok(b"1")),
            (&["many", "x"], Ok(b"hi")),
            (&["number"], Ok(b"0x10")),
            (&["string"], Ok(b"aGk=")),
        ] {
            assert_eq!(at(path), expected.map(<[u8]>::to_vec), "{path:?}");
        }
        assert_eq!(text(&root.get("bytes").unwrap(), &written), Err(NoText::Utf8));
    }
}
