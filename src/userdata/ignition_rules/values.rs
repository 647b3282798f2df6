//! What Ignition takes for a text.
//!
//! <https://github.com/coreos/ignition/tree/main/config/v3_3/types>

use diagnostics::quoted;

use super::data_url;
use crate::userdata::mistake::Mistake;
use crate::userdata::{account, path as paths, unit_content as content};

pub(super) fn refused(what: impl Into<String>, instead: impl Into<String>) -> Option<Mistake> {
    Some(Mistake::new(what, instead))
}

pub(super) fn one_of(text: &str, words: &[&str]) -> Option<Mistake> {
    let list = words.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ");
    if words.contains(&text) { None } else { refused(format!("{} is none of {list}", quoted(text)), "") }
}

/// No argument of a program and no file's name can have one.
pub(super) fn any(text: &str) -> Option<Mistake> {
    if text.contains('\0') { refused("has a NUL in it", "") } else { None }
}

pub(super) fn not_empty(text: &str) -> Option<Mistake> {
    if text.is_empty() { refused("is empty", "") } else { any(text) }
}

/// A JSON document in a text, which may hold secrets.
pub(super) fn json(text: &str) -> Option<Mistake> {
    if text.is_empty() {
        return None;
    }
    let error = serde_json::from_str::<serde::de::IgnoredAny>(text).err()?;
    refused(format!("is no JSON: line {}, column {}", error.line(), error.column()), "")
}

/// Lines of `authorized_keys`, of which the server passes over those that it cannot read.
/// <https://man.openbsd.org/sshd.8#AUTHORIZED_KEYS_FILE_FORMAT>
pub(super) fn authorized_keys(text: &str) -> Option<Mistake> {
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    if text.contains("PRIVATE KEY") { account::ssh_key(text) } else { lines.find_map(account::ssh_key) }
}

/// What every server takes for a header's name, and Go for one to send.
/// <https://www.rfc-editor.org/rfc/rfc9110#name-field-names>
pub(super) fn header_name(text: &str) -> Option<Mistake> {
    let fits =
        !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte));
    if fits { None } else { refused(format!("{} is no name of an HTTP header", quoted(text)), "") }
}

/// May be a secret, so that no message quotes it.
/// <https://pkg.go.dev/golang.org/x/net/http/httpguts#ValidHeaderFieldValue>
pub(super) fn header_value(text: &str) -> Option<Mistake> {
    let is_control = |byte: u8| byte.is_ascii_control() && byte != b'\t';
    match text.bytes().any(is_control) {
        true => refused("has a line break or another control character, which no HTTP header can have", ""),
        false => not_empty(text),
    }
}

/// The name of an account that is on the machine; none when empty.
pub(super) fn owner(text: &str) -> Option<Mistake> {
    if text.is_empty() { None } else { account::name(text) }
}

/// A host, a domain, a range of addresses, or `*`.
pub(super) fn no_proxy(text: &str) -> Option<Mistake> {
    match text.is_empty() || text.contains(|c: char| c.is_whitespace() || c.is_control() || c == ',') {
        true => refused(format!("{} is no host, domain or range of addresses", quoted(text)), "write one an element"),
        false => None,
    }
}

pub(super) fn path(text: &str) -> Option<Mistake> {
    if !text.starts_with('/') {
        return refused(format!("{} is not absolute", quoted(text)), "");
    }
    if text.contains('\0') {
        return refused("has a NUL in it, which no path can have", "");
    }
    let clean = paths::clean(text);
    if clean == text {
        paths::length(text)
    } else {
        refused(format!("{} is not simplified", quoted(text)), format!("write {}", quoted(&clean)))
    }
}

/// What a link leads to.
pub(super) fn link_target(text: &str) -> Option<Mistake> {
    not_empty(text).or_else(|| paths::length(text))
}

pub(super) fn optional_path(text: &str) -> Option<Mistake> {
    if text.is_empty() { None } else { path(text) }
}

/// Where contents are fetched from; none when empty.
pub(super) fn source(text: &str) -> Option<Mistake> {
    if text.is_empty() {
        return None;
    }
    let Some(scheme) = scheme(text) else {
        return refused(
            format!("{} is no URL", quoted(text)),
            "write contents as `data:,…`, with `%` before what is not a letter or digit",
        );
    };
    match scheme.as_str() {
        "data" => {
            let mistake = data_url::decoded(text).err()?;
            refused(
                format!("is no data URL that Ignition reads: {mistake}"),
                "write `data:;base64,` and the content in base64",
            )
        }
        "http" | "https" | "tftp" | "gs" => located(text),
        "s3" if text
            .split_once('?')
            .is_some_and(|(_, query)| query.split('&').any(|part| part == "versionId" || part == "versionId=")) =>
        {
            refused("has an empty `versionId`", "leave it out")
        }
        "s3" => located(text),
        // Access points of S3: <https://coreos.github.io/ignition/configuration-v3_4/>
        "arn" => None,
        other => refused(
            format!("Ignition fetches nothing by `{other}`"),
            "write `data`, `https`, `http`, `tftp`, `s3` or `gs`",
        ),
    }
}

pub(super) fn proxy(text: &str) -> Option<Mistake> {
    web(text)
}

pub(super) fn tang_url(text: &str) -> Option<Mistake> {
    web(text)
}

fn web(text: &str) -> Option<Mistake> {
    match scheme(text).as_deref() {
        Some("http" | "https") => located(text),
        _ => refused(format!("{} is no URL that begins with `https://` or `http://`", quoted(text)), ""),
    }
}

/// The scheme in lower case.
pub(super) fn scheme(text: &str) -> Option<String> {
    let (scheme, _) = text.split_once(':')?;
    let fits = scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme.chars().all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c))
        && !text.bytes().any(|byte| byte.is_ascii_control());
    fits.then(|| scheme.to_ascii_lowercase())
}

/// What Go's URL reader refuses in a URL with a host.
/// <https://pkg.go.dev/net/url#Parse>
fn located(text: &str) -> Option<Mistake> {
    let rest = text.split_once("://").map_or("", |(_, rest)| rest);
    let (before_fragment, _) = rest.split_once('#').unwrap_or((rest, ""));
    let end = before_fragment.find(['/', '?']).unwrap_or(before_fragment.len());
    let (authority, path) = before_fragment.split_at(end);
    let path = path.split('?').next().unwrap_or_default();
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    let port = match host.rsplit_once(']') {
        Some((_, rest)) => rest.strip_prefix(':'),
        None => host.rsplit_once(':').map(|(_, port)| port),
    };
    let has_bad_escape = |text: &str| {
        text.split('%').skip(1).any(|rest| rest.len() < 2 || !rest.bytes().take(2).all(|byte| byte.is_ascii_hexdigit()))
    };
    let is_refused = authority.is_empty()
        || authority.contains([' ', '"', '<', '>', '\\', '^', '`', '{', '|', '}'])
        || port.is_some_and(|port| !port.bytes().all(|byte| byte.is_ascii_digit()))
        || has_bad_escape(path)
        || has_bad_escape(authority);
    if is_refused { refused(format!("{} is no URL", quoted(text)), "") } else { None }
}

pub(super) fn compression(text: &str) -> Option<Mistake> {
    if text.is_empty() { None } else { one_of(text, &["gzip"]) }
}

/// `sha512-…` or `sha256-…`, in hexadecimal digits.
pub(super) fn hash(text: &str) -> Option<Mistake> {
    let instead = "write `sha512-` or `sha256-` and the digits";
    let Some((function, digits)) = text.split_once('-') else {
        return refused(format!("{} is no hash", quoted(text)), instead);
    };
    let length = match function {
        "sha512" => 128,
        "sha256" => 64,
        _ => return refused(format!("`{function}` is none of `sha512`, `sha256`"), instead),
    };
    match digits.len() == length && digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        true => None,
        false => {
            refused(format!("a hash by `{function}` has {length} hexadecimal digits, found {}", digits.len()), instead)
        }
    }
}

pub(super) fn unit_name(text: &str) -> Option<Mistake> {
    const SUFFIXES: [&str; 12] = [
        "service",
        "socket",
        "device",
        "mount",
        "automount",
        "swap",
        "target",
        "path",
        "timer",
        "snapshot",
        "slice",
        "scope",
    ];
    match text.rsplit_once('.') {
        _ if text.contains(['/', '\0']) => {
            refused(format!("{} is a path", quoted(text)), "write the unit's name alone")
        }
        Some((_, suffix)) if SUFFIXES.contains(&suffix) => paths::name_length(text),
        _ => refused(format!("{} has no suffix such as `.service`", quoted(text)), ""),
    }
}

pub(super) fn drop_in_name(text: &str) -> Option<Mistake> {
    match text {
        text if text.contains(['/', '\0']) => {
            refused(format!("{} is a path", quoted(text)), "write the file's name alone")
        }
        text if text.ends_with(".conf") => paths::name_length(text),
        _ => refused(format!("{} does not end with `.conf`", quoted(text)), ""),
    }
}

/// May be a secret, so that no message quotes it.
pub(super) fn unit_content(text: &str) -> Option<Mistake> {
    refused(content::mistake(text)?, "systemd and Ignition read `[Section]` and `Name=value`")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_taken() {
        let sum = |digits: usize| "a".repeat(digits);
        let (sha512, sha256) = (format!("sha512-{}", sum(128)), format!("sha256-{}", sum(64)));
        let (wrong_size, no_digits) = (format!("sha512-{}", sum(127)), format!("sha256-{}", "z".repeat(64)));
        let key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGrnh6AwMZjSrSsF6gJVYgsGCk3JhOLpHoAhlTZQmTmE".to_owned();
        let (two, with_other) = (format!("# a\n{key}\n\n{key} b\n"), format!("{key}\nwords\n"));
        type Rule = fn(&str) -> Option<Mistake>;
        let cases: [(Rule, &[&str], &[&str]); 13] = [
            (path, &["/etc/a", "/"], &["", "a", "/etc//a", "/a/", "/a/../b", "/./a", "/a\0"]),
            (
                source,
                &[
                    "",
                    "data:,a",
                    "https://a.test/x?y#z",
                    "HTTP://a",
                    "tftp://a:69/x",
                    "s3://b/k",
                    "s3://b/k?versionId=a",
                    "gs://b/o",
                    "https://[::1]:8/",
                ],
                &[
                    "ftp://a",
                    "data:,[",
                    "data:,x y",
                    "/etc/x",
                    "bad",
                    "https://",
                    "http://a b/",
                    "http://a:x/",
                    "http://a/%zz",
                    "s3://b/k?versionId=",
                    "https://a\n",
                ],
            ),
            (proxy, &["http://a:80", "https://a"], &["", "a:80", "socks5://a"]),
            (compression, &["", "gzip"], &["xz", "none"]),
            (hash, &[&sha512, &sha256], &["", "md5-abc", &sum(128), &wrong_size, &no_digits]),
            (json, &["", "{}", "7"], &["{", "a", "{} x"]),
            (
                authorized_keys,
                &["", "# mine", &key, &two],
                &["k", &with_other, "-----BEGIN OPENSSH PRIVATE KEY-----\n"],
            ),
            (header_name, &["Accept", "x-my_header"], &["", "a b", "a:", "ü", "a\n"]),
            (header_value, &["*/*", "a\tb", "ü"], &["", "a\nb", "a\0"]),
            (no_proxy, &["10.0.0.0/8", "*", ".a.test", "a:80"], &["", "a b", "a,b"]),
            (unit_name, &["a.service", "a@b.timer"], &["", "a", "a.network", "a/b.service"]),
            (drop_in_name, &["a.conf"], &["", "a", "b/a.conf"]),
            (unit_content, &["", "[Service]\nA=b\n"], &["[Service\n", "[Service]\nwords\n"]),
        ];
        for (index, (rule, taken, refused)) in cases.into_iter().enumerate() {
            for text in taken {
                assert_eq!(rule(text), None, "rule {index}: {text}");
            }
            for text in refused {
                assert!(rule(text).is_some(), "rule {index}: {text}");
            }
        }
    }
}
