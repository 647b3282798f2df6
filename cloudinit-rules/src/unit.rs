//! Units that a cloud-config names without their content: those that the image no longer has, and those that it has.

/// What was on CoreOS images and is on none now, by what to do instead.
/// <https://github.com/coreos/bugs/issues/2395>, <https://www.flatcar.org/docs/latest/migrating-from-coreos/>
const RETIRED: [(&str, &str); 4] = [
    ("etcd.service", ETCD_INSTEAD),
    ("etcd2.service", ETCD_INSTEAD),
    ("fleet.service", FLEET_INSTEAD),
    ("fleet.socket", FLEET_INSTEAD),
];
pub const ETCD_INSTEAD: &str = "leave it out: members of etcd are set up by this program";
pub const FLEET_INSTEAD: &str = "leave it out: Docker Swarm places what runs";

/// Flatcar's own, and those of systemd that people set up. What is not here may be there all the same.
/// <https://github.com/flatcar/scripts>, the ebuilds below `sdk_container/src/third_party`
const OF_IMAGE: [&str; 36] = [
    "chronyd.service",
    "containerd.service",
    "coreos-metadata.service",
    "docker.service",
    "docker.socket",
    "etcd-member.service",
    "flanneld.service",
    "ip6tables-restore.service",
    "iptables-restore.service",
    "iscsid.service",
    "locksmithd.service",
    "multi-user.target",
    "multipathd.service",
    "network-online.target",
    "rpcbind.service",
    "sshd.service",
    "sshd.socket",
    "systemd-journal-gatewayd.service",
    "systemd-journal-gatewayd.socket",
    "systemd-journal-remote.service",
    "systemd-journal-upload.service",
    "systemd-journald.service",
    "systemd-logind.service",
    "systemd-modules-load.service",
    "systemd-networkd-wait-online.service",
    "systemd-networkd.service",
    "systemd-networkd.socket",
    "systemd-resolved.service",
    "systemd-sysctl.service",
    "systemd-timesyncd.service",
    "systemd-tmpfiles-clean.timer",
    "systemd-tmpfiles-setup.service",
    "systemd-udevd.service",
    "timers.target",
    "tmp.mount",
    "update-engine.service",
];

/// What to do instead of naming a unit that the image no longer has.
pub fn retired(name: &str) -> Option<&'static str> {
    RETIRED.iter().find(|(unit, _)| *unit == name).map(|(_, instead)| *instead)
}

/// Whether the image is known to have the unit.
pub fn is_of_image(name: &str) -> bool {
    OF_IMAGE.contains(&name)
        || template(name)
            .is_some_and(|template| template.starts_with("getty@") || template.starts_with("serial-getty@"))
}

/// The template that a unit's name is an instance of: `a@.service` of `a@b.service`.
/// <https://www.freedesktop.org/software/systemd/man/latest/systemd.unit.html#Description>
pub fn template(name: &str) -> Option<String> {
    let (prefix, instance) = name.split_once('@')?;
    let (instance, suffix) = instance.rsplit_once('.')?;
    (!instance.is_empty()).then(|| format!("{prefix}@.{suffix}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        for (name, is_retired, is_there) in [
            ("etcd2.service", true, false),
            ("etcd.service", true, false),
            ("fleet.socket", true, false),
            ("etcd-member.service", false, true),
            ("serial-getty@ttyS0.service", false, true),
            ("serial-getty@.service", false, false),
            ("nonsense.service", false, false),
        ] {
            assert_eq!((retired(name).is_some(), is_of_image(name)), (is_retired, is_there), "{name}");
        }
        assert!(OF_IMAGE.is_sorted());
        assert_eq!(template("a@b.c.service").as_deref(), Some("a@.service"));
        assert_eq!(template("a.service"), None);
    }
}
