//! The keys of each section.

use super::Consequence::{NoFiles, NothingApplied, PassedOver, StopsThere};
use super::source::{
    ACCOUNT, APPLY, AUTHORIZED_KEYS, CLOUD_CONFIG, ETC_HOSTS, FLANNEL as FLANNEL_FILE, FLANNEL_NAMES, GITHUB,
    KEYS_FROM_URL, LOCKSMITH as LOCKSMITH_FILE, LOCKSMITH_NAMES, MAIN, OEM as OEM_FILE, SYSTEMD, Source,
    UNIT as UNIT_FILE, UPDATE as UPDATE_FILE, UPDATE_VALUES, WRITE_FILE, at,
};
use super::{Consequence, Effect, Key, Section, Shape};
use crate::unit::{ETCD_INSTEAD, FLEET_INSTEAD};

const fn key(name: &'static str, shape: Shape, source: Source) -> Key {
    Key {
        name,
        shape,
        effect: Effect::Acts,
        wrong: StopsThere,
        variable: None,
        misread: "",
        sources: [Some(source), None, None],
    }
}

const fn text(name: &'static str, source: Source) -> Key {
    key(name, Shape::Text, source)
}

const fn flag(name: &'static str, source: Source) -> Key {
    key(name, Shape::Flag, source)
}

impl Key {
    const fn alone(self, instead: &'static str) -> Self {
        Self { effect: Effect::ActsAlone(instead), ..self }
    }

    const fn dead(self, why: &'static str, instead: &'static str) -> Self {
        Self { effect: Effect::Dead(why, instead), ..self }
    }

    const fn wrong(self, wrong: Consequence) -> Self {
        Self { wrong, ..self }
    }

    const fn variable(self, name: &'static str) -> Self {
        Self { variable: Some(name), ..self }
    }

    const fn then(self, source: Source) -> Self {
        Self { sources: [self.sources[0], Some(source), None], ..self }
    }

    const fn then_also(self, source: Source) -> Self {
        Self { sources: [self.sources[0], self.sources[1], Some(source)], ..self }
    }

    const fn misread(self, how: &'static str) -> Self {
        Self { misread: how, ..self }
    }
}

const HOSTNAME_INSTEAD: &str = "leave it out: each node's name is its hostname";
const UPDATE_FILE_INSTEAD: &str = "write `/etc/flatcar/update.conf` by `write_files`";
const KEYS_INSTEAD: &str = "put the keys into `ssh_authorized_keys`: nothing is fetched at boot";
const NO_UNIT: &str = "sets up a unit that the image no longer has";

const DOCUMENT: &[Key] = &[
    text(
        "hostname",
        at(&MAIN, 290, "cut at the first `.`, then after 63 bytes; the first document that has one counts"),
    )
    .then(at(&SYSTEMD, 190, "`hostnamectl set-hostname`"))
    .alone(HOSTNAME_INSTEAD),
    key("ssh_authorized_keys", Shape::Texts, at(&MAIN, 303, "merged with those of user `core`, of all documents"))
        .then(at(&AUTHORIZED_KEYS, 36, "`update-ssh-keys -u core -a coreos-cloudinit`")),
    key("users", Shape::List(Section::User), at(&APPLY, 86, "in their order, before files")),
    key("write_files", Shape::List(Section::File), at(&APPLY, 174, "in their order, after users and before units")),
    key("coreos", Shape::Mapping(Section::CoreOs), at(&CLOUD_CONFIG, 34, "a mapping of sections")),
    text("manage_etc_hosts", at(&ETC_HOSTS, 33, "no other value than `localhost`"))
        .then(at(&ETC_HOSTS, 43, "`127.0.0.1 HOSTNAME` is all that `/etc/hosts` has"))
        .alone("write `/etc/hosts` by `write_files`")
        .wrong(NoFiles),
];
const CORE_OS: &[Key] = &[
    key("update", Shape::Mapping(Section::Update), at(&UPDATE_FILE, 58, "`/etc/coreos/update.conf`")).then(at(
        &UPDATE_FILE,
        117,
        "units of the updates",
    )),
    key("units", Shape::List(Section::Unit), at(&APPLY, 222, "in their order, after files")),
    key(
        "locksmith",
        Shape::Mapping(Section::Locksmith),
        at(&LOCKSMITH_FILE, 33, "`20-cloudinit.conf` of `locksmithd.service` below `/run`"),
    )
    .alone("write a drop-in of `locksmithd.service` in `coreos.units`"),
    key("flannel", Shape::Mapping(Section::Flannel), at(&FLANNEL_FILE, 40, "`/run/flannel/options.env`"))
        .alone("write a drop-in of `flanneld.service` in `coreos.units`"),
    key("oem", Shape::Mapping(Section::Oem), at(&OEM_FILE, 42, "`/etc/oem-release`, when there is an `id`"))
        .alone("leave it out: the image says what it is"),
    key("etcd", Shape::Unused, at(&CLOUD_CONFIG, 42, "deprecated: no longer shipped")).dead(NO_UNIT, ETCD_INSTEAD),
    key("etcd2", Shape::Unused, at(&CLOUD_CONFIG, 43, "deprecated: no longer shipped")).dead(NO_UNIT, ETCD_INSTEAD),
    key("fleet", Shape::Unused, at(&CLOUD_CONFIG, 45, "deprecated: no longer shipped")).dead(NO_UNIT, FLEET_INSTEAD),
];
const LINE_OF_UPDATES: &str = "a line of `/etc/coreos/update.conf`";
const UPDATE: &[Key] = &[
    text(
        "reboot_strategy",
        at(&UPDATE_VALUES, 18, "`etcd-lock`, `reboot` or `off`; a line of `/etc/coreos/update.conf`"),
    )
    .then(at(&UPDATE_FILE, 127, "at `off` `locksmithd.service` is stopped and masked, else it is restarted"))
    .variable("REBOOT_STRATEGY")
    .wrong(NoFiles),
    text("group", at(&UPDATE_VALUES, 19, LINE_OF_UPDATES))
        .then(at(&UPDATE_FILE, 134, "`update-engine.service` is restarted"))
        .variable("GROUP")
        .alone(UPDATE_FILE_INSTEAD),
    text("server", at(&UPDATE_VALUES, 20, LINE_OF_UPDATES))
        .then(at(&UPDATE_FILE, 134, "`update-engine.service` is restarted"))
        .variable("SERVER")
        .alone(UPDATE_FILE_INSTEAD),
];

const fn of_locksmith(name: &'static str, line: u32, variable: &'static str) -> Key {
    text(name, at(&LOCKSMITH_NAMES, line, "the variable's name")).variable(variable)
}

const LOCKSMITH: &[Key] = &[
    of_locksmith("endpoint", 18, "LOCKSMITHD_ENDPOINT"),
    of_locksmith("etcd_cafile", 19, "LOCKSMITHD_ETCD_CAFILE"),
    of_locksmith("etcd_certfile", 20, "LOCKSMITHD_ETCD_CERTFILE"),
    of_locksmith("etcd_keyfile", 21, "LOCKSMITHD_ETCD_KEYFILE"),
    of_locksmith("etcd_username", 22, "LOCKSMITHD_ETCD_USERNAME"),
    of_locksmith("etcd_password", 23, "LOCKSMITHD_ETCD_PASSWORD"),
    of_locksmith("group", 24, "LOCKSMITHD_GROUP"),
    of_locksmith("window_start", 25, "LOCKSMITHD_REBOOT_WINDOW_START"),
    of_locksmith("window_length", 26, "LOCKSMITHD_REBOOT_WINDOW_LENGTH"),
];

const fn of_flannel(name: &'static str, line: u32, variable: &'static str) -> Key {
    text(name, at(&FLANNEL_NAMES, line, "the variable's name")).variable(variable)
}

const FLANNEL: &[Key] = &[
    of_flannel("etcd_endpoints", 18, "FLANNELD_ETCD_ENDPOINTS"),
    of_flannel("etcd_cafile", 19, "FLANNELD_ETCD_CAFILE"),
    of_flannel("etcd_certfile", 20, "FLANNELD_ETCD_CERTFILE"),
    of_flannel("etcd_keyfile", 21, "FLANNELD_ETCD_KEYFILE"),
    of_flannel("etcd_prefix", 22, "FLANNELD_ETCD_PREFIX"),
    of_flannel("etcd_username", 23, "FLANNELD_ETCD_USERNAME"),
    of_flannel("etcd_password", 24, "FLANNELD_ETCD_PASSWORD"),
    of_flannel("ip_masq", 25, "FLANNELD_IP_MASQ"),
    of_flannel("subnet_file", 26, "FLANNELD_SUBNET_FILE"),
    of_flannel("interface", 27, "FLANNELD_IFACE"),
    of_flannel("public_ip", 28, "FLANNELD_PUBLIC_IP"),
];
const OEM: &[Key] = &[
    text("id", at(&OEM_FILE, 35, "`ID=`; without one no file is written")),
    text("name", at(&OEM_FILE, 37, "`NAME=`, in quotation marks")),
    text("version_id", at(&OEM_FILE, 36, "`VERSION_ID=`")),
    text("home_url", at(&OEM_FILE, 38, "`HOME_URL=`, in quotation marks")),
    text("bug_report_url", at(&OEM_FILE, 39, "`BUG_REPORT_URL=`, in quotation marks")),
];
const USER: &[Key] = &[
    text("name", at(&APPLY, 87, "a user without one is passed over")),
    text("passwd", at(&ACCOUNT, 36, "`useradd --password`")).then(at(
        &ACCOUNT,
        89,
        "of a user who exists, `chpasswd -e`",
    )),
    key(
        "ssh_authorized_keys",
        Shape::Texts,
        at(&APPLY, 113, "after the account is made; those of `core` before everything"),
    )
    .then(at(&AUTHORIZED_KEYS, 36, "`update-ssh-keys -u NAME -a coreos-cloudinit`")),
    key("groups", Shape::Texts, at(&ACCOUNT, 60, "`useradd --groups`, joined by commas")),
    text("gecos", at(&ACCOUNT, 42, "`useradd --comment` with Go's `%q`"))
        .misread("`/etc/passwd` gets it in quotation marks"),
    text("homedir", at(&ACCOUNT, 46, "`useradd --home-dir`")),
    flag("no_create_home", at(&ACCOUNT, 50, "`useradd --no-create-home`, else `--create-home`")),
    text("primary_group", at(&ACCOUNT, 56, "`useradd --gid`")),
    flag("no_user_group", at(&ACCOUNT, 64, "`useradd --no-user-group`")),
    flag("system", at(&ACCOUNT, 68, "`useradd --system`")),
    flag("no_log_init", at(&ACCOUNT, 72, "`useradd --no-log-init`")),
    text("shell", at(&ACCOUNT, 76, "`useradd --shell`")),
    text("coreos_ssh_import_github", at(&GITHUB, 24, "asks GitHub for the user's keys")).alone(KEYS_INSTEAD),
    key("coreos_ssh_import_github_users", Shape::Texts, at(&APPLY, 123, "the same for each"))
        .then(at(&GITHUB, 24, "asks GitHub for the user's keys"))
        .alone(KEYS_INSTEAD),
    text("coreos_ssh_import_url", at(&KEYS_FROM_URL, 30, "asks that address for keys")).alone(KEYS_INSTEAD),
];
const FILE: &[Key] = &[
    text("path", at(&WRITE_FILE, 54, "joined to `/`, and cleaned"))
        .then(at(&WRITE_FILE, 109, "folders that are missing have mode 0755"))
        .then_also(at(&WRITE_FILE, 94, "a temporary file beside it is renamed to it")),
    text("content", at(&CLOUD_CONFIG, 87, "decoded, of all files before anything is applied")).wrong(NothingApplied),
    text("owner", at(&WRITE_FILE, 88, "`chown OWNER` of the temporary file")),
    text("permissions", at(&WRITE_FILE, 41, "octal; 0644 when it is empty")).then(at(
        &WRITE_FILE,
        45,
        "the bits above 0777 are none of Go's",
    )),
    text("encoding", at(&CLOUD_CONFIG, 87, "how `content` is decoded")).wrong(NothingApplied),
];
const UNIT: &[Key] = &[
    text("name", at(&APPLY, 231, "a unit without one is passed over"))
        .then(at(&UNIT_FILE, 65, "its file"))
        .then_also(at(&UNIT_FILE, 54, "what ends in `.network`, `.netdev` or `.link` is a file of networkd's"))
        .wrong(PassedOver),
    flag("mask", at(&SYSTEMD, 122, "a file of that name is taken away; a link to `/dev/null`")),
    flag("enable", at(&SYSTEMD, 76, "enabled, over links that are there; a unit that is not there stops everything after it, all commands too")).then(at(
        &APPLY,
        269,
        "files of networkd's are not",
    )),
    text("content", at(&APPLY, 236, "when it is not empty")).then(at(&SYSTEMD, 45, "the file, mode 0644")),
    text("command", at(&SYSTEMD, 80, "one of seven, to its end, whether the unit then runs or has failed; another command, or one that systemd refuses (no such unit, a masked one), stops all commands after it")).then(at(
        &APPLY,
        305,
        "when all units are written and systemd has read them again",
    )),
    key("drop_ins", Shape::List(Section::DropIn), at(&APPLY, 245, "in their order")).then(at(
        &SYSTEMD,
        58,
        "the file, mode 0644",
    )),
    flag("runtime", at(&UNIT_FILE, 78, "below `/run` instead of `/etc`"))
        .then(at(&APPLY, 261, "unmasked, unless there is `mask`"))
        .alone("leave it out: units are there in every boot"),
];
const DROP_IN: &[Key] = &[
    text("name", at(&APPLY, 246, "a drop-in without one is passed over"))
        .then(at(&UNIT_FILE, 73, "its file"))
        .wrong(PassedOver),
    text("content", at(&APPLY, 246, "a drop-in without one is passed over")).wrong(PassedOver),
];

impl Section {
    /// The keys of such a mapping that coreos-cloudinit reads.
    pub const fn keys(self) -> &'static [Key] {
        match self {
            Self::Document => DOCUMENT,
            Self::CoreOs => CORE_OS,
            Self::Update => UPDATE,
            Self::Locksmith => LOCKSMITH,
            Self::Flannel => FLANNEL,
            Self::Oem => OEM,
            Self::User => USER,
            Self::File => FILE,
            Self::Unit => UNIT,
            Self::DropIn => DROP_IN,
        }
    }
}
