//! What Ignition takes for a text.
//!
//! <https://github.com/coreos/ignition/tree/main/config/v3_3/types>

use super::data_url;
use crate::userdata::mistake::Mistake;
use crate::userdata::{path as paths, unit_content as content};

fn refused(what: impl Into<String>, instead: impl Into<String>) -> Option<Mistake> {
    Some(Mistake::new(what, instead))
}

fn shown(text: &str) -> String {
    match text.chars().count() > 60 {
        true => format!("`{}…`", text.chars().take(60).collect::<String>().escape_debug()),
        false => format!("`{}`", text.escape_debug()),
    }
}

fn one_of(text: &str, words: &[&str]) -> Option<Mistake> {
    let list = words.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ");
    if words.contains(&text) { None } else { refused(format!("{} is none of {list}", shown(text)), "") }
}

pub(super) fn any(_text: &str) -> Option<Mistake> {
    None
}

pub(super) fn not_empty(text: &str) -> Option<Mistake> {
    if text.is_empty() { refused("is empty", "") } else { None }
}

pub(super) fn path(text: &str) -> Option<Mistake> {
    if !text.starts_with('/') {
        return refused(format!("{} is not absolute", shown(text)), "");
    }
    if text.contains('\0') {
        return refused("has a NUL in it, which no path can have", "");
    }
    let clean = paths::clean(text);
    if clean == text {
        None
    } else {
        refused(format!("{} is not simplified", shown(text)), format!("write {}", shown(&clean)))
    }
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
            format!("{} is no URL", shown(text)),
            "write contents as `data:,…`, with `%` before what is not a letter or digit",
        );
    };
    match scheme.as_str() {
        "data" => {
            let mistake = data_url::mistake(text)?;
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
        _ => refused(format!("{} is no URL that begins with `https://` or `http://`", shown(text)), ""),
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
    if is_refused { refused(format!("{} is no URL", shown(text)), "") } else { None }
}

pub(super) fn compression(text: &str) -> Option<Mistake> {
    if text.is_empty() { None } else { one_of(text, &["gzip"]) }
}

/// `sha512-…` or `sha256-…`, in hexadecimal digits.
pub(super) fn hash(text: &str) -> Option<Mistake> {
    let instead = "write `sha512-` or `sha256-` and the digits";
    let Some((function, digits)) = text.split_once('-') else {
        return refused(format!("{} is no hash", shown(text)), instead);
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

pub(super) fn raid_level(text: &str) -> Option<Mistake> {
    const LEVELS: [&str; 15] = [
        "linear", "raid0", "0", "stripe", "raid1", "1", "mirror", "raid4", "4", "raid5", "5", "raid6", "6", "raid10",
        "10",
    ];
    one_of(text, &LEVELS)
}

/// 36 bytes, and no colon, which `sgdisk` takes for a separator.
pub(super) fn partition_label(text: &str) -> Option<Mistake> {
    match text {
        text if text.len() > 36 => refused(format!("has {} bytes, 36 is the most", text.len()), ""),
        text if text.contains(':') => refused(format!("{} has a `:`", shown(text)), ""),
        _ => None,
    }
}

pub(super) fn guid(text: &str) -> Option<Mistake> {
    let groups: Vec<&str> = text.split('-').collect();
    let fits = groups.iter().map(|group| group.len()).eq([8, 4, 4, 4, 12])
        && groups.iter().all(|group| group.bytes().all(|byte| byte.is_ascii_hexdigit()));
    if fits || text.is_empty() { None } else { refused(format!("{} is no GUID", shown(text)), "") }
}

pub(super) fn format(text: &str) -> Option<Mistake> {
    if text.is_empty() { None } else { one_of(text, &["ext4", "btrfs", "xfs", "swap", "vfat", "none"]) }
}

pub(super) fn luks_name(text: &str) -> Option<Mistake> {
    if text.contains('/') { refused(format!("{} has a `/`", shown(text)), "") } else { not_empty(text) }
}

pub(super) fn luks_label(text: &str) -> Option<Mistake> {
    if text.len() > 47 { refused(format!("has {} bytes, 47 is the most", text.len()), "") } else { None }
}

pub(super) fn clevis_pin(text: &str) -> Option<Mistake> {
    if text.is_empty() { None } else { one_of(text, &["tpm2", "tang", "sss"]) }
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
        _ if text.contains(['/', '\0']) => refused(format!("{} is a path", shown(text)), "write the unit's name alone"),
        Some((_, suffix)) if SUFFIXES.contains(&suffix) => None,
        _ => refused(format!("{} has no suffix such as `.service`", shown(text)), ""),
    }
}

pub(super) fn drop_in_name(text: &str) -> Option<Mistake> {
    match text {
        text if text.contains(['/', '\0']) => {
            refused(format!("{} is a path", shown(text)), "write the file's name alone")
        }
        text if text.ends_with(".conf") => None,
        _ => refused(format!("{} does not end with `.conf`", shown(text)), ""),
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
        type Rule = fn(&str) -> Option<Mistake>;
        let cases: [(Rule, &[&str], &[&str]); 12] = [
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
            (raid_level, &["raid1", "10", "linear"], &["", "raid9"]),
            (partition_label, &["", "root"], &["a:b", "0123456789012345678901234567890123456"]),
            (guid, &["", "01234567-89AB-CDEF-EDCB-A98765432101"], &["x", "0123456789ABCDEFEDCBA98765432101"]),
            (format, &["", "ext4", "none"], &["ext3", "EXT4"]),
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
