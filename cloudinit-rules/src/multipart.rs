//! The parts of a multipart file, as Go's reader has them: one part that it cannot read, and it reads none.
//! `initialize/user_data.go:63`; <https://pkg.go.dev/mime/multipart#Reader.NextPart>

use std::io::Read as _;

use flate2::read::MultiGzDecoder;

use crate::content::{self, MOST_BYTES};
use crate::mime::{headers, media_type};

/// What a part's content is when it is compressed. `initialize/user_data.go:131`
const COMPRESSED: [&str; 8] = [
    "application/gzip",
    "application/gzip-compressed",
    "application/gzipped",
    "application/x-compress",
    "application/x-compressed",
    "application/x-gunzip",
    "application/x-gzip",
    "application/x-gzip-compressed",
];

/// A part, as it stands in the file.
pub struct Part<'t> {
    /// Line of its first header.
    pub line: usize,
    /// In lower case and without parameters.
    pub content_type: String,
    encoding: Encoding,
    body: &'t str,
    /// Line of the body's first line.
    pub body_line: usize,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Encoding {
    Base64,
    QuotedPrintable,
    None,
}

/// What a part holds.
#[derive(Debug, PartialEq, Eq)]
pub enum Content {
    Text(String),
    /// Not UTF-8.
    Bytes(Vec<u8>),
}

/// Why nothing of a file is read.
#[derive(Debug, PartialEq, Eq)]
pub struct Refusal {
    /// From 1.
    pub line: usize,
    pub why: &'static str,
}

impl Part<'_> {
    /// Whether the lines of its content are lines of the file.
    pub fn is_as_written(&self) -> bool {
        self.encoding == Encoding::None && !self.is_compressed()
    }

    fn is_compressed(&self) -> bool {
        COMPRESSED.contains(&self.content_type.as_str())
    }

    /// What it holds, decoded and unpacked; or why it cannot be.
    pub fn content(&self) -> Result<Content, &'static str> {
        let mut bytes = match self.encoding {
            Encoding::None => self.body.as_bytes().to_vec(),
            Encoding::Base64 => content::from_base64(self.body.as_bytes()).ok_or("is not base64")?,
            Encoding::QuotedPrintable => from_quoted_printable(self.body).ok_or("is not quoted-printable")?,
        };
        if self.is_compressed() {
            let mut unpacked = Vec::new();
            let decoder = MultiGzDecoder::new(bytes.as_slice());
            decoder.take(MOST_BYTES + 1).read_to_end(&mut unpacked).map_err(|_| "is not compressed with gzip")?;
            if unpacked.len() as u64 > MOST_BYTES {
                return Err("unpacks to more than 64 MiB");
            }
            bytes = unpacked;
        }
        Ok(String::from_utf8(bytes).map_or_else(|error| Content::Bytes(error.into_bytes()), Content::Text))
    }
}

/// The parts between the boundaries that the headers name.
pub fn parts(text: &str) -> Result<Vec<Part<'_>>, Refusal> {
    let line_at = |at: usize| text[..at].matches('\n').count() + 1;
    let refused = |at: usize, why| Err(Refusal { line: line_at(at), why });
    let Some((fields, mut at)) = headers(text) else { return refused(0, "does not begin with headers") };
    let Some(media) = fields.get("Content-Type").and_then(media_type) else {
        return refused(0, "has no `Content-Type` that can be read");
    };
    if media.name != "multipart/mixed" {
        return refused(0, "is not `multipart/mixed`");
    }
    let Some(boundary) = media.parameter("boundary").filter(|boundary| !boundary.is_empty()) else {
        return refused(0, "names no `boundary`");
    };
    let mut reader = Boundaries { dashes: format!("--{boundary}"), line_end: "\r\n" };
    let mut parts: Vec<Part> = Vec::new();
    let mut is_between = false;
    loop {
        let line = text[at..].split_inclusive('\n').next().unwrap_or_default();
        if reader.is_last(line) {
            return Ok(parts);
        }
        if !line.ends_with('\n') {
            return refused(at, "ends without its last boundary (`--BOUNDARY--`)");
        }
        if reader.is_next(line, parts.is_empty()) {
            at += line.len();
            let Some((fields, length)) = headers(&text[at..]) else {
                return refused(at, "has a part whose headers cannot be read");
            };
            let Some(media) = fields.get("Content-Type").and_then(media_type) else {
                return refused(at, "has a part without a `Content-Type` that can be read");
            };
            if fields.get("Content-Disposition").is_some_and(|value| !value.is_empty() && media_type(value).is_none()) {
                return refused(at, "has a part whose `Content-Disposition` cannot be read");
            }
            let encoding = match fields.get("Content-Transfer-Encoding") {
                Some("base64") => Encoding::Base64,
                Some(name) if name.eq_ignore_ascii_case("quoted-printable") => Encoding::QuotedPrintable,
                _ => Encoding::None,
            };
            let start = at + length;
            let Some(length) = reader.length_of_body(&text[start..]) else {
                return refused(text.len(), "ends without its last boundary (`--BOUNDARY--`)");
            };
            let body = &text[start..start + length];
            let (line, body_line) = (line_at(at), line_at(start));
            parts.push(Part { line, content_type: media.name, encoding, body, body_line });
            (at, is_between) = (start + length, false);
            continue;
        }
        // Only what stands before the first part may be anything.
        if !parts.is_empty() {
            if is_between || line != reader.line_end {
                return refused(at, "has a line between two parts");
            }
            is_between = true;
        }
        at += line.len();
    }
}

struct Boundaries {
    dashes: String,
    /// What the first boundary ends with.
    line_end: &'static str,
}

impl Boundaries {
    fn is_next(&mut self, line: &str, is_first: bool) -> bool {
        let Some(rest) = line.strip_prefix(self.dashes.as_str()) else { return false };
        let rest = rest.trim_start_matches([' ', '\t']);
        if is_first && rest == "\n" {
            self.line_end = "\n";
        }
        rest == self.line_end
    }

    fn is_last(&self, line: &str) -> bool {
        let rest = line.strip_prefix(self.dashes.as_str()).and_then(|rest| rest.strip_prefix("--"));
        let rest = rest.map(|rest| rest.trim_start_matches([' ', '\t']));
        rest.is_some_and(|rest| rest.is_empty() || rest == self.line_end)
    }

    /// Up to the line end before a boundary; none where no boundary follows.
    fn length_of_body(&self, text: &str) -> Option<usize> {
        let ends =
            |after: &str| after.is_empty() || after.starts_with([' ', '\t', '\r', '\n']) || after.starts_with("--");
        if text.strip_prefix(self.dashes.as_str()).is_some_and(ends) {
            return Some(0);
        }
        let boundary = format!("{}{}", self.line_end, self.dashes);
        text.match_indices(&boundary).map(|(at, _)| at).find(|at| ends(&text[at + boundary.len()..]))
    }
}

/// <https://pkg.go.dev/mime/quotedprintable#Reader>
fn from_quoted_printable(text: &str) -> Option<Vec<u8>> {
    let mut decoded = Vec::new();
    for whole in text.split_inclusive('\n') {
        let line = whole.trim_end_matches(['\n', '\r', ' ', '\t']);
        let after = &whole[line.len()..];
        let (line, is_joined) = line.strip_suffix('=').map_or((line, false), |line| (line, true));
        let mut bytes = line.as_bytes().iter();
        while let Some(&byte) = bytes.next() {
            let digits = bytes.as_slice().get(..2).filter(|digits| digits.iter().all(u8::is_ascii_hexdigit));
            let digits = digits.and_then(|digits| std::str::from_utf8(digits).ok());
            match digits.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
                Some(escaped) if byte == b'=' => {
                    decoded.push(escaped);
                    bytes.nth(1);
                }
                _ if byte == b'\t' || (byte >= b' ' && byte != 0x7f) => decoded.push(byte),
                _ => return None,
            }
        }
        match after {
            _ if is_joined && !(after.starts_with('\n') || after.starts_with("\r\n") || after.is_empty()) => {
                return None;
            }
            _ if is_joined => {}
            _ if after.ends_with("\r\n") => decoded.extend(b"\r\n"),
            _ if after.ends_with('\n') => decoded.push(b'\n'),
            _ => {}
        }
    }
    Some(decoded)
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    use flate2::{Compression, write::GzEncoder};
    use std::io::Write as _;

    const START: &str = "MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=\"=X\"\n\n";

    #[test]
    fn where_parts_begin_and_end() {
        let text = |text: &str| Content::Text(text.to_owned());
        for (rest, expected) in [
            ("--=X--", vec![]),
            ("hello\n--=X--", vec![]),
            ("hello\n--=X \t\nContent-Type: a/b\n\nhi\n\n--=X--", vec![("a/b", 6, 8, "hi\n")]),
            ("--=X\nContent-Type: a/b\n\n--=X--", vec![("a/b", 5, 7, "")]),
            ("--=X\nContent-Type: a/b\n\n--=XY\n--=X-\n--=X--", vec![("a/b", 5, 7, "--=XY\n--=X-")]),
            // What the first line ends with, a part keeps.
            ("--=X\r\nContent-Type: a\r\n\r\nhi\n--=X\nb\r\n--=X--\r\n", vec![("a", 5, 7, "hi\n--=X\nb")]),
            (
                "--=X\nContent-Type: a\r\n\r\nhi\r\n--=X\nContent-Type: A; b=c\n\nb\n--=X--",
                vec![("a", 5, 7, "hi\r"), ("a", 9, 11, "b")],
            ),
        ] {
            let whole = format!("{START}{rest}");
            let found = parts(&whole).unwrap_or_else(|refusal| panic!("{rest}: {refusal:?}"));
            let found: Vec<_> = found
                .iter()
                .map(|part| (&*part.content_type, part.line, part.body_line, part.content().unwrap()))
                .collect();
            let expected: Vec<_> =
                expected.into_iter().map(|(kind, line, body, is)| (kind, line, body, text(is))).collect();
            assert_eq!(found, expected, "{rest}");
        }
    }

    #[test]
    fn what_keeps_all_parts_from_being_read() {
        let part = |headers: &str| format!("{START}--=X\n{headers}\n\nhi\n--=X--\n");
        for (text, line, why) in [
            (String::new(), 1, "begin with headers"),
            ("Content-Type: multipart/mixed; boundary==X\n\n".to_owned(), 1, "no `Content-Type` that can be read"),
            ("Content-Type: multipart/mixed-up; boundary=X\n\n".to_owned(), 1, "not `multipart/mixed`"),
            ("Content-Type: multipart/mixed; charset=X\n\n".to_owned(), 1, "no `boundary`"),
            ("Content-Type: multipart/mixed; boundary=\"\"\n\n".to_owned(), 1, "no `boundary`"),
            (START.to_owned(), 4, "without its last boundary"),
            // Until the first part it is taken to have the line ends of mail.
            (format!("{START}--=X--\n"), 5, "without its last boundary"),
            (format!("{START}--=X\nContent-Type: a/b\n\nhi\n"), 8, "without its last boundary"),
            (part("hello"), 5, "whose headers"),
            (part("X-A: b"), 5, "without a `Content-Type`"),
            (part("Content-Type: a b"), 5, "without a `Content-Type`"),
            (part("Content-Type: a/b\nContent-Disposition: a; filename"), 5, "`Content-Disposition`"),
            (format!("{START}--=X\nContent-Type: a/b\n\nhi\n--=X x\n--=X--\n"), 8, "between two parts"),
        ] {
            let refusal = parts(&text).err().unwrap_or_else(|| panic!("{text}"));
            assert!(refusal.line == line && refusal.why.contains(why), "{text}: {refusal:?}");
        }
    }

    #[test]
    fn encoded_and_compressed_parts() {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(b"#cloud-config\n").unwrap();
        let packed = encoder.finish().unwrap();
        let gzip = STANDARD.encode(&packed);
        let cut = STANDARD.encode(&packed[..packed.len() - 9]);
        let text = |text: &str| Ok(Content::Text(text.to_owned()));
        for (kind, encoding, body, expected) in [
            ("text/plain", "base64", "aGkK\naGkK", text("hi\nhi\n")),
            ("text/plain", "base64", "aGk", Err("is not base64")),
            ("text/plain", "base64", "aGkK aGkK", Err("is not base64")),
            ("text/plain", "base64", "//8=", Ok(Content::Bytes(vec![0xff, 0xff]))),
            // The name of an encoding counts as it is written.
            ("text/plain", "Base64", "aGkK", text("aGkK")),
            ("text/plain", "7bit", "a=3D", text("a=3D")),
            ("text/plain", "Quoted-Printable", "a=3Db=\nc \n=C3=BC=\n==x", text("a=bc\nü==x")),
            ("text/plain", "quoted-printable", "a\u{7}", Err("is not quoted-printable")),
            ("application/x-gzip", "base64", &gzip, text("#cloud-config\n")),
            ("Application/GZip", "base64", &gzip, text("#cloud-config\n")),
            ("application/gzip", "base64", &cut, Err("is not compressed with gzip")),
            ("application/gzip", "7bit", "hello", Err("is not compressed with gzip")),
            ("application/zip", "7bit", "hello", text("hello")),
        ] {
            let whole =
                format!("{START}--=X\nContent-Type: {kind}\nContent-Transfer-Encoding: {encoding}\n\n{body}\n--=X--");
            let found = parts(&whole).unwrap();
            assert_eq!(found[0].content(), expected, "{kind} {encoding} {body}");
        }
    }
}
