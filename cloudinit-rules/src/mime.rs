//! Headers and media types as Go's readers of mail have them, for the kinds of user-data that begin with headers.
//! <https://pkg.go.dev/net/textproto#Reader.ReadMIMEHeader>, <https://pkg.go.dev/mime#ParseMediaType>

/// Headers, in their order.
pub(crate) struct Headers {
    fields: Vec<(String, String)>,
}

impl Headers {
    /// The value of the first header of that name, however its letters are written.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.fields.iter().find(|(field, _)| field.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }
}

/// The headers that a text begins with, and the length of what they take with the empty line behind them; none where a line is
/// no header or the empty line is missing.
pub(crate) fn headers(text: &str) -> Option<(Headers, usize)> {
    let is_blank = |character: char| character == ' ' || character == '\t';
    if text.starts_with(is_blank) {
        return None;
    }
    let mut fields = Vec::new();
    let mut length = 0;
    let mut lines = text.split_inclusive('\n').peekable();
    while let Some(line) = lines.next() {
        length += line.len();
        if without_end(line).is_empty() {
            return line.ends_with('\n').then_some((Headers { fields }, length));
        }
        let mut joined = without_end(line).trim_matches(is_blank).to_owned();
        while let Some(next) = lines.next_if(|next| next.starts_with(is_blank)) {
            length += next.len();
            joined.push(' ');
            joined.push_str(without_end(next).trim_matches(is_blank));
        }
        let (name, value) = joined.split_once(':')?;
        let is_name = name.bytes().all(|byte| is_token(byte) || byte == b' ');
        let is_value = value.bytes().all(|byte| byte == b'\t' || (byte >= b' ' && byte != 0x7f));
        if !is_name || !is_value {
            return None;
        }
        fields.push((name.to_owned(), value.trim_matches(is_blank).to_owned()));
    }
    None
}

fn without_end(line: &str) -> &str {
    let line = line.strip_suffix('\n').unwrap_or(line);
    line.strip_suffix('\r').unwrap_or(line)
}

/// RFC 7230, 3.2.6.
fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

/// A media type and its parameters.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct MediaType {
    /// In lower case.
    pub(crate) name: String,
    /// Names in lower case.
    pub(crate) parameters: Vec<(String, String)>,
}

impl MediaType {
    pub(crate) fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

/// A header's value as a media type; none where it is not one, or a parameter is none.
pub(crate) fn media_type(value: &str) -> Option<MediaType> {
    let end = value.find(';').unwrap_or(value.len());
    let name = value[..end].trim().to_ascii_lowercase();
    let mut halves = name.splitn(2, '/');
    if !halves.all(|half| !half.is_empty() && token_length(half) == half.len()) {
        return None;
    }
    let mut parameters: Vec<(String, String)> = Vec::new();
    let mut rest = value[end..].trim_start();
    while !rest.is_empty() && rest.trim() != ";" {
        let (name, value, after) = parameter(rest)?;
        match parameters.iter().find(|(known, _)| *known == name) {
            Some((_, earlier)) if *earlier != value => return None,
            Some(_) => {}
            None => parameters.push((name, value)),
        }
        rest = after.trim_start();
    }
    Some(MediaType { name, parameters })
}

/// `; name=value`, and what follows.
fn parameter(text: &str) -> Option<(String, String, &str)> {
    let text = text.strip_prefix(';')?.trim_start();
    let (name, rest) = text.split_at(token_length(text));
    let rest = rest.trim_start().strip_prefix('=')?.trim_start();
    if name.is_empty() {
        return None;
    }
    let name = name.to_ascii_lowercase();
    let Some(quoted) = rest.strip_prefix('"') else {
        let (value, rest) = rest.split_at(token_length(rest));
        return (!value.is_empty()).then(|| (name, value.to_owned(), rest));
    };
    let mut value = String::new();
    let mut characters = quoted.char_indices().peekable();
    while let Some((at, character)) = characters.next() {
        match character {
            '"' => return Some((name, value, &quoted[at + 1..])),
            // Before anything else a backslash is a part of a path.
            '\\' => match characters.next_if(|(_, next)| is_special(*next)) {
                Some((_, escaped)) => value.push(escaped),
                None => value.push('\\'),
            },
            _ => value.push(character),
        }
    }
    None
}

fn token_length(text: &str) -> usize {
    text.find(|character: char| !character.is_ascii_graphic() || is_special(character)).unwrap_or(text.len())
}

/// RFC 2045, 5.1.
fn is_special(character: char) -> bool {
    "()<>@,;:\\\"/[]?=".contains(character)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_of_a_text() {
        for (text, content_type, length) in [
            ("Content-Type: a\n\nbody", Some("a"), 17),
            ("MIME-Version: 1.0\r\ncontent-TYPE:a;\r\n b\r\n\r\nbody", Some("a; b"), 42),
            ("Content-Type: a\nContent-Type: b\n\n", Some("a"), 33),
            ("Content-Type : a\n\n", None, 18),
            ("\n", None, 1),
        ] {
            let (headers, found) = headers(text).unwrap();
            assert_eq!((headers.get("Content-Type"), found), (content_type, length), "{text}");
        }
        for text in
            ["", "Content-Type: a\n", "Content-Type: a", " A: b\n\n", "A: b\nhello\n\n", "Ä: b\n\n", "A: \u{7}\n\n"]
        {
            assert!(headers(text).is_none(), "{text}");
        }
    }

    #[test]
    fn media_types() {
        for (value, name, parameters) in [
            ("Text/Plain", "text/plain", &[][..]),
            ("attachment; filename=\"a \\\"b\\\"; c\\d.txt\"", "attachment", &[("filename", "a \"b\"; c\\d.txt")]),
            (
                "multipart/mixed; boundary=\"==X==\" ; Charset=UTF-8;",
                "multipart/mixed",
                &[("boundary", "==X=="), ("charset", "UTF-8")],
            ),
            ("a/b;c=d;c=d", "a/b", &[("c", "d")]),
        ] {
            let found = media_type(value).unwrap_or_else(|| panic!("{value}"));
            let found_parameters: Vec<_> = found.parameters.iter().map(|(name, value)| (&**name, &**value)).collect();
            assert_eq!((found.name.as_str(), found_parameters.as_slice()), (name, parameters), "{value}");
        }
        for value in ["", "a/", "a/b/c", "a b", "a/b; boundary===X", "a/b; c", "a/b; c=\"d", "a/b; c=d; c=e", "a/b; =d"]
        {
            assert_eq!(media_type(value), None, "{value}");
        }
    }
}
