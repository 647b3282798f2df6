//! The files that this program writes, which a user's file may replace, and may not be in the way of.

use super::cloud_config::{HOSTNAME_FILE, UPDATE_FILE};
use super::mistake::Mistake;
use super::path;
use super::purpose::Purpose;

/// Everything that some node gets; a test holds them against what is rendered.
pub(super) const FILES: [&str; 13] = [
    HOSTNAME_FILE,
    UPDATE_FILE,
    "/etc/chrony/sources.d/azure-coreos-cluster.sources",
    "/etc/environment",
    "/etc/modules-load.d/nf_conntrack.conf",
    "/etc/ssh/ssh_host_ed25519_key",
    "/etc/ssh/ssh_host_ed25519_key.pub",
    "/etc/ssl/etcd/ca.crt",
    "/etc/ssl/etcd/client.crt",
    "/etc/ssl/etcd/client.key",
    "/etc/ssl/etcd/member.crt",
    "/etc/ssl/etcd/member.key",
    "/etc/sysctl.d/80-azure-coreos-cluster.conf",
];
/// Where both readers put units and their drop-ins.
const UNIT_FOLDERS: [&str; 3] = [
    "/etc/systemd/system/docker.service.d",
    "/etc/systemd/system/etcd-member.service.d",
    // Enabled ones.
    "/etc/systemd/system/multi-user.target.wants",
];

/// Whether a unit of this name is one that this program brings.
pub(super) fn is_unit(name: &str) -> bool {
    let is_named = |start: &str, end: &str| {
        let label = name.strip_prefix(start).and_then(|rest| rest.strip_suffix(end)).unwrap_or_default();
        let number = label.strip_prefix("data").unwrap_or_default();
        label == "docker" || (!number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()))
    };
    is_named("var-lib-", ".mount") || is_named("format-", ".service") || name == "etcdctl.service"
}

/// What a user puts at a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    File,
    Directory,
    Link,
}

/// What keeps something of the user's and what is ours from being there together. The path is clean.
pub(super) fn conflict(path: &str, kind: Kind, purpose: Purpose) -> Option<Mistake> {
    in_the_way(path, kind)?.where_merged(purpose)
}

fn in_the_way(path: &str, kind: Kind) -> Option<Mistake> {
    if let Some(file) = FILES.iter().find(|file| path::is_within(path, file)) {
        return match (path == *file, kind) {
            (true, Kind::File) => None,
            (true, _) => {
                Some(Mistake::new(format!("`{path}` is a file of ours"), "write it as a file, or leave it out"))
            }
            (false, _) => Some(path::below(file, "a file of ours")),
        };
    }
    let is_folder_of = |folder: &&str| path::is_within(folder, path);
    let needs =
        FILES.iter().find(|file| is_folder_of(file)).or(UNIT_FOLDERS.iter().find(|folder| is_folder_of(folder)));
    let needs = needs.filter(|_| kind != Kind::Directory)?;
    Some(Mistake::new(format!("`{path}` must be a folder: `{needs}` is in it"), "give it another path"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conflicts() {
        for (path, [file, directory, link]) in [
            ("/etc/environment", [true, false, false]),
            ("/etc/environment/x", [false, false, false]),
            ("/etc/ssl/etcd", [false, true, false]),
            ("/etc", [false, true, false]),
            ("/etc/ssl/etcd/mine", [true, true, true]),
            ("/etc/ssl/et", [true, true, true]),
            ("/etc/systemd/system/docker.service.d", [false, true, false]),
            ("/etc/systemd/system/docker.service.d/9.conf", [true, true, true]),
            ("/opt/x", [true, true, true]),
        ] {
            for (kind, right) in [(Kind::File, file), (Kind::Directory, directory), (Kind::Link, link)] {
                let found = conflict(path, kind, Purpose::default());
                assert_eq!(found.is_none(), right, "{path} {kind:?}: {found:?}");
                let alone = conflict(path, kind, Purpose::CloudConfigAlone);
                assert_eq!(alone.map(|mistake| mistake.what.starts_with("cannot be merged: ")), found.map(|_| true));
                assert_eq!(conflict(path, kind, Purpose::Rendered { fedora_coreos: false }), None);
            }
        }
    }
}
