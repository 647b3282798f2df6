//! What a cloud-config's texts may be.

use cloudinit_rules::vocabulary::{COMMANDS, NETWORK_SUFFIXES, REBOOT_STRATEGIES};
use diagnostics::quoted;

use crate::spec::cloud_config::HOSTNAME_FILE;
use crate::userdata::account;
use crate::userdata::mistake::{CANNOT_BE_MERGED, Mistake};
use crate::userdata::path;
use crate::userdata::purpose::Purpose;

use super::Section;

/// Those of coreos-cloudinit's that a text can be written in.
const TEXT_ENCODINGS: [&str; 6] = ["b64", "base64", "gz+b64", "gz+base64", "gzip+b64", "gzip+base64"];
const UNIT_SUFFIXES: [&str; 9] =
    [".service", ".socket", ".mount", ".automount", ".timer", ".path", ".target", ".swap", ".slice"];
/// What is wrong with the text of a key, as it is written.
pub(super) fn mistake(section: Section, name: &str, text: &str, purpose: Purpose) -> Option<Mistake> {
    let one_of = |words: &[&str]| (!words.contains(&text)).then(|| none_of(text, words));
    match (section, name) {
        (Section::Document, "hostname") => hostname(text),
        (Section::Document, "manage_etc_hosts") => one_of(&["localhost"]),
        (Section::Update, "reboot_strategy") => one_of(&REBOOT_STRATEGIES),
        (Section::File, "encoding") if ["gz", "gzip"].contains(&text) => Some(Mistake::new(
            "compressed content is no text",
            "write `gzip+base64`, or `content: !!binary`, and the content in base64",
        )),
        (Section::File, "encoding") => one_of(&TEXT_ENCODINGS),
        (Section::File, "path") => file_path(text, purpose),
        (Section::File, "permissions") => permissions(text),
        (Section::File, "owner") => owner(text),
        (Section::Unit, "command") => one_of(&COMMANDS).or_else(|| command(text)?.where_merged(purpose)),
        (Section::Unit, "name") => unit_name(text, purpose),
        (Section::DropIn, "name") => drop_in_name(text),
        (Section::User, "name") => account::name(text),
        (Section::User, "passwd") => account::password_hash(text),
        (Section::User, "gecos") => account::gecos(text),
        (Section::User, "homedir") => account::home(text),
        (Section::User, "primary_group") => account::group(text),
        (Section::User, "shell") => account::shell(text),
        _ => None,
    }
}

/// What is wrong with an element of a list of texts.
pub(super) fn element_mistake(section: Section, name: &str, text: &str) -> Option<Mistake> {
    match (section, name) {
        (_, "ssh_authorized_keys") => account::ssh_key(text),
        (Section::User, "groups") => account::group(text),
        _ => None,
    }
}

fn none_of(text: &str, words: &[&str]) -> Mistake {
    let list = words.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ");
    Mistake::new(format!("{} is none of {list}", quoted(text)), "")
}

/// It is cut at the first dot and after 63 characters.
fn hostname(text: &str) -> Option<Mistake> {
    let fits = text.starts_with(|c: char| c.is_ascii_alphanumeric())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || "-._".contains(c));
    (!fits).then(|| Mistake::new(format!("{} is no host name", quoted(text)), ""))
}

fn file_path(text: &str, purpose: Purpose) -> Option<Mistake> {
    if text.is_empty() {
        return Some(Mistake::new("is empty", "write a file's path"));
    }
    if text.contains('\0') {
        return Some(Mistake::new("has a NUL in it, which no path can have", ""));
    }
    let path = path::clean(text);
    if path == "/" {
        return Some(Mistake::new(format!("`{text}` is the root folder"), "write a file's path"));
    }
    if path == HOSTNAME_FILE {
        let instead = "leave it out: each node's name is its hostname";
        return Mistake::new(format!("`{HOSTNAME_FILE}` cannot be written"), instead).where_merged(purpose);
    }
    path::length(&path).or_else(|| path::place(&path, purpose))
}

/// Three octal digits and zeros before them. coreos-cloudinit and Ignition 3.3.0 drop the bits above.
fn permissions(text: &str) -> Option<Mistake> {
    let is_octal = (3..=5).contains(&text.len()) && text.chars().all(|digit| ('0'..='7').contains(&digit));
    match u32::from_str_radix(text, 8) {
        Ok(0..=0o777) if is_octal => None,
        Ok(0o1000..=0o7777) if is_octal => {
            let what = format!("`{text}` has a bit for setuid, setgid or sticky, which is dropped");
            Some(Mistake::new(what, "set it by a unit that runs `chmod`"))
        }
        _ => Some(Mistake::new(format!("{} is not octal, such as `0644`", quoted(text)), "")),
    }
}

/// What `chown` takes.
fn owner(text: &str) -> Option<Mistake> {
    let parts: Vec<&str> = text.split(':').collect();
    let is_name = |part: &&str| part.is_empty() || account::group(part).is_none();
    let fits = parts.len() <= 2 && parts.iter().all(is_name) && parts.iter().any(|part| !part.is_empty());
    (!fits).then(|| Mistake::new(format!("{} is no owner", quoted(text)), "write `user:group`"))
}

fn command(text: &str) -> Option<Mistake> {
    let instead = match text {
        "start" => return None,
        "stop" => "write `mask: true` to keep the unit from running",
        _ => "leave it out: files and drop-ins are there before the unit starts",
    };
    Some(Mistake::new(format!("{CANNOT_BE_MERGED}: Ignition knows only `start`, found `{text}`"), instead))
}

fn unit_name(text: &str, purpose: Purpose) -> Option<Mistake> {
    let ends_with = |suffixes: &[&str]| suffixes.iter().any(|suffix| text.ends_with(suffix));
    let shown = quoted(text);
    let is_network = ends_with(&NETWORK_SUFFIXES);
    if !ends_with(&UNIT_SUFFIXES) && !is_network {
        return Some(Mistake::new(format!("{shown} has no suffix such as `.service`"), ""));
    }
    // systemd's own limit is that of file systems.
    if let Some(mistake) = path::name_length(text) {
        return Some(mistake);
    }
    let fits = !text.starts_with('.') && text.chars().all(|c| c.is_ascii_alphanumeric() || ":-_.\\@".contains(c));
    if !fits {
        return Some(Mistake::new(format!("{shown} is no name of a unit"), "write letters, digits, and `:-_.\\@`"));
    }
    let of_network = || {
        let what = format!("{shown} is not a unit but a file of systemd-networkd");
        Mistake::new(what, format!("write {} by `write_files`", quoted(&format!("/etc/systemd/network/{text}"))))
    };
    is_network.then(of_network)?.where_merged(purpose)
}

fn drop_in_name(text: &str) -> Option<Mistake> {
    let fits = text.ends_with(".conf") && !text.contains(['/', '\0']);
    let shown = quoted(text);
    (!fits)
        .then(|| match text.ends_with(".conf") {
            true => Mistake::new(format!("{shown} is a path"), "write the file's name alone"),
            false => Mistake::new(format!("{shown} does not end with `.conf`"), ""),
        })
        .or_else(|| path::name_length(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values() {
        let long = "n".repeat(251);
        let (long_path, long_unit, long_drop_in) =
            (format!("/etc/{long}.conf"), format!("{long}.service"), format!("{long}.conf"));
        for (section, name, value, mistaken) in [
            (Section::File, "path", &*long_path, Some("is a name of 256 bytes, and 255 are the most")),
            (Section::Unit, "name", &*long_unit, Some("is a name of 259 bytes")),
            (Section::DropIn, "name", &*long_drop_in, Some("is a name of 256 bytes")),
            (Section::File, "permissions", "0644", None),
            (Section::File, "permissions", "644", None),
            (Section::File, "permissions", "00644", None),
            (Section::File, "permissions", "02755", Some("which is dropped; set it by a unit")),
            (Section::File, "permissions", "4755", Some("which is dropped")),
            (Section::File, "permissions", "rw", Some("not octal")),
            (Section::File, "permissions", "12755", Some("not octal")),
            (Section::File, "permissions", "0888", Some("not octal")),
            (Section::File, "permissions", "384", Some("not octal")),
            (Section::File, "permissions", "0o600", Some("not octal")),
            (Section::File, "permissions", "", Some("not octal")),
            (Section::File, "path", "etc/x", None),
            (Section::File, "path", "", Some("is empty")),
            (Section::File, "path", "usr/x", Some("`/usr/x` is on the image's read-only")),
            (Section::File, "path", "//", Some("root folder")),
            (Section::File, "path", "/etc//x/", None),
            (Section::File, "path", "/etc/../usr/x", Some("`/usr/x` is on the image's read-only")),
            (Section::File, "owner", "root:500", None),
            (Section::File, "owner", ":core", None),
            (Section::File, "owner", "232", None),
            (Section::File, "owner", "a b", Some("no owner")),
            (Section::File, "owner", "a:b:c", Some("no owner")),
            (Section::File, "owner", ":", Some("no owner")),
            (Section::File, "encoding", "gz+base64", None),
            (Section::File, "encoding", "gzip", Some("write `gzip+base64`, or")),
            (Section::File, "encoding", "xz", Some("is none of `b64`")),
            (Section::File, "encoding", "64", Some("is none of `b64`")),
            (Section::Update, "reboot_strategy", "best-effort", Some("is none of `off`")),
            (Section::Update, "reboot_strategy", "false", Some("is none of `off`")),
            (Section::Unit, "name", "hello", Some("no suffix")),
            (Section::Unit, "name", "a.network", Some("cannot be merged: `a.network` is not a unit")),
            (Section::Unit, "name", "../a.service", Some("no name of a unit")),
            (Section::Unit, "name", "a b.service", Some("no name of a unit")),
            (Section::Unit, "name", "a@b.service", None),
            (Section::Unit, "command", "start", None),
            (Section::Unit, "command", "try-restart", Some("cannot be merged: Ignition knows only `start`")),
            (Section::File, "path", "/etc/hostname", Some("cannot be merged: `/etc/hostname` cannot be written")),
            (Section::Unit, "command", "kill", Some("is none of `start`")),
            (Section::DropIn, "name", "10-x", Some("`.conf`")),
            (Section::DropIn, "name", "a/b.conf", Some("is a path")),
            (Section::Document, "manage_etc_hosts", "true", Some("is none of `localhost`")),
            (Section::Document, "hostname", "12345", None),
            (Section::Document, "hostname", "a b", Some("no host name")),
        ] {
            let found = mistake(section, name, value, Purpose::CloudConfigAlone).map(|mistake| mistake.text());
            match (mistaken, &found) {
                (None, None) => {}
                (Some(part), Some(text)) if text.contains(part) => {}
                _ => panic!("{name} {value}: {found:?}"),
            }
        }
    }
}
