//! What Ignition, and the programs that it calls, take for a disk, an array, a file system or an encrypted volume as a whole.
//!
//! <https://github.com/coreos/ignition/tree/main/config/v3_3/types>,
//! <https://github.com/coreos/ignition/tree/main/internal/exec/stages/disks>

use std::collections::HashMap;

use diagnostics::quoted;

use super::device_values;
use super::objects::{Mistakes, at, missing, required_name, requires};
use super::schema::Object;
use crate::userdata::mistake::Mistake;
use crate::userdata::purpose::Purpose;

pub(super) fn raid(object: &Object, purpose: Purpose) -> Mistakes {
    let mut found = required_name(object, purpose);
    found.extend(requires(object, &["level"]));
    if object.list("devices").is_empty() {
        found.push(missing("devices"));
    }
    let has_no_spares = matches!(object.text("level"), Some("linear" | "raid0" | "0" | "stripe"));
    let spares = object.integer("spares").unwrap_or_default();
    if has_no_spares && spares != 0 {
        found.push(at("spares", "an array of this level has none", "leave it out"));
        return found;
    }
    // Without spares: <https://github.com/md-raid-utilities/mdadm/blob/main/Create.c>
    let least = match object.text("level") {
        Some("raid6" | "6") => 4,
        Some("raid4" | "4" | "raid5" | "5" | "raid10" | "10") => 2,
        _ => 1,
    };
    let devices = object.list("devices").len();
    let spares = usize::try_from(spares).unwrap_or(usize::MAX);
    if devices > 0 && devices.saturating_sub(spares) < least {
        let what = match spares {
            0 => format!("are {devices}, and an array of this level has {least} at least"),
            _ => format!("leave less than {least} of {devices} devices, which an array of this level has at least"),
        };
        found.push(at(if spares == 0 { "devices" } else { "spares" }, what, "name more devices"));
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
    if format == "vfat"
        && let Some(character) = object.text("label").and_then(device_values::no_part_of_a_vfat_label)
    {
        found.push(at(
            "label",
            format!("has a {}, which no label of `vfat` can have", quoted(&character.to_string())),
            "",
        ));
    }
    if let Some(uuid) = object.text("uuid").filter(|_| format != "none") {
        let mistake = if format == "vfat" { device_values::vfat_id(uuid) } else { device_values::guid(uuid) };
        found.extend(mistake.map(|mistake| (Some("uuid"), mistake)));
    }
    let idle: &[&'static str] = match format {
        "none" => &["path", "label", "uuid", "options", "mountOptions"],
        "swap" => &["path", "mountOptions"],
        _ => &[],
    };
    for key in idle {
        if object.text(key).is_some() || !object.list(key).is_empty() {
            let mistake = Mistake::new(format!("does nothing where the format is `{format}`"), "leave it out");
            found.push((Some(key), mistake.passed_over()));
        }
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

/// The image of Flatcar has no `clevis`.
/// <https://www.flatcar.org/docs/latest/setup/security/luks/>
pub(super) fn luks(object: &Object, purpose: Purpose) -> Mistakes {
    let mut found = required_name(object, purpose);
    found.extend(requires(object, &["device"]));
    if object.object("clevis").is_some_and(|clevis| is_bound(&clevis)) && !purpose.image_is_fedora_coreos() {
        let mistake = Mistake::new("Flatcar has no clevis", "give a key file");
        found.push((Some("clevis"), Mistake { flatcar_alone: true, ..mistake }));
    }
    found
}

/// Whether there is anything that opens the volume.
fn is_bound(clevis: &Object) -> bool {
    !clevis.list("tang").is_empty()
        || clevis.flag("tpm2") == Some(true)
        || clevis.integer("threshold").is_some_and(|threshold| threshold != 0)
        || clevis.object("custom").is_some_and(|custom| custom.text("pin").is_some())
}

pub(super) fn tang(object: &Object, _purpose: Purpose) -> Mistakes {
    requires(object, &["url", "thumbprint"])
}

/// Every pin that there is opens a share of the key, and so many shares are needed.
/// <https://github.com/latchset/clevis/blob/master/src/pins/sss/clevis-encrypt-sss.c>
pub(super) fn clevis(object: &Object, _purpose: Purpose) -> Mistakes {
    if !is_bound(object) {
        return Vec::new();
    }
    let pins = object.list("tang").len() + usize::from(object.flag("tpm2") == Some(true));
    let threshold = object.integer("threshold");
    if object.object("custom").is_some_and(|custom| custom.text("pin").is_some()) {
        return match pins > 0 || threshold.is_some_and(|threshold| threshold != 0) {
            true => vec![at("custom", "stands beside `tang`, `tpm2` or `threshold`", "write one or the other")],
            false => Vec::new(),
        };
    }
    match threshold {
        Some(threshold) if usize::try_from(threshold).map_or(true, |threshold| threshold > pins) => {
            let what = format!("{threshold} are needed to open the volume, and `tang` and `tpm2` make {pins}");
            vec![at("threshold", what, format!("write 1 to {}", pins.max(1)))]
        }
        Some(0) => vec![at("threshold", "is 0, with which nothing opens the volume", format!("write 1 to {pins}"))],
        _ => Vec::new(),
    }
}

pub(super) fn clevis_custom(object: &Object, _purpose: Purpose) -> Mistakes {
    let says = |key: &str| object.text(key).is_some();
    if !says("pin") && !says("config") && object.flag("needsNetwork") != Some(true) {
        return Vec::new();
    }
    ["pin", "config"].iter().filter(|key| !says(key)).map(|key| missing(key)).collect()
}
