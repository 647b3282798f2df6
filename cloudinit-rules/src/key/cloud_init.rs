//! Keys that Canonical's cloud-init reads and coreos-cloudinit does not.

use super::Section;

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
