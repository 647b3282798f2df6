//! Every key of an Ignition document, and what its value may be.
//!
//! <https://coreos.github.io/ignition/configuration-v3_3/>

use std::ops::RangeInclusive;

use super::{device_values, devices, objects, values};
use crate::userdata::account;
use crate::userdata::mistake::Mistake;
use crate::userdata::purpose::Purpose;
use diagnostics::yaml::Value;

/// What is wrong with a text.
pub(super) type TextRule = fn(&str) -> Option<Mistake>;
/// What is wrong with a mapping as a whole: the key that it is about, if it is about one, and the mistake.
pub(super) type ObjectRule = fn(&Object, Purpose) -> Vec<(Option<&'static str>, Mistake)>;
/// What no second element of a list may have; none is left alone.
pub(super) type IdentityRule = fn(&Object) -> Option<String>;
/// The entries of a mapping.
pub(super) type Entries = &'static [(&'static str, Shape)];

/// A mapping of a document.
pub(super) struct Object<'v>(pub(super) &'v Value);

impl<'v> Object<'v> {
    /// A text that says something: Ignition takes an empty one for none.
    pub(super) fn text(&self, key: &str) -> Option<&'v str> {
        self.0.get(key)?.as_str().filter(|text| !text.is_empty())
    }

    pub(super) fn flag(&self, key: &str) -> Option<bool> {
        self.0.get(key)?.as_bool()
    }

    pub(super) fn integer(&self, key: &str) -> Option<i64> {
        self.0.get(key)?.as_i64()
    }

    pub(super) fn has(&self, key: &str) -> bool {
        self.0.get(key).is_some_and(|value| !value.is_null())
    }

    pub(super) fn list(&self, key: &str) -> &'v [Value] {
        self.0.get(key).and_then(Value::as_sequence).map(Vec::as_slice).unwrap_or_default()
    }

    pub(super) fn object(&self, key: &str) -> Option<Object<'v>> {
        self.0.get(key).filter(|value| value.is_mapping()).map(Object)
    }
}

/// What a key's value is.
#[derive(Clone, Copy)]
pub(super) enum Shape {
    Text(TextRule),
    Flag,
    Integer(i64, i64),
    /// A file's mode, which may have bits above the permissions from version 3.4.0 on.
    Mode,
    /// A list of texts, of which none may stand twice.
    Texts(TextRule),
    /// A list of texts that may repeat themselves.
    Options,
    Mapping(Entries, ObjectRule),
    List(Entries, ObjectRule, IdentityRule),
}
use Shape::{Flag, Integer, List, Mapping, Mode, Options, Text, Texts};

const ANY: Shape = Text(values::any);
const PATH: Shape = Text(values::path);
/// What Go keeps in an `int`.
const WHOLE: Shape = Integer(0, i64::MAX);
/// As nanoseconds they fill 63 bits. <https://pkg.go.dev/time#Duration>
const SECONDS: Shape = Integer(0, 9_223_372_036);
/// The largest disk of Azure has 65,536 GiB. <https://learn.microsoft.com/azure/virtual-machines/disks-types>
const MEBIBYTES: Shape = Integer(0, 65_536 * 1024);
/// Users and groups have numbers of 32 bits, of which the highest stands for none.
const ID: Shape = Integer(0, 0xffff_fffe);

pub(super) const DOCUMENT: Entries = &[
    ("ignition", Mapping(IGNITION, objects::no_rule)),
    ("storage", Mapping(STORAGE, objects::no_rule)),
    ("systemd", Mapping(&[("units", List(UNIT, objects::unit, objects::name))], objects::no_rule)),
    (
        "passwd",
        Mapping(
            &[
                ("users", List(USER, objects::user, objects::name)),
                ("groups", List(GROUP, objects::group, objects::name)),
            ],
            objects::no_rule,
        ),
    ),
    (
        "kernelArguments",
        Mapping(
            &[("shouldExist", Texts(values::not_empty)), ("shouldNotExist", Texts(values::not_empty))],
            objects::kernel_arguments,
        ),
    ),
];
const IGNITION: Entries = &[
    ("version", ANY),
    (
        "config",
        Mapping(
            &[
                ("merge", List(RESOURCE, objects::merged_config, objects::source)),
                ("replace", Mapping(RESOURCE, objects::resource)),
            ],
            objects::config,
        ),
    ),
    ("timeouts", Mapping(&[("httpResponseHeaders", SECONDS), ("httpTotal", SECONDS)], objects::no_rule)),
    (
        "security",
        Mapping(
            &[(
                "tls",
                Mapping(
                    &[("certificateAuthorities", List(RESOURCE, objects::authority, objects::source))],
                    objects::no_rule,
                ),
            )],
            objects::no_rule,
        ),
    ),
    (
        "proxy",
        Mapping(
            &[
                ("httpProxy", Text(values::proxy)),
                ("httpsProxy", Text(values::proxy)),
                ("noProxy", Texts(values::no_proxy)),
            ],
            objects::no_rule,
        ),
    ),
];
const RESOURCE: Entries = &[
    ("source", Text(values::source)),
    ("compression", Text(values::compression)),
    (
        "httpHeaders",
        List(
            &[("name", Text(values::header_name)), ("value", Text(values::header_value))],
            objects::required_name,
            objects::name,
        ),
    ),
    ("verification", Mapping(&[("hash", Text(values::hash))], objects::no_rule)),
];
const STORAGE: Entries = &[
    (
        "disks",
        List(
            &[
                ("device", PATH),
                ("wipeTable", Flag),
                ("partitions", List(PARTITION, devices::partition, objects::partition_identity)),
            ],
            devices::disk,
            objects::device,
        ),
    ),
    (
        "raid",
        List(
            &[
                ("name", Text(device_values::raid_name)),
                ("level", Text(device_values::raid_level)),
                ("devices", Texts(values::path)),
                ("spares", WHOLE),
                ("options", Options),
            ],
            devices::raid,
            objects::name,
        ),
    ),
    ("filesystems", List(FILESYSTEM, devices::filesystem, objects::device)),
    ("files", List(FILE, objects::file, objects::path)),
    (
        "directories",
        List(
            &[("path", PATH), ("overwrite", Flag), ("mode", Mode), ("user", OWNER), ("group", OWNER)],
            objects::directory,
            objects::path,
        ),
    ),
    ("links", List(LINK, objects::link, objects::path)),
    ("luks", List(LUKS, devices::luks, objects::name)),
];
const PARTITION: Entries = &[
    ("label", Text(device_values::partition_label)),
    ("number", Integer(0, 128)),
    ("sizeMiB", MEBIBYTES),
    ("startMiB", MEBIBYTES),
    ("typeGuid", Text(device_values::guid)),
    ("guid", Text(device_values::guid)),
    ("wipePartitionEntry", Flag),
    ("shouldExist", Flag),
    ("resize", Flag),
];
const FILESYSTEM: Entries = &[
    ("device", PATH),
    ("format", Text(device_values::format)),
    ("path", Text(values::optional_path)),
    ("wipeFilesystem", Flag),
    ("label", ANY),
    ("uuid", ANY),
    ("options", Options),
    ("mountOptions", Options),
];
const FILE: Entries = &[
    ("path", PATH),
    ("overwrite", Flag),
    ("contents", Mapping(RESOURCE, objects::resource)),
    ("append", List(RESOURCE, objects::resource, objects::none)),
    ("mode", Mode),
    ("user", OWNER),
    ("group", OWNER),
];
const LINK: Entries = &[
    ("path", PATH),
    ("overwrite", Flag),
    ("user", OWNER),
    ("group", OWNER),
    ("target", Text(values::link_target)),
    ("hard", Flag),
];
const OWNER: Shape = Mapping(&[("id", ID), ("name", Text(values::owner))], objects::owner);
const LUKS: Entries = &[
    ("name", Text(device_values::luks_name)),
    ("device", PATH),
    ("keyFile", Mapping(RESOURCE, objects::resource)),
    ("label", Text(device_values::luks_label)),
    ("uuid", Text(device_values::guid)),
    ("options", Options),
    ("wipeVolume", Flag),
    ("clevis", Mapping(CLEVIS, devices::clevis)),
    ("discard", Flag),
    ("openOptions", Options),
    ("cex", Mapping(&[("enabled", Flag)], objects::no_rule)),
];
const CLEVIS: Entries = &[
    (
        "tang",
        List(
            &[
                ("url", Text(values::tang_url)),
                ("thumbprint", Text(values::not_empty)),
                ("advertisement", Text(values::json)),
            ],
            devices::tang,
            objects::url,
        ),
    ),
    ("tpm2", Flag),
    ("threshold", WHOLE),
    (
        "custom",
        Mapping(
            &[("pin", Text(device_values::clevis_pin)), ("config", Text(values::json)), ("needsNetwork", Flag)],
            devices::clevis_custom,
        ),
    ),
];
const UNIT: Entries = &[
    ("name", Text(values::unit_name)),
    ("enabled", Flag),
    ("mask", Flag),
    ("contents", Text(values::unit_content)),
    (
        "dropins",
        List(
            &[("name", Text(values::drop_in_name)), ("contents", Text(values::unit_content))],
            objects::required_name,
            objects::name,
        ),
    ),
];
const USER: Entries = &[
    ("name", Text(account::name)),
    ("passwordHash", Text(account::password_hash)),
    ("sshAuthorizedKeys", Texts(values::authorized_keys)),
    ("uid", ID),
    ("gecos", Text(account::gecos)),
    ("homeDir", Text(account::home)),
    ("noCreateHome", Flag),
    ("primaryGroup", Text(account::group)),
    ("groups", Texts(account::group)),
    ("noUserGroup", Flag),
    ("noLogInit", Flag),
    ("shell", Text(account::shell)),
    ("shouldExist", Flag),
    ("system", Flag),
];
const GROUP: Entries = &[
    ("name", Text(account::name)),
    ("gid", ID),
    ("passwordHash", Text(account::password_hash)),
    ("shouldExist", Flag),
    ("system", Flag),
];

/// The minor version that a key came with, for those that 3.0.0 does not have. Paths have `[]` for the elements of lists.
/// <https://coreos.github.io/ignition/migrating-configs/>
const SINCE: [(&str, u32); 20] = [
    ("ignition.proxy", 1),
    ("ignition.config.merge[].compression", 1),
    ("ignition.config.merge[].httpHeaders", 1),
    ("ignition.config.replace.compression", 1),
    ("ignition.config.replace.httpHeaders", 1),
    ("ignition.security.tls.certificateAuthorities[].compression", 1),
    ("ignition.security.tls.certificateAuthorities[].httpHeaders", 1),
    ("storage.files[].append[].httpHeaders", 1),
    ("storage.files[].contents.httpHeaders", 1),
    ("storage.filesystems[].mountOptions", 1),
    ("storage.luks", 2),
    ("storage.disks[].partitions[].resize", 2),
    ("passwd.users[].shouldExist", 2),
    ("passwd.groups[].shouldExist", 2),
    ("kernelArguments", 3),
    ("storage.luks[].discard", 4),
    ("storage.luks[].openOptions", 4),
    ("storage.luks[].clevis.tang[].advertisement", 4),
    ("storage.luks[].cex", 5),
    ("storage.luks[].cex.enabled", 5),
];

/// The minor version that a key with this value came with.
pub(super) fn since(path: &str, value: &Value) -> u32 {
    let key = SINCE.iter().find(|(key, _)| *key == path).map_or(0, |(_, minor)| *minor);
    let name = path.rsplit('.').next().unwrap_or_default();
    let text = value.as_str().unwrap_or_default();
    let of_value = match name {
        "hash" if text.starts_with("sha256-") => 1,
        "source" if text.starts_with("gs:") => 1,
        "source" if text.starts_with("arn:") => 4,
        "format" if text == "none" => 3,
        _ => 0,
    };
    key.max(of_value)
}

/// The values of a range in words.
pub(super) fn range_text(range: &RangeInclusive<i64>) -> String {
    match (range.start(), range.end()) {
        (0, &i64::MAX) => "a whole number, 0 or more".into(),
        (least, most) => format!("a whole number, {least} to {most}"),
    }
}
