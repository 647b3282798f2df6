//! What Ignition, and the programs that it runs, take for each of its texts.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// Why a text is refused at its place, which has `[]` for every index.
pub(super) fn refusal(kind: &str, text: &str) -> Option<&'static str> {
    let (mapping, key) = kind.rsplit_once('.').unwrap_or(("", kind));
    match (mapping, key) {
        (_, "source") if !text.is_empty() => of_url(text),
        (_, "compression") => (!["", "gzip"].contains(&text)).then_some("invalid compression method"),
        (_, "hash") => of_hash(text),
        ("storage.files[]" | "storage.directories[]" | "storage.links[]", "path") => of_path(text),
        (_, "device") | ("storage.raid[]", "devices[]") => of_path(text),
        ("storage.filesystems[]", "path") if !text.is_empty() => of_path(text),
        ("storage.filesystems[]", "format") => {
            let known = ["", "ext4", "btrfs", "xfs", "swap", "vfat", "none"];
            (!known.contains(&text)).then_some("invalid filesystem format")
        }
        ("storage.raid[]", "level") => {
            let known = "linear raid0 0 stripe raid1 1 mirror raid4 4 raid5 5 raid6 6 raid10 10";
            (!known.split(' ').any(|level| level == text)).then_some("unrecognized raid level")
        }
        ("storage.luks[]", "name") => text.contains('/').then_some("device names cannot contain slashes"),
        ("storage.luks[]", "label") => {
            (text.len() > 47).then_some("luks device labels cannot be longer than 47 characters")
        }
        ("storage.luks[].clevis.custom", "pin") => {
            (!["", "tpm2", "tang", "sss"].contains(&text)).then_some("unsupported clevis pin")
        }
        ("storage.luks[].clevis.tang[]", "url") | ("ignition.proxy", "httpProxy" | "httpsProxy") => {
            let is_web = text.starts_with("http://") || text.starts_with("https://");
            (!is_web).then_some("invalid url scheme")
        }
        ("storage.disks[].partitions[]", "label") if text.len() > 36 || text.contains(':') => {
            Some("partition label is too long or has a colon")
        }
        ("storage.disks[].partitions[]", "guid" | "typeGuid") => {
            (!text.is_empty() && !is_guid(text)).then_some("doesn't match the form of a GUID")
        }
        ("systemd.units[]", "name") => {
            let known = "service socket device mount automount swap target path timer snapshot slice scope".split(' ');
            let extension = text.rsplit_once('.').map_or("", |(_, extension)| extension);
            (!known.into_iter().any(|known| known == extension)).then_some("invalid systemd unit extension")
        }
        ("systemd.units[].dropins[]", "name") => {
            (!text.ends_with(".conf")).then_some("invalid systemd drop-in extension")
        }
        (_, "contents") if mapping.starts_with("systemd.") => of_unit(text),
        (_, "value") if mapping.ends_with(".httpHeaders[]") => text.is_empty().then_some("unable to parse HTTP header"),
        ("passwd.users[]" | "passwd.groups[]", "name") | ("passwd.users[]", "primaryGroup" | "groups[]") => {
            (!is_account(text) && (key == "name" || text.parse::<u32>().is_err()))
                .then_some("useradd takes no such name")
        }
        ("passwd.users[]", "homeDir") => {
            (!text.starts_with('/') || text.contains([':', '\n'])).then_some("invalid home directory")
        }
        ("passwd.users[]", "shell") => {
            ((!text.is_empty() && !text.starts_with('/')) || text.contains([':', '\n'])).then_some("invalid shell")
        }
        ("passwd.users[]", "gecos" | "passwordHash") | ("passwd.groups[]", "passwordHash") => {
            text.contains([':', '\n']).then_some("invalid field")
        }
        _ => None,
    }
}

fn of_path(text: &str) -> Option<&'static str> {
    if !text.starts_with('/') {
        return Some(if text.is_empty() { "path not specified" } else { "path not absolute" });
    }
    let is_clean = text == "/" || text[1..].split('/').all(|part| !["", ".", ".."].contains(&part));
    (!is_clean).then_some("path is not fully simplified")
}

fn of_url(text: &str) -> Option<&'static str> {
    let Some((scheme, rest)) = text.split_once(':') else { return Some("unable to parse url") };
    if text.bytes().any(|byte| byte < b' ' || byte == 0x7f) {
        return Some("unable to parse url");
    }
    match scheme.to_ascii_lowercase().as_str() {
        "data" => of_data(rest),
        "http" | "https" | "tftp" | "gs" => {
            let host = rest.trim_start_matches('/').split(['/', '?', '#']).next().unwrap_or_default();
            host.contains(' ').then_some("unable to parse url")
        }
        "s3" => (text.ends_with("versionId=") || text.ends_with("versionId")).then_some("invalid S3 object VersionId"),
        "arn" => None,
        _ => Some("invalid url scheme"),
    }
}

/// What follows `data:`.
fn of_data(rest: &str) -> Option<&'static str> {
    let Some((head, data)) = rest.split_once(',') else { return Some("missing comma before data") };
    let mut words = head.split(';');
    let media_type = words.next().unwrap_or_default();
    let known = ["text", "image", "audio", "video", "application", "message", "multipart", "x-", "X-"];
    let is_known = media_type.contains('/') && known.iter().any(|start| media_type.starts_with(start));
    if !media_type.is_empty() && !is_known {
        return Some("invalid media type");
    }
    let words: Vec<&str> = words.collect();
    if let Some((last, others)) = words.split_last() {
        if *last == "base64" && others.iter().all(|word| word.contains('=')) {
            let packed: String = data.split('\n').collect();
            return STANDARD.decode(packed).is_err().then_some("invalid base64 data");
        }
        if !words.iter().all(|word| word.contains('=')) {
            return Some("unterminated parameter sequence");
        }
    }
    let mut bytes = data.bytes();
    while let Some(byte) = bytes.next() {
        let is_hexadecimal = |byte: Option<u8>| byte.is_some_and(|byte| byte.is_ascii_hexdigit());
        match byte {
            b'%' if !(is_hexadecimal(bytes.next()) && is_hexadecimal(bytes.next())) => {
                return Some("invalid char in unescape sequence");
            }
            b'<' | b'>' | b'#' | b'"' | b'{' | b'}' | b'|' | b'\\' | b'^' | b'[' | b']' | b'`' => {
                return Some("invalid data character");
            }
            b'!'..=b'~' => {}
            _ => return Some("invalid data character"),
        }
    }
    None
}

fn of_hash(text: &str) -> Option<&'static str> {
    let digits = match text.split_once('-') {
        Some(("sha512", digits)) if digits.len() == 128 => digits,
        Some(("sha256", digits)) if digits.len() == 64 => digits,
        Some(("sha512" | "sha256", _)) => return Some("incorrect size for hash sum"),
        Some(_) => return Some("unrecognized hash function"),
        None => return Some("malformed hash specifier"),
    };
    (!digits.bytes().all(|digit| digit.is_ascii_hexdigit())).then_some("malformed hash specifier")
}

fn is_guid(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(index, byte)| match index {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}

fn is_account(text: &str) -> bool {
    let mut bytes = text.bytes();
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'.';
    bytes.next().is_some_and(fits)
        && text.len() <= 32
        && text.trim_end_matches('$').bytes().all(|byte| fits(byte) || byte == b'-')
        && !text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Sections, options and comments, in lines that systemd's older readers do not cut.
fn of_unit(text: &str) -> Option<&'static str> {
    let mut is_in_section = false;
    let mut continues = false;
    for line in text.lines() {
        if line.len() >= 2048 {
            return Some("line too long (max 2048 bytes)");
        }
        let words = line.trim_start();
        let is_continued = line.ends_with('\\');
        if continues {
            continues = is_continued && !line.trim().is_empty();
            continue;
        }
        if words.starts_with('[') {
            match words.split_once(']') {
                Some((_, rest)) if rest.trim().is_empty() => is_in_section = true,
                Some(_) => return Some("found garbage after section name"),
                None => return Some("unable to find end of section"),
            }
        } else if is_in_section && !words.is_empty() && !words.starts_with(['#', ';']) {
            if !line.contains('=') {
                return Some("unexpected newline encountered while parsing option name");
            }
            continues = is_continued;
        }
    }
    None
}
