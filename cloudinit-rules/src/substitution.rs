//! Addresses that a text can leave to the machine: `$private_ipv4` and its like, replaced in the whole text before it is
//! read. `initialize/env.go:79`

/// What is replaced, unless a backslash stands before it.
pub const SUBSTITUTIONS: [&str; 4] = ["$private_ipv4", "$public_ipv4", "$private_ipv6", "$public_ipv6"];
/// The one that machines on Azure have: `datasource/waagent/waagent.go:91`, the instance's address. There is a
/// public one only behind endpoints of the classic cloud, so that the others are empty.
pub const PRIVATE_IPV4: &str = "$private_ipv4";

/// The text with a machine's address in it.
pub fn put_in(text: &str, private_ipv4: &str) -> String {
    let mut text = text.to_owned();
    for name in SUBSTITUTIONS {
        let address = if name == PRIVATE_IPV4 { private_ipv4 } else { "" };
        text = replaced(&text, name, address).replace(&format!("\\{name}"), name);
    }
    text
}

/// As Go's regular expression `([^\\]|^)NAME` does: the character before a name belongs to one match alone, so that of two
/// names without anything between them only the first is replaced.
fn replaced(text: &str, name: &str, address: &str) -> String {
    let mut result = String::with_capacity(text.len());
    let mut taken = 0;
    for (start, _) in text.match_indices(name) {
        let before = text[..start].chars().next_back();
        let is_asked = match before {
            None => true,
            Some('\\') => false,
            Some(character) => start - character.len_utf8() >= taken,
        };
        if is_asked {
            result.push_str(&text[taken..start]);
            result.push_str(address);
            taken = start + name.len();
        }
    }
    result.push_str(&text[taken..]);
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts() {
        for (text, result) in [
            ("$private_ipv4", "10.0.0.4"),
            ("a: $private_ipv4:2380,$private_ipv4\n$private_ipv4", "a: 10.0.0.4:2380,10.0.0.4\n10.0.0.4"),
            (r"\$private_ipv4 $private", "$private_ipv4 $private"),
            (r"\\$private_ipv4", r"\$private_ipv4"),
            ("$private_ipv4$private_ipv4", "10.0.0.4$private_ipv4"),
            ("ü$private_ipv4", "ü10.0.0.4"),
            ("[$public_ipv4]$private_ipv6$public_ipv6", "[]"),
            (r"\$public_ipv4", "$public_ipv4"),
        ] {
            assert_eq!(put_in(text, "10.0.0.4"), result, "{text}");
        }
    }
}
