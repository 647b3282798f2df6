//! The keys of Ignition's spec 3, and what its mappings demand as a whole.

use serde_json::Value;

/// What a key holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Type {
    Text,
    Integer,
    Flag,
    Object,
    List,
}

/// Where contents are fetched from something: mappings with the same keys.
const RESOURCES: [&str; 6] = [
    "ignition.config.merge[]",
    "ignition.config.replace",
    "ignition.security.tls.certificateAuthorities[]",
    "storage.files[].contents",
    "storage.files[].append[]",
    "storage.luks[].keyFile",
];

/// One line for each mapping: its place, and its keys with the first letter of what they hold (`t`ext, `i`nteger, `f`lag,
/// `o`bject, `l`ist).
const MAPPINGS: [(&str, &str); 30] = [
    ("", "o:ignition o:storage o:systemd o:passwd o:kernelArguments"),
    ("ignition", "t:version o:config o:timeouts o:security o:proxy"),
    ("ignition.config", "l:merge o:replace"),
    ("ignition.timeouts", "i:httpResponseHeaders i:httpTotal"),
    ("ignition.security", "o:tls"),
    ("ignition.security.tls", "l:certificateAuthorities"),
    ("ignition.proxy", "t:httpProxy t:httpsProxy l:noProxy"),
    ("storage", "l:disks l:raid l:filesystems l:files l:directories l:links l:luks"),
    ("storage.disks[]", "t:device f:wipeTable l:partitions"),
    (
        "storage.disks[].partitions[]",
        "t:label i:number i:sizeMiB i:startMiB t:typeGuid t:guid f:wipePartitionEntry f:shouldExist f:resize",
    ),
    ("storage.raid[]", "t:name t:level l:devices i:spares l:options"),
    ("storage.filesystems[]", "t:device t:format t:path f:wipeFilesystem t:label t:uuid l:options l:mountOptions"),
    ("storage.files[]", "t:path f:overwrite o:contents l:append i:mode o:user o:group"),
    ("storage.directories[]", "t:path f:overwrite i:mode o:user o:group"),
    ("storage.links[]", "t:path f:overwrite o:user o:group t:target f:hard"),
    (
        "storage.luks[]",
        "t:name t:device o:keyFile t:label t:uuid l:options f:wipeVolume o:clevis f:discard l:openOptions o:cex",
    ),
    ("storage.luks[].clevis", "l:tang f:tpm2 i:threshold o:custom"),
    ("storage.luks[].clevis.tang[]", "t:url t:thumbprint t:advertisement"),
    ("storage.luks[].clevis.custom", "t:pin t:config f:needsNetwork"),
    ("storage.luks[].cex", "f:enabled"),
    ("systemd", "l:units"),
    ("systemd.units[]", "t:name f:enabled f:mask t:contents l:dropins"),
    ("systemd.units[].dropins[]", "t:name t:contents"),
    ("passwd", "l:users l:groups"),
    (
        "passwd.users[]",
        "t:name t:passwordHash l:sshAuthorizedKeys i:uid t:gecos t:homeDir f:noCreateHome t:primaryGroup l:groups \
         f:noUserGroup f:noLogInit t:shell f:shouldExist f:system",
    ),
    ("passwd.groups[]", "t:name i:gid t:passwordHash f:shouldExist f:system"),
    ("kernelArguments", "l:shouldExist l:shouldNotExist"),
    ("RESOURCE", "t:source t:compression l:httpHeaders o:verification"),
    ("RESOURCE.httpHeaders[]", "t:name t:value"),
    ("RESOURCE.verification", "t:hash"),
];

/// What stands at a place; none for an unknown key.
pub(super) fn type_of(kind: &str) -> Option<Type> {
    if kind.is_empty() {
        return Some(Type::Object);
    }
    if let Some(list) = kind.strip_suffix("[]") {
        let is_of_objects = MAPPINGS.iter().any(|(mapping, _)| *mapping == common(kind));
        return (type_of(list)? == Type::List).then_some(if is_of_objects { Type::Object } else { Type::Text });
    }
    let (mapping, name) = kind.rsplit_once('.').unwrap_or(("", kind));
    let mapping = if ["user", "group"].iter().any(|owner| mapping.ends_with(&format!("].{owner}"))) {
        "i:id t:name"
    } else {
        let wanted = common(mapping);
        MAPPINGS.iter().find(|(known, _)| *known == wanted)?.1
    };
    let entry = mapping.split_whitespace().find(|entry| &entry[2..] == name)?;
    Some(match entry.as_bytes()[0] {
        b't' => Type::Text,
        b'i' => Type::Integer,
        b'f' => Type::Flag,
        b'o' => Type::Object,
        _ => Type::List,
    })
}

/// The place with `RESOURCE` for what every resource is.
fn common(kind: &str) -> String {
    let of_resource = RESOURCES.iter().find_map(|resource| {
        let rest = kind.strip_prefix(resource)?;
        (rest.is_empty() || rest.starts_with('.')).then_some(rest)
    });
    of_resource.map_or_else(|| kind.to_owned(), |rest| format!("RESOURCE{rest}"))
}

/// The list that an element is one of, and what no other element of it may have.
pub(super) fn identity(list: &str, item: &Value) -> Option<(&'static str, String)> {
    let text = |key: &str| item[key].as_str().map(str::to_owned);
    match list {
        "storage.files" | "storage.directories" | "storage.links" => Some(("tree ", text("path")?)),
        "storage.disks" => Some(("disks ", text("device")?)),
        "storage.filesystems" => Some(("filesystems ", text("device")?)),
        "storage.raid" => Some(("raid ", text("name")?)),
        "storage.luks" => Some(("luks ", text("name")?)),
        "systemd.units" => Some(("units ", text("name")?)),
        "passwd.users" => Some(("users ", text("name")?)),
        "passwd.groups" => Some(("groups ", text("name")?)),
        "storage.disks[].partitions" => match item["number"].as_i64().filter(|number| *number != 0) {
            Some(number) => Some(("partitions ", format!("number:{number}"))),
            None => Some(("partitions ", format!("label:{}", text("label")?))),
        },
        "kernelArguments.shouldExist" | "kernelArguments.shouldNotExist" => {
            Some(("arguments ", item.as_str()?.to_owned()))
        }
        "systemd.units[].dropins" => Some(("dropins ", text("name")?)),
        "storage.luks[].clevis.tang" => Some(("tang ", text("url")?)),
        "ignition.config.merge" => Some(("merge ", text("source")?)),
        "ignition.security.tls.certificateAuthorities" => Some(("authorities ", text("source")?)),
        "passwd.users[].sshAuthorizedKeys" => Some(("keys ", item.as_str()?.to_owned())),
        "passwd.users[].groups" => Some(("memberships ", item.as_str()?.to_owned())),
        "storage.raid[].devices" => Some(("devices ", item.as_str()?.to_owned())),
        "ignition.proxy.noProxy" => Some(("proxies ", item.as_str()?.to_owned())),
        _ if list.ends_with(".httpHeaders") => Some(("headers ", text("name")?)),
        _ => None,
    }
}

/// Why Ignition refuses a mapping whose keys are each right.
pub(super) fn object_refusal(kind: &str, value: &Value) -> Option<&'static str> {
    let says = |key: &str| value[key].as_str().is_some_and(|text| !text.is_empty());
    let is = |key: &str, flag: bool| value[key] == flag;
    let filled = |key: &str| value[key].as_array().is_some_and(|list| !list.is_empty());
    let number = |key: &str| value[key].as_i64().unwrap_or_default();
    let first = |rules: &[(bool, &'static str)]| rules.iter().find(|(broken, _)| *broken).map(|(_, why)| *why);
    if common(kind) == "RESOURCE" {
        let scheme = value["source"].as_str().and_then(|source| source.split_once(':')).map(|(scheme, _)| scheme);
        let is_web = matches!(scheme.map(str::to_ascii_lowercase).as_deref(), Some("http" | "https"));
        let must_have = kind.ends_with("merge[]") || kind.ends_with("certificateAuthorities[]");
        let hash = value["verification"]["hash"].is_string();
        return first(&[
            (must_have && !says("source"), "source is required"),
            (hash && value["source"].is_null(), "source must be specified if verification is specified"),
            (filled("httpHeaders") && !is_web, "cannot use HTTP headers with this source scheme"),
        ]);
    }
    match kind {
        "storage.files[]" => first(&[
            (!says("path"), "path not specified"),
            (
                is("overwrite", true) && value["contents"]["source"].is_null(),
                "overwrite must be false if source is unspecified",
            ),
        ]),
        "storage.directories[]" => first(&[(!says("path"), "path not specified")]),
        "storage.links[]" => {
            first(&[(!says("path"), "path not specified"), (!says("target"), "link target is required")])
        }
        "storage.disks[]" => {
            first(&[(!says("device"), "disk device is required"), (collides(value), "partitions collide")])
        }
        "storage.disks[].partitions[]" => first(&[
            (
                is("shouldExist", false)
                    && (["label", "startMiB", "sizeMiB"].iter().any(|key| !value[*key].is_null())
                        || says("guid")
                        || says("typeGuid")),
                "shouldExist specified false with other options also specified",
            ),
            (number("number") == 0 && value["label"].is_null(), "a partition number >= 1 or a label must be specified"),
        ]),
        "storage.filesystems[]" => {
            let more = ["path", "label", "uuid"].iter().any(|key| says(key))
                || is("wipeFilesystem", true)
                || filled("options")
                || filled("mountOptions");
            let most = match value["format"].as_str() {
                Some("ext4") => 16,
                Some("xfs") => 12,
                Some("swap") => 15,
                Some("vfat") => 11,
                _ => 256,
            };
            first(&[
                (!says("device"), "path not specified"),
                (!says("format") && more, "format cannot be empty"),
                (value["label"].as_str().is_some_and(|label| label.len() > most), "filesystem label is too long"),
            ])
        }
        "storage.raid[]" => first(&[
            (!says("name"), "name is required"),
            (!says("level"), "raid level is required"),
            (!filled("devices"), "raid devices required"),
            (
                matches!(value["level"].as_str(), Some("linear" | "raid0" | "0" | "stripe")) && number("spares") != 0,
                "spares unsupported for linear and raid0 arrays",
            ),
        ]),
        "storage.luks[]" => first(&[(!says("name"), "name is required"), (!says("device"), "disk device is required")]),
        "storage.luks[].clevis" => first(&[(
            value["custom"]["pin"].as_str().is_some_and(|pin| !pin.is_empty())
                && (filled("tang") || is("tpm2", true) || number("threshold") != 0),
            "cannot use custom clevis config with tpm2, tang, or threshold",
        )]),
        "storage.luks[].clevis.tang[]" => {
            first(&[(!says("url"), "invalid url scheme"), (!says("thumbprint"), "thumbprint is required")])
        }
        "storage.luks[].clevis.custom" => {
            let any = says("pin") || says("config") || is("needsNetwork", true);
            first(&[
                (any && !says("pin"), "missing required custom clevis pin"),
                (any && !says("config"), "missing required custom clevis config"),
            ])
        }
        "systemd.units[]" => first(&[(!says("name"), "invalid systemd unit extension")]),
        "systemd.units[].dropins[]" => first(&[(!says("name"), "invalid systemd drop-in extension")]),
        "passwd.users[]" | "passwd.groups[]" => first(&[(!says("name"), "name is required")]),
        _ if kind.ends_with("].user") || kind.ends_with("].group") => {
            first(&[(!value["id"].is_null() && says("name"), "cannot set both id and name")])
        }
        _ if kind.ends_with(".httpHeaders[]") => first(&[(!says("name"), "HTTP header name can't be empty")]),
        _ => None,
    }
}

/// Whether two partitions of a disk have one label, or share space, or one is removed beside one without a number.
fn collides(disk: &Value) -> bool {
    let partitions: Vec<&Value> = disk["partitions"].as_array().into_iter().flatten().collect();
    let place = |partition: &Value| {
        let start = partition["startMiB"].as_i64().filter(|start| *start != 0)?;
        let size = partition["sizeMiB"].as_i64()?;
        Some(start..=start + (size - 1).max(0))
    };
    let removes = partitions.iter().any(|partition| partition["shouldExist"] == false);
    let unnumbered = partitions.iter().any(|partition| partition["number"].as_i64().unwrap_or_default() == 0);
    removes && unnumbered
        || partitions.iter().enumerate().any(|(index, one)| {
            partitions[index + 1..].iter().any(|other| {
                let same_label = one["label"].is_string() && one["label"] == other["label"];
                let overlap = matches!((place(one), place(other)), (Some(one), Some(other))
                    if one.start() <= other.end() && other.start() <= one.end());
                same_label || overlap
            })
        })
}
