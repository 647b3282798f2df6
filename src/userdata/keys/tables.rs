//! The keys of each section.

use super::{Effect, Key, Section, Shape};

const fn key(name: &'static str, shape: Shape, effect: Effect) -> Key {
    Key { name, shape, effect }
}

const fn acts(name: &'static str, shape: Shape) -> Key {
    key(name, shape, Effect::Acts)
}

const UPDATE_FILE_INSTEAD: Effect = Effect::ActsAlone("write `/etc/flatcar/update.conf` by `write_files`");
const KEYS_INSTEAD: Effect = Effect::ActsAlone("put the keys into `ssh_authorized_keys`: nothing is fetched at boot");
const NO_UNIT: &str = "sets up a unit that the image no longer has";
const ETCD_INSTEAD: &str = "leave it out: members of etcd are set up by this program";

const DOCUMENT: &[Key] = &[
    key("hostname", Shape::Text, Effect::ActsAlone("leave it out: each node's name is its hostname")),
    acts("ssh_authorized_keys", Shape::Texts),
    acts("users", Shape::List(Section::User)),
    acts("write_files", Shape::List(Section::File)),
    acts("coreos", Shape::Mapping(Section::CoreOs)),
    key("manage_etc_hosts", Shape::Text, Effect::ActsAlone("write `/etc/hosts` by `write_files`")),
];
const CORE_OS: &[Key] = &[
    acts("update", Shape::Mapping(Section::Update)),
    acts("units", Shape::List(Section::Unit)),
    key(
        "locksmith",
        Shape::Mapping(Section::Locksmith),
        Effect::ActsAlone("write a drop-in of `locksmithd.service` in `coreos.units`"),
    ),
    key(
        "flannel",
        Shape::Mapping(Section::Flannel),
        Effect::ActsAlone("write a drop-in of `flanneld.service` in `coreos.units`"),
    ),
    key("oem", Shape::Mapping(Section::Oem), Effect::ActsAlone("leave it out: the image says what it is")),
    key("etcd", Shape::Text, Effect::Dead(NO_UNIT, ETCD_INSTEAD)),
    key("etcd2", Shape::Text, Effect::Dead(NO_UNIT, ETCD_INSTEAD)),
    key("fleet", Shape::Text, Effect::Dead(NO_UNIT, "leave it out: Docker Swarm places what runs")),
];
const UPDATE: &[Key] = &[
    acts("reboot_strategy", Shape::Text),
    key("group", Shape::Text, UPDATE_FILE_INSTEAD),
    key("server", Shape::Text, UPDATE_FILE_INSTEAD),
];
const LOCKSMITH: &[Key] = &[
    acts("endpoint", Shape::Text),
    acts("etcd_cafile", Shape::Text),
    acts("etcd_certfile", Shape::Text),
    acts("etcd_keyfile", Shape::Text),
    acts("group", Shape::Text),
    acts("window_start", Shape::Text),
    acts("window_length", Shape::Text),
];
const FLANNEL: &[Key] = &[
    acts("etcd_endpoints", Shape::Text),
    acts("etcd_cafile", Shape::Text),
    acts("etcd_certfile", Shape::Text),
    acts("etcd_keyfile", Shape::Text),
    acts("etcd_prefix", Shape::Text),
    acts("etcd_username", Shape::Text),
    acts("etcd_password", Shape::Text),
    acts("ip_masq", Shape::Text),
    acts("subnet_file", Shape::Text),
    acts("interface", Shape::Text),
    acts("public_ip", Shape::Text),
];
const OEM: &[Key] = &[
    acts("id", Shape::Text),
    acts("name", Shape::Text),
    acts("version_id", Shape::Text),
    acts("home_url", Shape::Text),
    acts("bug_report_url", Shape::Text),
];
const USER: &[Key] = &[
    acts("name", Shape::Text),
    acts("passwd", Shape::Text),
    acts("ssh_authorized_keys", Shape::Texts),
    acts("groups", Shape::Texts),
    acts("gecos", Shape::Text),
    acts("homedir", Shape::Text),
    acts("no_create_home", Shape::Flag),
    acts("primary_group", Shape::Text),
    acts("no_user_group", Shape::Flag),
    acts("system", Shape::Flag),
    acts("no_log_init", Shape::Flag),
    acts("shell", Shape::Text),
    key("coreos_ssh_import_github", Shape::Text, KEYS_INSTEAD),
    key("coreos_ssh_import_github_users", Shape::Texts, KEYS_INSTEAD),
    key("coreos_ssh_import_url", Shape::Text, KEYS_INSTEAD),
];
const FILE: &[Key] = &[
    acts("path", Shape::Text),
    acts("content", Shape::Text),
    acts("owner", Shape::Text),
    acts("permissions", Shape::Text),
    acts("encoding", Shape::Text),
];
const UNIT: &[Key] = &[
    acts("name", Shape::Text),
    acts("mask", Shape::Flag),
    acts("enable", Shape::Flag),
    acts("content", Shape::Text),
    acts("command", Shape::Text),
    acts("drop_ins", Shape::List(Section::DropIn)),
    key("runtime", Shape::Flag, Effect::ActsAlone("leave it out: units are there in every boot")),
];
const DROP_IN: &[Key] = &[acts("name", Shape::Text), acts("content", Shape::Text)];

impl Section {
    /// The keys of such a mapping that coreos-cloudinit reads.
    pub(crate) const fn keys(self) -> &'static [Key] {
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

/// Keys that only cloud-init reads, and what to do instead.
/// <https://docs.cloud-init.io/en/latest/reference/modules.html>
pub(super) fn cloud_init_keys(section: Section) -> &'static [(&'static str, &'static str)] {
    const COMMANDS: &str = "write a unit of `Type=oneshot` with `command: start` in `coreos.units`";
    const PACKAGES: &str = "leave it out: the image has no package manager; run it in a container";
    const DISKS: &str = "write a `.mount` unit in `coreos.units`; data disks are set up by this program";
    const FILE: &str = "write the file by `write_files`";
    const ACCOUNTS: &str = "write it in `users`";
    const OUT: &str = "leave it out";
    match section {
        Section::Document => &[
            ("runcmd", COMMANDS),
            ("bootcmd", COMMANDS),
            ("power_state", COMMANDS),
            ("phone_home", COMMANDS),
            ("packages", PACKAGES),
            ("package_update", PACKAGES),
            ("package_upgrade", PACKAGES),
            ("package_reboot_if_required", PACKAGES),
            ("apt", PACKAGES),
            ("snap", PACKAGES),
            ("yum_repos", PACKAGES),
            ("ansible", PACKAGES),
            ("puppet", PACKAGES),
            ("chef", PACKAGES),
            ("salt_minion", PACKAGES),
            ("mounts", DISKS),
            ("disk_setup", DISKS),
            ("fs_setup", DISKS),
            ("swap", DISKS),
            ("growpart", OUT),
            ("resize_rootfs", OUT),
            ("ntp", "give `--ntp-server`"),
            ("timezone", COMMANDS),
            ("locale", OUT),
            ("keyboard", OUT),
            ("ca_certs", FILE),
            ("resolv_conf", FILE),
            ("manage_resolv_conf", FILE),
            ("rsyslog", FILE),
            ("chpasswd", ACCOUNTS),
            ("password", ACCOUNTS),
            ("groups", ACCOUNTS),
            ("user", ACCOUNTS),
            ("ssh_import_id", "write the keys in `ssh_authorized_keys`"),
            ("ssh_keys", "leave it out: host keys are made by this program"),
            ("ssh_deletekeys", OUT),
            ("ssh_genkeytypes", OUT),
            ("ssh_pwauth", "write `/etc/ssh/sshd_config.d/` by `write_files`"),
            ("disable_root", OUT),
            ("fqdn", "leave it out: each node's name is its hostname"),
            ("preserve_hostname", OUT),
            ("final_message", OUT),
            ("output", OUT),
            ("merge_how", OUT),
            ("cloud_init_modules", OUT),
            ("cloud_config_modules", OUT),
            ("cloud_final_modules", OUT),
        ],
        Section::User => &[
            ("sudo", "write `groups: [sudo]`"),
            ("lock_passwd", "leave it out: without `passwd` there is no password"),
            ("plain_text_passwd", "write the password's hash as `passwd`"),
            ("hashed_passwd", "write `passwd`"),
            ("ssh_import_id", "write the keys in `ssh_authorized_keys`"),
            ("uid", OUT),
            ("expiredate", OUT),
            ("inactive", OUT),
            ("selinux_user", OUT),
        ],
        Section::File => &[
            ("append", "write the whole file"),
            ("defer", "leave it out: files are written after users are made"),
            ("source", "write the content itself"),
        ],
        _ => &[],
    }
}
