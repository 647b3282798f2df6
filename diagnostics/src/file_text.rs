//! The text of a file as people's editors and shells write it.
//! <https://www.unicode.org/faq/utf_bom.html>

use std::borrow::Cow;

/// Some editors put it before the first character.
pub const BYTE_ORDER_MARK: char = '\u{feff}';

/// In which order UTF-16 has the two bytes of a unit.
#[derive(Clone, Copy)]
enum ByteOrder {
    Little,
    Big,
}

/// The text without the mark.
pub fn without_mark(text: &str) -> &str {
    text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(text)
}

/// Whether bytes begin as UTF-16 does.
pub(crate) fn is_utf_16(bytes: &[u8]) -> bool {
    utf_16(bytes).is_some()
}

/// The text without its byte order mark: UTF-8, or UTF-16 as PowerShell's `>` writes it. None when it is neither.
pub fn decode(bytes: &[u8]) -> Option<Cow<'_, str>> {
    let Some((order, rest)) = utf_16(bytes) else {
        return std::str::from_utf8(bytes).ok().map(|text| Cow::Borrowed(without_mark(text)));
    };
    let unit = match order {
        ByteOrder::Little => u16::from_le_bytes,
        ByteOrder::Big => u16::from_be_bytes,
    };
    let units: Vec<u16> = rest.chunks_exact(2).map(|pair| unit([pair[0], pair[1]])).collect();
    String::from_utf16(&units).ok().map(Cow::Owned)
}

fn utf_16(bytes: &[u8]) -> Option<(ByteOrder, &[u8])> {
    match bytes {
        [0xff, 0xfe, rest @ ..] => Some((ByteOrder::Little, rest)),
        [0xfe, 0xff, rest @ ..] => Some((ByteOrder::Big, rest)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_are_not_part_of_the_text() {
        let utf_16: Vec<u8> = "\u{feff}aé".encode_utf16().flat_map(u16::to_le_bytes).collect();
        let big_endian: Vec<u8> = "\u{feff}aé".encode_utf16().flat_map(u16::to_be_bytes).collect();
        for (bytes, expected) in [
            ("aé".as_bytes(), Some("aé")),
            ("\u{feff}aé".as_bytes(), Some("aé")),
            (&utf_16, Some("aé")),
            (&big_endian, Some("aé")),
            (b"", Some("")),
            (b"\x30\x82\xff", None),
        ] {
            assert_eq!(decode(bytes).as_deref(), expected, "{bytes:?}");
        }
    }
}
