//! What Ignition takes for a mapping as a whole: keys that need or exclude each other.
//!
//! <https://github.com/coreos/ignition/tree/main/config/v3_3/types>

use std::collections::HashSet;

use diagnostics::quoted;

use super::schema::Object;
use super::{contents, values};
use crate::userdata::mistake::Mistake;
use crate::userdata::path as paths;
use crate::userdata::purpose::Purpose;
use crate::userdata::unit_content;

/// Folders that hold more than anybody would write anew.
const OF_THE_IMAGE: [&str; 6] = ["/", "/boot", "/etc", "/home", "/root", "/var"];
/// Who signs in, and who owns what runs on every node.
const NEEDED_USERS: [&str; 3] = ["core", "etcd", "root"];
const NEEDED_GROUPS: [&str; 6] = ["core", "docker", "etcd", "root", "sudo", "wheel"];

pub(super) type Mistakes = Vec<(Option<&'static str>, Mistake)>;

pub(super) fn missing(key: &str) -> (Option<&'static str>, Mistake) {
    (None, Mistake::new(format!("`{key}` is missing"), ""))
}

pub(super) fn at(
    key: &'static str,
    what: impl Into<String>,
    instead: impl Into<String>,
) -> (Option<&'static str>, Mistake) {
    (Some(key), Mistake::new(what, instead))
}

pub(super) fn requires(object: &Object, keys: &[&str]) -> Mistakes {
    keys.iter().filter(|key| !object.has(key)).map(|key| missing(key)).collect()
}

pub(super) fn no_rule(_object: &Object, _purpose: Purpose) -> Mistakes {
    Vec::new()
}

pub(super) fn required_name(object: &Object, _purpose: Purpose) -> Mistakes {
    requires(object, &["name"])
}

pub(super) fn required_path(object: &Object, _purpose: Purpose) -> Mistakes {
    requires(object, &["path"])
}

/// Identities of elements: none of a list may have the same one twice.
pub(super) fn none(_object: &Object) -> Option<String> {
    None
}

pub(super) fn name(object: &Object) -> Option<String> {
    object.text("name").map(str::to_owned)
}

pub(super) fn path(object: &Object) -> Option<String> {
    object.text("path").map(str::to_owned)
}

pub(super) fn device(object: &Object) -> Option<String> {
    object.text("device").map(str::to_owned)
}

pub(super) fn source(object: &Object) -> Option<String> {
    object.text("source").map(str::to_owned)
}

pub(super) fn url(object: &Object) -> Option<String> {
    object.text("url").map(str::to_owned)
}

pub(super) fn partition_identity(object: &Object) -> Option<String> {
    match object.integer("number").filter(|number| *number != 0) {
        Some(number) => Some(format!("number {number}")),
        None => object.text("label").map(str::to_owned),
    }
}

/// `replace` leaves nothing of the document that it stands in.
pub(super) fn config(object: &Object, purpose: Purpose) -> Mistakes {
    let replaces = object.object("replace").is_some_and(|replace| replace.text("source").is_some());
    if !replaces {
        return Vec::new();
    }
    let what = "would throw away all that this program writes: keys, etcd, disks";
    let mistake = Mistake::new(what, "write `merge`, a list; `--custom-data-only` sends a file as it is");
    mistake.where_merged(purpose).map(|mistake| (Some("replace"), mistake)).into_iter().collect()
}

pub(super) fn kernel_arguments(object: &Object, _purpose: Purpose) -> Mistakes {
    let wanted: HashSet<&str> = object.list("shouldExist").iter().filter_map(|value| value.as_str()).collect();
    let both =
        object.list("shouldNotExist").iter().filter_map(|value| value.as_str()).find(|text| wanted.contains(text));
    both.map(|text| at("shouldNotExist", format!("{} is in `shouldExist` too", quoted(text)), "")).into_iter().collect()
}

/// Something that is fetched.
pub(super) fn resource(object: &Object, _purpose: Purpose) -> Mistakes {
    let mut found = Vec::new();
    let is_web = |source: &str| matches!(values::scheme(source).as_deref(), Some("http" | "https"));
    if object.object("verification").is_some_and(|verification| verification.has("hash")) && !object.has("source") {
        found.push(at("verification", "has a hash, and nothing is fetched", "write `source`"));
    }
    if !object.list("httpHeaders").is_empty() && !object.text("source").is_some_and(is_web) {
        found.push(at("httpHeaders", "are for a `source` of `http` or `https` alone", "leave them out"));
    }
    let Some(source) = object.text("source") else {
        if object.text("compression").is_some() {
            let mistake = Mistake::new("is there, and nothing is fetched", "write `source`, or leave it out");
            found.push((Some("compression"), mistake.passed_over()));
        }
        return found;
    };
    // <https://coreos.github.io/ignition/configuration-v3_3/>: "Compression cannot be used with S3."
    if object.text("compression").is_some() && matches!(values::scheme(source).as_deref(), Some("s3" | "arn")) {
        found.push(at("compression", "cannot be used with S3", "store the file unpacked, and leave it out"));
    }
    found.extend(contents::mistake(object).map(|(key, mistake)| (Some(key), mistake)));
    found
}

pub(super) fn required_resource(object: &Object, purpose: Purpose) -> Mistakes {
    let mut found = resource(object, purpose);
    if object.text("source").is_none() {
        found.push(missing("source"));
    }
    found
}

/// A bundle of certificates, which Ignition reads before it fetches anything.
pub(super) fn authority(object: &Object, purpose: Purpose) -> Mistakes {
    let mut found = required_resource(object, purpose);
    if found.is_empty() {
        found.extend(contents::authority_mistake(object).map(|(key, mistake)| (Some(key), mistake)));
    }
    found
}

pub(super) fn file(object: &Object, purpose: Purpose) -> Mistakes {
    let mut found = required_path(object, purpose);
    let has_source = object.object("contents").is_some_and(|contents| contents.has("source"));
    if object.flag("overwrite") == Some(true) && !has_source {
        found.push(at("overwrite", "is `true`, and there is no `contents.source` to write", "write `contents`"));
    }
    found
}

pub(super) fn owner(object: &Object, _purpose: Purpose) -> Mistakes {
    match object.has("id") && object.text("name").is_some() {
        true => vec![at("name", "stands beside `id`", "write one of them")],
        false => Vec::new(),
    }
}

/// A document that is merged into this one.
pub(super) fn merged_config(object: &Object, purpose: Purpose) -> Mistakes {
    let mut found = required_resource(object, purpose);
    if found.is_empty() {
        found.extend(contents::config_mistake(object).map(|(key, mistake)| (Some(key), mistake)));
    }
    found
}

pub(super) fn directory(object: &Object, purpose: Purpose) -> Mistakes {
    let mut found = required_path(object, purpose);
    let is_full = object.text("path").is_some_and(|path| OF_THE_IMAGE.contains(&path));
    if object.flag("overwrite") == Some(true) && is_full {
        let what = "is `true`, which takes away all that the image has in this folder";
        found.push(at("overwrite", what, "leave it out"));
    }
    found
}

pub(super) fn user(object: &Object, purpose: Purpose) -> Mistakes {
    account(object, purpose, "user", &NEEDED_USERS)
}

pub(super) fn group(object: &Object, purpose: Purpose) -> Mistakes {
    account(object, purpose, "group", &NEEDED_GROUPS)
}

fn account(object: &Object, purpose: Purpose, what: &str, needed: &[&str]) -> Mistakes {
    let mut found = required_name(object, purpose);
    let name = object.text("name").filter(|name| needed.contains(name));
    if let (Some(name), Some(false)) = (name, object.flag("shouldExist")) {
        let what = format!("is `false`, and the {what} `{name}` is needed: for signing in, Docker or etcd");
        let mistake = Mistake::new(what, "leave it out");
        let is_alone = matches!(purpose, Purpose::IgnitionAlone { .. });
        found.push((Some("shouldExist"), if is_alone { mistake.of_merge() } else { mistake }));
    }
    found
}

pub(super) fn link(object: &Object, _purpose: Purpose) -> Mistakes {
    requires(object, &["path", "target"])
}

pub(super) fn unit(object: &Object, purpose: Purpose) -> Mistakes {
    let mut found = required_name(object, purpose);
    if let Some(mistake) = object.text("name").and_then(paths::drop_in_folder)
        && !object.list("dropins").is_empty()
    {
        found.push((Some("name"), mistake));
    }
    let content = object.text("contents");
    let runs = object.flag("enabled") == Some(true) && object.flag("mask") != Some(true);
    if runs && content.is_some_and(|content| !unit_content::has_section(content, "Install")) {
        let what = "the unit's contents have no `[Install]` section, so that nothing starts it";
        let mistake = Mistake::new(what, "end them with `[Install]` and `WantedBy=multi-user.target`");
        found.push((Some("enabled"), mistake.passed_over()));
    }
    found
}
