//! The typed model of a node's configuration: cloud-config as Flatcar's coreos-cloudinit reads it today, plus what only
//! Ignition can do before the first boot.
//!
//! <https://github.com/flatcar/coreos-cloudinit>: keys are spelled with underscores only.

use serde::{Deserialize, Serialize};

/// A node's whole configuration.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct UserData {
    /// What both dialects can say.
    pub cloud_config: CloudConfig,
    /// Made before the first boot.
    pub filesystems: Vec<Filesystem>,
}

/// A filesystem that is made once and kept when it is already there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Filesystem {
    /// Stable device name.
    pub device: String,
    /// Such as `ext4`.
    pub format: String,
    /// Label, 16 characters at most.
    pub label: String,
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
    #[serde(skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub server: Option<String>,
}

/// An account.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct User {
    pub name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub passwd: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ssh_authorized_keys: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shell: Option<String>,
}

/// A file.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WriteFile {
    pub path: String,
    pub content: String,
    /// `user:group`, by name or number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    /// Octal, `0644` when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub permissions: Option<String>,
    /// `base64` (`b64`) when `content` is encoded so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub encoding: Option<String>,
}

impl std::fmt::Debug for WriteFile {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Files hold private keys.
        formatter.debug_struct("WriteFile").field("path", &self.path).finish_non_exhaustive()
    }
}

/// A systemd unit.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Unit {
    pub name: String,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub mask: bool,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub enable: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content: Option<String>,
    /// `start` starts the unit at once; Ignition enables it instead, which comes to the same before the first boot.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub command: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub drop_ins: Vec<DropIn>,
}

/// A drop-in of a unit.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DropIn {
    pub name: String,
    pub content: String,
}

impl CloudConfig {
    /// Lays `over` on top: scalars replace; keys append; files replace by path, users and units merge by name and
    /// drop-ins replace by name.
    pub fn merge(&mut self, over: CloudConfig) {
        if over.hostname.is_some() {
            self.hostname = over.hostname;
        }
        append_new(&mut self.ssh_authorized_keys, over.ssh_authorized_keys);
        for file in over.write_files {
            replace_or_push(&mut self.write_files, file, |file| file.path.clone());
        }
        for user in over.users {
            match self.users.iter_mut().find(|known| known.name == user.name) {
                Some(known) => known.merge(user),
                None => self.users.push(user),
            }
        }
        for unit in over.coreos.units {
            match self.coreos.units.iter_mut().find(|known| known.name == unit.name) {
                Some(known) => known.merge(unit),
                None => self.coreos.units.push(unit),
            }
        }
        if let Some(update) = over.coreos.update {
            let known = self.coreos.update.get_or_insert_default();
            known.reboot_strategy = update.reboot_strategy.or(known.reboot_strategy.take());
            known.group = update.group.or(known.group.take());
            known.server = update.server.or(known.server.take());
        }
    }
}

impl User {
    fn merge(&mut self, over: User) {
        append_new(&mut self.ssh_authorized_keys, over.ssh_authorized_keys);
        append_new(&mut self.groups, over.groups);
        self.passwd = over.passwd.or(self.passwd.take());
        self.shell = over.shell.or(self.shell.take());
    }
}

impl Unit {
    fn merge(&mut self, over: Unit) {
        self.mask |= over.mask;
        self.enable |= over.enable;
        self.content = over.content.or(self.content.take());
        self.command = over.command.or(self.command.take());
        for drop_in in over.drop_ins {
            replace_or_push(&mut self.drop_ins, drop_in, |drop_in| drop_in.name.clone());
        }
    }
}

fn append_new(list: &mut Vec<String>, more: Vec<String>) {
    for item in more {
        if !list.contains(&item) {
            list.push(item);
        }
    }
}

fn replace_or_push<T>(list: &mut Vec<T>, item: T, key: impl Fn(&T) -> String) {
    match list.iter_mut().find(|known| key(known) == key(&item)) {
        Some(known) => *known = item,
        None => list.push(item),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::yaml;

    #[test]
    fn overlays_merge_by_path_and_name() {
        let mut base: CloudConfig = yaml::from_str(
            "ssh_authorized_keys: [a]\nwrite_files: [{path: /x, content: old}, {path: /y, content: kept}]\n\
             coreos: {update: {reboot_strategy: 'off'}, units: [{name: u.service, enable: true, drop_ins: [{name: 1.conf, content: a}]}]}",
        )
        .unwrap();
        let over: CloudConfig = yaml::from_str(
            "ssh_authorized_keys: [a, b]\nwrite_files: [{path: /x, content: new}]\n\
             coreos: {update: {group: beta}, units: [{name: u.service, drop_ins: [{name: 2.conf, content: b}]}, {name: v.service, mask: true}]}",
        )
        .unwrap();
        base.merge(over);
        assert_eq!(base.ssh_authorized_keys, ["a", "b"]);
        assert_eq!(
            base.write_files.iter().map(|f| (&*f.path, &*f.content)).collect::<Vec<_>>(),
            [("/x", "new"), ("/y", "kept")]
        );
        let update = base.coreos.update.unwrap();
        assert_eq!((update.reboot_strategy.as_deref(), update.group.as_deref()), (Some("off"), Some("beta")));
        assert_eq!(base.coreos.units.len(), 2);
        assert!(base.coreos.units[0].enable);
        assert_eq!(base.coreos.units[0].drop_ins.len(), 2);
    }
}
