//! The keys of each section.

use super::Consequence::{NoFiles, NothingApplied, PassedOver, StopsThere};
use super::{Consequence, Effect, Key, Section, Shape};

const fn key(name: &'static str, shape: Shape, source: &'static str) -> Key {
    Key { name, shape, effect: Effect::Acts, wrong: StopsThere, variable: None, misread: "", source }
}

const fn text(name: &'static str, source: &'static str) -> Key {
    key(name, Shape::Text, source)
}

const fn flag(name: &'static str, source: &'static str) -> Key {
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

    const fn misread(self, how: &'static str) -> Self {
        Self { misread: how, ..self }
    }
}

const HOSTNAME_INSTEAD: &str = "leave it out: each node's name is its hostname";
const UPDATE_FILE_INSTEAD: &str = "write `/etc/flatcar/update.conf` by `write_files`";
const KEYS_INSTEAD: &str = "put the keys into `ssh_authorized_keys`: nothing is fetched at boot";
const NO_UNIT: &str = "sets up a unit that the image no longer has";
const ETCD_INSTEAD: &str = "leave it out: members of etcd are set up by this program";

const DOCUMENT: &[Key] = &[
    text("hostname", "coreos-cloudinit.go: determineHostname cuts at the first `.` and after 63 bytes; `hostnamectl`")
        .alone(HOSTNAME_INSTEAD),
    key("ssh_authorized_keys", Shape::Texts, "coreos-cloudinit.go: mergeSSHKeysFromSources, with those of user `core`"),
    key("users", Shape::List(Section::User), "initialize/config.go: Apply, before files"),
    key("write_files", Shape::List(Section::File), "initialize/config.go: Apply, after users, in their order"),
    key("coreos", Shape::Mapping(Section::CoreOs), "config/config.go: CloudConfig.CoreOS"),
    text("manage_etc_hosts", "system/etc_hosts.go: `127.0.0.1 HOSTNAME`, for the value `localhost` alone")
        .alone("write `/etc/hosts` by `write_files`")
        .wrong(NoFiles),
];
const CORE_OS: &[Key] = &[
    key("update", Shape::Mapping(Section::Update), "system/update.go: File and Units"),
    key("units", Shape::List(Section::Unit), "initialize/config.go: processUnits, after files"),
    key("locksmith", Shape::Mapping(Section::Locksmith), "system/locksmith.go: drop-in 20-cloudinit.conf below /run")
        .alone("write a drop-in of `locksmithd.service` in `coreos.units`"),
    key("flannel", Shape::Mapping(Section::Flannel), "system/flannel.go: /run/flannel/options.env")
        .alone("write a drop-in of `flanneld.service` in `coreos.units`"),
    key("oem", Shape::Mapping(Section::Oem), "system/oem.go: /etc/oem-release, when there is an id")
        .alone("leave it out: the image says what it is"),
    text("etcd", "config/config.go: deprecated, no longer shipped").dead(NO_UNIT, ETCD_INSTEAD),
    text("etcd2", "config/config.go: deprecated, no longer shipped").dead(NO_UNIT, ETCD_INSTEAD),
    text("fleet", "config/config.go: deprecated, no longer shipped")
        .dead(NO_UNIT, "leave it out: Docker Swarm places what runs"),
];
const UPDATE: &[Key] = &[
    text(
        "reboot_strategy",
        "config/update.go: valid; system/update.go: locksmithd is stopped and masked for `off`, else restarted",
    )
    .variable("REBOOT_STRATEGY")
    .wrong(NoFiles),
    text("group", "system/update.go: a line of /etc/coreos/update.conf; update-engine is restarted")
        .variable("GROUP")
        .alone(UPDATE_FILE_INSTEAD),
    text("server", "system/update.go: a line of /etc/coreos/update.conf; update-engine is restarted")
        .variable("SERVER")
        .alone(UPDATE_FILE_INSTEAD),
];
const LOCKSMITH_SOURCE: &str = "config/locksmith.go: the variable's name";
const LOCKSMITH: &[Key] = &[
    text("endpoint", LOCKSMITH_SOURCE).variable("LOCKSMITHD_ENDPOINT"),
    text("etcd_cafile", LOCKSMITH_SOURCE).variable("LOCKSMITHD_ETCD_CAFILE"),
    text("etcd_certfile", LOCKSMITH_SOURCE).variable("LOCKSMITHD_ETCD_CERTFILE"),
    text("etcd_keyfile", LOCKSMITH_SOURCE).variable("LOCKSMITHD_ETCD_KEYFILE"),
    text("etcd_username", LOCKSMITH_SOURCE).variable("LOCKSMITHD_ETCD_USERNAME"),
    text("etcd_password", LOCKSMITH_SOURCE).variable("LOCKSMITHD_ETCD_PASSWORD"),
    text("group", LOCKSMITH_SOURCE).variable("LOCKSMITHD_GROUP"),
    text("window_start", LOCKSMITH_SOURCE).variable("LOCKSMITHD_REBOOT_WINDOW_START"),
    text("window_length", LOCKSMITH_SOURCE).variable("LOCKSMITHD_REBOOT_WINDOW_LENGTH"),
];
const FLANNEL_SOURCE: &str = "config/flannel.go: the variable's name";
const FLANNEL: &[Key] = &[
    text("etcd_endpoints", FLANNEL_SOURCE).variable("FLANNELD_ETCD_ENDPOINTS"),
    text("etcd_cafile", FLANNEL_SOURCE).variable("FLANNELD_ETCD_CAFILE"),
    text("etcd_certfile", FLANNEL_SOURCE).variable("FLANNELD_ETCD_CERTFILE"),
    text("etcd_keyfile", FLANNEL_SOURCE).variable("FLANNELD_ETCD_KEYFILE"),
    text("etcd_prefix", FLANNEL_SOURCE).variable("FLANNELD_ETCD_PREFIX"),
    text("etcd_username", FLANNEL_SOURCE).variable("FLANNELD_ETCD_USERNAME"),
    text("etcd_password", FLANNEL_SOURCE).variable("FLANNELD_ETCD_PASSWORD"),
    text("ip_masq", FLANNEL_SOURCE).variable("FLANNELD_IP_MASQ"),
    text("subnet_file", FLANNEL_SOURCE).variable("FLANNELD_SUBNET_FILE"),
    text("interface", FLANNEL_SOURCE).variable("FLANNELD_IFACE"),
    text("public_ip", FLANNEL_SOURCE).variable("FLANNELD_PUBLIC_IP"),
];
const OEM_SOURCE: &str = "system/oem.go: File";
const OEM: &[Key] = &[
    text("id", OEM_SOURCE),
    text("name", OEM_SOURCE),
    text("version_id", OEM_SOURCE),
    text("home_url", OEM_SOURCE),
    text("bug_report_url", OEM_SOURCE),
];
const USER: &[Key] = &[
    text("name", "initialize/config.go: Apply passes over a user without one"),
    text("passwd", "system/user.go: `useradd --password`; `chpasswd -e` of a user who exists"),
    key("ssh_authorized_keys", Shape::Texts, "system/ssh_key.go: `update-ssh-keys -a coreos-cloudinit`"),
    key("groups", Shape::Texts, "system/user.go: `useradd --groups`, joined by commas"),
    text("gecos", "system/user.go: `useradd --comment` with fmt.Sprintf(\"%q\")")
        .misread("`/etc/passwd` gets it in quotation marks"),
    text("homedir", "system/user.go: `useradd --home-dir`"),
    flag("no_create_home", "system/user.go: `useradd --no-create-home`, else `--create-home`"),
    text("primary_group", "system/user.go: `useradd --gid`"),
    flag("no_user_group", "system/user.go: `useradd --no-user-group`"),
    flag("system", "system/user.go: `useradd --system`"),
    flag("no_log_init", "system/user.go: `useradd --no-log-init`"),
    text("shell", "system/user.go: `useradd --shell`"),
    text("coreos_ssh_import_github", "initialize/github.go: SSHImportGithubUser").alone(KEYS_INSTEAD),
    key("coreos_ssh_import_github_users", Shape::Texts, "initialize/github.go: SSHImportGithubUser")
        .alone(KEYS_INSTEAD),
    text("coreos_ssh_import_url", "initialize/ssh_keys.go: SSHImportKeysFromURL").alone(KEYS_INSTEAD),
];
const FILE: &[Key] = &[
    text("path", "system/file.go: WriteFile: joined to `/`; folders 0755; a temporary file beside it, then rename"),
    text("content", "config/config.go: Decode, of all files before anything is applied").wrong(NothingApplied),
    text("owner", "system/file.go: WriteFile: `chown OWNER` of the temporary file"),
    text("permissions", "system/file.go: Permissions: base 8, 0644 when empty; the bits above 0777 are none of Go's"),
    text("encoding", "config/decode.go: DecodeContent; config/file.go: valid").wrong(NothingApplied),
];
const UNIT: &[Key] = &[
    text("name", "initialize/config.go: processUnits skips a unit without one; system/unit.go: Destination")
        .wrong(PassedOver),
    flag("mask", "system/systemd.go: MaskUnit: takes a file away, links to /dev/null"),
    flag("enable", "system/systemd.go: EnableUnitFile, forced; processUnits: not of networkd's files"),
    text("content", "initialize/config.go: processUnits: PlaceUnit, 0644, when it is not empty"),
    text("command", "system/systemd.go: RunUnitCommand, after all units are written and reloaded, to its end"),
    key("drop_ins", Shape::List(Section::DropIn), "initialize/config.go: processUnits: PlaceUnitDropIn, 0644"),
    flag("runtime", "system/unit.go: prefix: below /run instead of /etc; processUnits: unmasked, unless `mask`")
        .alone("leave it out: units are there in every boot"),
];
const DROP_IN: &[Key] = &[
    text("name", "initialize/config.go: processUnits passes over one without").wrong(PassedOver),
    text("content", "initialize/config.go: processUnits passes over one without").wrong(PassedOver),
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
