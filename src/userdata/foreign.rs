//! What users take for user-data and no machine reads: files for other programs, and what editors leave in them.

use diagnostics::file_text::BYTE_ORDER_MARK;
use diagnostics::quoted;

pub(super) const BYTE_ORDER_MARK_IS_THERE: &str =
    "has a byte order mark (U+FEFF), which nobody sees and which hides what it is";
pub(super) const BYTE_ORDER_MARK_HINT: &str =
    "save it without one; where the mark itself is meant, write `\\uFEFF` in double quotes";
pub(super) const BUTANE_HINT: &str = "make an Ignition document of it: `butane --strict FILE > FILE.ign`";

/// The line of the first byte order mark, past which no machine looks, counted from 1.
pub(super) fn byte_order_mark(text: &str) -> Option<usize> {
    text.find(BYTE_ORDER_MARK).map(|index| text[..index].matches('\n').count() + 1)
}

/// A Butane file, from which Ignition documents are made.
pub(super) struct Butane {
    pub line: usize,
    variant: String,
}

impl Butane {
    /// The mistake in words.
    pub(super) fn what(&self) -> String {
        format!("is a Butane file ({}), which no machine reads", quoted(&format!("variant: {}", self.variant)))
    }
}

/// Whether a text is Butane: `variant` and `version` are its own keys.
/// <https://coreos.github.io/butane/specs/>
pub(super) fn butane(text: &str) -> Option<Butane> {
    if text.trim_start().starts_with('{') {
        return None;
    }
    let value_of = |key: &str| {
        text.lines().enumerate().find_map(|(index, line)| {
            let rest = line.strip_prefix(key)?.trim_start().strip_prefix(':')?;
            (rest.is_empty() || rest.starts_with([' ', '\t'])).then_some((index + 1, rest))
        })
    };
    let (line, variant) = value_of("variant")?;
    value_of("version")?;
    let variant = variant.split('#').next().unwrap_or_default().trim().trim_matches(['"', '\'']);
    Some(Butane { line, variant: variant.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn butane_by_its_keys() {
        for (text, line) in [
            ("variant: flatcar\nversion: 1.0.0\nstorage: {}\n", Some(1)),
            ("# mine\n---\nversion: 1.5.0\nvariant: 'fcos' # yes\n", Some(4)),
            ("#cloud-config\nvariant: fcos\nversion: 1.5.0\n", Some(2)),
            ("#cloud-config\nwrite_files:\n- path: /x\n  content: |\n    variant: fcos\n    version: 1\n", None),
            ("variants: a\nversion: 1\n", None),
            ("variant: fcos\n", None),
            ("{\"variant\": \"fcos\", \"version\": \"1.5.0\"}", None),
        ] {
            assert_eq!(butane(text).map(|butane| butane.line), line, "{text}");
        }
        let what = butane("variant: \"fcos\"\nversion: 1.5.0\n").unwrap().what();
        assert_eq!(what, "is a Butane file (`variant: fcos`), which no machine reads");
    }

    #[test]
    fn byte_order_marks() {
        for (text, line) in [("\u{feff}a", Some(1)), ("a\nb\n c: \u{feff}", Some(3)), ("a\n", None)] {
            assert_eq!(byte_order_mark(text), line, "{text:?}");
        }
    }
}
