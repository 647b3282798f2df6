//! Data URLs as Ignition reads them, which is not quite RFC 2397.
//!
//! <https://github.com/vincent-petithory/dataurl/blob/master/lex.go>

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{GeneralPurpose, GeneralPurposeConfig};
use diagnostics::quoted;

/// As Go's `encoding/base64` reads it.
const BASE64: GeneralPurpose =
    GeneralPurpose::new(&alphabet::STANDARD, GeneralPurposeConfig::new().with_decode_allow_trailing_bits(true));
/// The only families of types that are known.
const TYPES: [&str; 7] = ["text", "image", "audio", "video", "application", "message", "multipart"];

/// The bytes that a URL stands for, or what is wrong with it. A URL of another scheme stands for none.
pub(super) fn decoded(url: &str) -> Result<Vec<u8>, String> {
    let Some(rest) = url.split_once(':').filter(|(scheme, _)| scheme.eq_ignore_ascii_case("data")) else {
        return Err("it does not begin with `data:`".into());
    };
    let Some((head, data)) = split_at_data(rest.1) else { return Err("no comma stands before the data".into()) };
    let mut parameters = head.split(';');
    let media_type = parameters.next().unwrap_or_default();
    if !media_type.is_empty() && !is_type(media_type) {
        return Err(format!("{} is no media type", quoted(media_type)));
    }
    let mut is_base64 = false;
    for parameter in parameters {
        match parameter.split_once('=') {
            _ if is_base64 => return Err("`base64` must be the last word before the comma".into()),
            Some((name, value)) if is_token(name) && (is_token(value) || is_quoted(value)) => {}
            None if parameter == "base64" => is_base64 = true,
            _ => return Err(format!("{} is no parameter", quoted(parameter))),
        }
    }
    if is_base64 {
        return BASE64.decode(data.replace('\n', "")).map_err(|_| "the data is not base64".into());
    }
    if let Some(character) = data.chars().find(|character| !stands_as_it_is(*character)) {
        return Err(format!("{} must be written as `%…`", quoted(&character.to_string())));
    }
    let is_escape = |rest: &str| rest.len() >= 2 && rest.bytes().take(2).all(|byte| byte.is_ascii_hexdigit());
    let broken = data.split('%').skip(1).any(|rest| !is_escape(rest));
    match broken {
        true => Err("after a `%` come two hexadecimal digits; `%` itself is `%25`".into()),
        false => Ok(percent_encoding::percent_decode_str(data).collect()),
    }
}

/// A comma in a quoted parameter is not the one before the data.
fn split_at_data(rest: &str) -> Option<(&str, &str)> {
    let mut is_quoted = false;
    let comma = rest.find(|character| {
        is_quoted ^= character == '"';
        character == ',' && !is_quoted
    })?;
    Some((&rest[..comma], &rest[comma + 1..]))
}

fn is_type(text: &str) -> bool {
    let Some((family, member)) = text.split_once('/') else { return false };
    let known = TYPES.iter().any(|known| family.starts_with(known)) || family.to_ascii_lowercase().starts_with("x-");
    known && is_token(family) && is_token(member)
}

fn is_token(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_ascii_graphic() && !"()<>@,;:\\\"/[]?=".contains(c))
}

fn is_quoted(text: &str) -> bool {
    text.len() >= 2 && text.starts_with('"') && text.ends_with('"') && text.is_ascii()
}

fn stands_as_it_is(character: char) -> bool {
    character.is_ascii_graphic() && !"<>#\"{}|\\^[]`".contains(character)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes() {
        for (url, bytes) in [("data:,a%20b%0A", "a b\n"), ("data:;base64,YQ==", "a"), ("DATA:,x", "x"), ("data:,", "")]
        {
            assert_eq!(decoded(url), Ok(bytes.as_bytes().to_vec()), "{url}");
        }
        assert!(decoded("https://a.test/").is_err());
    }

    #[test]
    fn data() {
        for (url, is_right) in [
            ("data:,", true),
            ("data:,a%20b%0A", true),
            ("data:,~!$&'()*+,;=:@/?-._", true),
            ("data:text/plain;charset=utf-8,a", true),
            ("data:text/plain;charset=\"a,b\",a", true),
            ("data:;base64,YQ==", true),
            ("data:application/json;base64,", true),
            ("data:a", false),
            ("data:,[x]", false),
            ("data:,x y", false),
            ("data:,ü", false),
            ("data:,{}", false),
            ("data:,%", false),
            ("data:,%5", false),
            ("data:,%zz", false),
            ("data:;base64,YQ", false),
            ("data:;base64,%41", false),
            ("data:;base32,YQ==", false),
            ("data:;base64;a=b,YQ==", false),
            ("data:font/woff,a", false),
            ("data:text,a", false),
        ] {
            assert_eq!(decoded(url).is_ok(), is_right, "{url}: {:?}", decoded(url));
        }
    }
}
