//! The text of a file as people's editors and shells write it.

use std::borrow::Cow;

/// The text without its byte order mark: UTF-8, or UTF-16 as PowerShell's `>` writes it. None when it is neither.
pub fn decode(bytes: &[u8]) -> Option<Cow<'_, str>> {
    let words = |bytes: &[u8], word: fn([u8; 2]) -> u16| -> Vec<u16> {
        bytes.chunks_exact(2).map(|pair| word([pair[0], pair[1]])).collect()
    };
    match bytes {
        [0xef, 0xbb, 0xbf, rest @ ..] => std::str::from_utf8(rest).ok().map(Cow::Borrowed),
        [0xff, 0xfe, rest @ ..] => String::from_utf16(&words(rest, u16::from_le_bytes)).ok().map(Cow::Owned),
        [0xfe, 0xff, rest @ ..] => String::from_utf16(&words(rest, u16::from_be_bytes)).ok().map(Cow::Owned),
        _ => std::str::from_utf8(bytes).ok().map(Cow::Borrowed),
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
