//! The typed model of a node's configuration: cloud-config as Flatcar's coreos-cloudinit reads it today, plus the
//! filesystems that must be there before it is mounted. Both dialects are written from it.
//!
//! <https://github.com/flatcar/coreos-cloudinit>: keys are spelled with underscores only.

use serde::{Deserialize, Serialize};

/// The account that every CoreOS-style image has.
pub const CORE_USER: &str = "core";
/// Where Flatcar's update settings are.
/// <https://www.flatcar.org/docs/latest/setup/releases/update-strategies/>
pub const UPDATE_FILE: &str = "/etc/flatcar/update.conf";
/// The machine's name.
pub const HOSTNAME_FILE: &str = "/etc/hostname";

/// A node's whole configuration.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct UserData {
    /// What both dialects say in the same words.
    pub cloud_config: CloudConfig,
    /// Each is made before it is mounted.
    pub filesystems: Vec<Filesystem>,
}

/// An ext4 filesystem that is made once and kept when it is already there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Filesystem {
    /// Stable device name.
    pub device: String,
    /// Label, 16 characters at most.
    pub label: String,
    /// The unit that mounts it.
    pub mount_unit: String,
}

/// A cloud-config document.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CloudConfig {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hostname: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ssh_authorized_keys: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub users: Vec<User>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub write_files: Vec<WriteFile>,
    pub coreos: CoreOs,
}

/// The `coreos:` section.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CoreOs {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub update: Option<Update>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub units: Vec<Unit>,
}

/// When a machine reboots for an update.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Update {
    /// `off`, `reboot` or `etcd-lock`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reboot_strategy: Option<String>,
}

/// An account.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct User {
    pub name: String,
    /// A hash, as `/etc/shadow` holds it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub passwd: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ssh_authorized_keys: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gecos: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub homedir: Option<String>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub no_create_home: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub primary_group: Option<String>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub no_user_group: bool,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub system: bool,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub no_log_init: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shell: Option<String>,
}

/// A file.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WriteFile {
    pub path: String,
    #[serde(default)]
    pub content: String,
    /// `user:group`, by name or number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    /// Octal, `0644` when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub permissions: Option<String>,
    /// How `content` is encoded; as it stands when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub encoding: Option<Encoding>,
}

/// How a file's content is written down.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Encoding {
    #[serde(rename = "base64", alias = "b64")]
    Base64,
    /// Compressed, then base64.
    #[serde(rename = "gzip+base64", alias = "gz+base64", alias = "gz+b64", alias = "gzip+b64")]
    GzipBase64,
}

/// A systemd unit.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Unit {
    pub name: String,
    /// A masked unit is nothing but masked.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub mask: bool,
    /// Started in this boot and in every later one.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub enable: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content: Option<String>,
    /// In a user's file only `start`, which both dialects take for `enable`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub command: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub drop_ins: Vec<DropIn>,
}

/// A drop-in of a unit.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DropIn {
    pub name: String,
    pub content: String,
}

impl Unit {
    /// Whether it is to run from the first boot on.
    pub fn runs(&self) -> bool {
        !self.mask && (self.enable || self.command.as_deref() == Some("start"))
    }

    /// Whether it brings the unit's file.
    pub fn has_content(&self) -> bool {
        self.content.as_ref().is_some_and(|content| !content.is_empty())
    }
}

impl CloudConfig {
    /// Whether a file of this path is written.
    pub fn writes(&self, path: &str) -> bool {
        self.write_files.iter().any(|file| file.path == path)
    }

    /// All files: those that are written, and the one that the update settings come to unless it is among them.
    pub fn files(&self) -> Vec<WriteFile> {
        let strategy = self.coreos.update.as_ref().and_then(|update| update.reboot_strategy.as_ref());
        let settings = strategy.filter(|_| !self.writes(UPDATE_FILE)).map(|strategy| WriteFile {
            path: UPDATE_FILE.into(),
            content: format!("REBOOT_STRATEGY={strategy}\n"),
            ..WriteFile::default()
        });
        settings.into_iter().chain(self.write_files.iter().cloned()).collect()
    }

    /// All accounts, `core` first and with all keys that are its own.
    pub fn accounts(&self) -> Vec<User> {
        let mut core = User { name: CORE_USER.into(), ..User::default() };
        let mut others = Vec::new();
        for user in &self.users {
            match user.name == CORE_USER {
                true => core = user.clone(),
                false => others.push(user.clone()),
            }
        }
        for key in self.ssh_authorized_keys.iter().rev() {
            // Ignition refuses a key that stands twice.
            core.ssh_authorized_keys.retain(|known| known != key);
            core.ssh_authorized_keys.insert(0, key.clone());
        }
        others.insert(0, core);
        others
    }
}

/// Contents and hashes stay out of logs: they hold keys and tokens.
macro_rules! debug_by {
    ($($type:ident: $name:ident),*) => {$(
        impl std::fmt::Debug for $type {
            fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.debug_struct(stringify!($type)).field(stringify!($name), &self.$name).finish_non_exhaustive()
            }
        }
    )*};
}
debug_by!(WriteFile: path, User: name, Unit: name, DropIn: name);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_of_core_stands_once() {
        let core = User { name: "core".into(), ssh_authorized_keys: vec!["b".into(), "c".into()], ..User::default() };
        let other = User { name: "a".into(), ..User::default() };
        let config = CloudConfig {
            ssh_authorized_keys: vec!["a".into(), "b".into()],
            users: vec![other, core],
            ..CloudConfig::default()
        };
        let accounts = config.accounts();
        assert_eq!(accounts.iter().map(|user| &*user.name).collect::<Vec<_>>(), ["core", "a"]);
        assert_eq!(accounts[0].ssh_authorized_keys, ["a", "b", "c"]);
    }

    #[test]
    fn secrets_are_in_no_debug_text() {
        let secret = || "hunter2".to_owned();
        let user = User { passwd: Some(secret()), ..User::default() };
        let file = WriteFile { content: secret(), ..WriteFile::default() };
        let drop_ins = vec![DropIn { content: secret(), ..DropIn::default() }];
        let unit = Unit { content: Some(secret()), drop_ins: drop_ins.clone(), ..Unit::default() };
        let text = format!("{user:?} {file:?} {unit:?} {drop_ins:?}");
        assert!(!text.contains(&secret()) && text.starts_with("User { name: \"\", .. }"), "{text}");
    }

    #[test]
    fn update_settings_of_ones_own_stand_alone() {
        let update = Some(Update { reboot_strategy: Some("off".into()) });
        let mut config = CloudConfig { coreos: CoreOs { update, ..CoreOs::default() }, ..CloudConfig::default() };
        let contents = |config: &CloudConfig| config.files().into_iter().map(|file| file.content).collect::<Vec<_>>();
        assert_eq!(contents(&config), ["REBOOT_STRATEGY=off\n"]);
        config.write_files.push(WriteFile {
            path: UPDATE_FILE.into(),
            content: "GROUP=beta\n".into(),
            ..WriteFile::default()
        });
        assert_eq!(contents(&config), ["GROUP=beta\n"]);
    }
}
