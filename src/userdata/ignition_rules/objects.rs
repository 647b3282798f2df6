//! What Ignition takes for a mapping as a whole: keys that need or exclude each other.
//!
//! <https://github.com/coreos/ignition/tree/main/config/v3_3/types>

use std::collections::{HashMap, HashSet};

use super::schema::Object;
use super::values;
use crate::userdata::mistake::Mistake;
use crate::userdata::purpose::Purpose;
use crate::userdata::unit_content;

type Mistakes = Vec<(Option<&'static str>, Mistake)>;

fn missing(key: &str) -> (Option<&'static str>, Mistake) {
    (None, Mistake::new(format!("`{key}` is missing"), ""))
}

fn at(key: &'static str, what: impl Into<String>, instead: impl Into<String>) -> (Option<&'static str>, Mistake) {
    (Some(key), Mistake::new(what, instead))
}

fn requires(object: &Object, keys: &[&str]) -> Mistakes {
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
    match purpose {
        Purpose::Merged { .. } => vec![(Some("replace"), mistake)],
        Purpose::Rendered { .. } => Vec::new(),
        _ => vec![(Some("replace"), mistake.of_merge())],
    }
}

pub(super) fn kernel_arguments(object: &Object, _purpose: Purpose) -> Mistakes {
    let wanted: HashSet<&str> = object.list("shouldExist").iter().filter_map(|value| value.as_str()).collect();
    let both =
        object.list("shouldNotExist").iter().filter_map(|value| value.as_str()).find(|text| wanted.contains(text));
    both.map(|text| at("shouldNotExist", format!("`{}` is in `shouldExist` too", text.escape_debug()), ""))
        .into_iter()
        .collect()
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
    found
}

pub(super) fn required_resource(object: &Object, purpose: Purpose) -> Mistakes {
    let mut found = resource(object, purpose);
    if object.text("source").is_none() {
        found.push(missing("source"));
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

pub(super) fn link(object: &Object, _purpose: Purpose) -> Mistakes {
    requires(object, &["path", "target"])
}

pub(super) fn unit(object: &Object, purpose: Purpose) -> Mistakes {
    let mut found = required_name(object, purpose);
    let content = object.text("contents");
    let runs = object.flag("enabled") == Some(true) && object.flag("mask") != Some(true);
    if runs && content.is_some_and(|content| !unit_content::has_section(content, "Install")) {
        let what = "the unit's contents have no `[Install]` section, so that nothing starts it";
        let mistake = Mistake::new(what, "end them with `[Install]` and `WantedBy=multi-user.target`");
        found.push((Some("enabled"), mistake.passed_over()));
    }
    found
}

pub(super) fn raid(object: &Object, purpose: Purpose) -> Mistakes {
    let mut found = required_name(object, purpose);
    found.extend(requires(object, &["level"]));
    if object.list("devices").is_empty() {
        found.push(missing("devices"));
    }
    let has_no_spares = matches!(object.text("level"), Some("linear" | "raid0" | "0" | "stripe"));
    if has_no_spares && object.integer("spares").is_some_and(|spares| spares != 0) {
        found.push(at("spares", "an array of this level has none", "leave it out"));
    }
    found
}

pub(super) fn filesystem(object: &Object, _purpose: Purpose) -> Mistakes {
    let mut found = requires(object, &["device"]);
    let Some(format) = object.text("format") else {
        let says_more = ["path", "label", "uuid"].iter().any(|key| object.text(key).is_some())
            || object.flag("wipeFilesystem") == Some(true)
            || ["options", "mountOptions"].iter().any(|key| !object.list(key).is_empty());
        if says_more {
            found.push(missing("format"));
        }
        return found;
    };
    let most = match format {
        "ext4" => 16,
        "btrfs" => 256,
        "xfs" => 12,
        "swap" => 15,
        "vfat" => 11,
        _ => usize::MAX,
    };
    if let Some(label) = object.text("label").filter(|label| label.len() > most) {
        found.push(at("label", format!("has {} bytes, {most} is the most of `{format}`", label.len()), ""));
    }
    found
}

pub(super) fn partition(object: &Object, _purpose: Purpose) -> Mistakes {
    let mut found = Vec::new();
    let says_more = ["label", "startMiB", "sizeMiB"].iter().any(|key| object.has(key))
        || ["typeGuid", "guid"].iter().any(|key| object.text(key).is_some());
    if object.flag("shouldExist") == Some(false) && says_more {
        found.push(at("shouldExist", "is `false`, and the partition has more than a number", "leave the rest out"));
    }
    if object.integer("number").unwrap_or_default() == 0 && !object.has("label") {
        found.push((None, Mistake::new("has neither `number` nor `label`", "write one of them")));
    }
    found
}

pub(super) fn disk(object: &Object, _purpose: Purpose) -> Mistakes {
    let mut found = requires(object, &["device"]);
    let partitions: Vec<Object> = object.list("partitions").iter().map(Object).collect();
    let mut labels = HashMap::new();
    for (index, partition) in partitions.iter().enumerate() {
        if let Some(label) = partition.0.get("label").and_then(|label| label.as_str())
            && let Some(first) = labels.insert(label, index)
        {
            let what = format!("elements {first} and {index} have the same label");
            found.push(at("partitions", what, "give each its own"));
        }
    }
    let number = |partition: &Object| partition.integer("number").unwrap_or_default();
    let is_removed = |partition: &Object| partition.flag("shouldExist") == Some(false);
    if partitions.iter().any(is_removed) && partitions.iter().any(|partition| number(partition) == 0) {
        let what = "one is removed (`shouldExist` is `false`) and another has no number";
        found.push(at("partitions", what, "give each its number"));
    }
    if let Some((first, second)) = overlap(&partitions) {
        found.push(at("partitions", format!("elements {first} and {second} overlap"), ""));
    }
    found
}

/// Two partitions that share space. Of those without a start or a size that is not known.
fn overlap(partitions: &[Object]) -> Option<(usize, usize)> {
    let place = |partition: &Object| {
        let start = partition.integer("startMiB").filter(|start| *start != 0)?;
        let size = partition.integer("sizeMiB")?;
        Some((start, if size == 0 { start } else { start.saturating_add(size - 1) }))
    };
    let mut places: Vec<((i64, i64), usize)> =
        partitions.iter().enumerate().filter_map(|(index, partition)| Some((place(partition)?, index))).collect();
    places.sort_unstable();
    let mut furthest: Option<(i64, usize)> = None;
    for ((start, end), index) in places {
        match furthest {
            Some((last, other)) if start <= last => return Some((other.min(index), other.max(index))),
            _ => furthest = Some((end, index)),
        }
    }
    None
}

pub(super) fn luks(object: &Object, purpose: Purpose) -> Mistakes {
    let mut found = required_name(object, purpose);
    found.extend(requires(object, &["device"]));
    found
}

pub(super) fn tang(object: &Object, _purpose: Purpose) -> Mistakes {
    requires(object, &["url", "thumbprint"])
}

pub(super) fn clevis(object: &Object, _purpose: Purpose) -> Mistakes {
    let has_custom = object.object("custom").is_some_and(|custom| custom.text("pin").is_some());
    let has_others = !object.list("tang").is_empty()
        || object.flag("tpm2") == Some(true)
        || object.integer("threshold").is_some_and(|threshold| threshold != 0);
    match has_custom && has_others {
        true => vec![at("custom", "stands beside `tang`, `tpm2` or `threshold`", "write one or the other")],
        false => Vec::new(),
    }
}

pub(super) fn clevis_custom(object: &Object, _purpose: Purpose) -> Mistakes {
    let says = |key: &str| object.text(key).is_some();
    if !says("pin") && !says("config") && object.flag("needsNetwork") != Some(true) {
        return Vec::new();
    }
    ["pin", "config"].iter().filter(|key| !says(key)).map(|key| missing(key)).collect()
}
