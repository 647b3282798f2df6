//! Writes a [`UserData`] down as a `#cloud-config` that Flatcar's coreos-cloudinit reads.
//!
//! It runs late, in every boot, and does things in this order: hostname, users, keys, files, units (content, drop-ins,
//! masks, enabling), `daemon-reload`, and then the units' commands one by one, each to its end.
//! <https://github.com/flatcar/coreos-cloudinit/blob/flatcar-master/initialize/config.go>

use cloudinit_rules::substitution::SUBSTITUTIONS;
use cloudinit_rules::unit::{is_of_image, template};
use cloudinit_rules::vocabulary::HEADER;
use minijinja::context;

use super::cloud_config::{CORE_USER, CloudConfig, CoreOs, UPDATE_FILE, Unit, User, UserData};
use super::size::Part;
use super::unit_name::device_unit;
use super::{ETCD_UNIT, UserDataError};
use crate::spec::TemplateSet;
use diagnostics::yaml;

/// Folders that are read while the machine starts, before our files are written; the units that read them, and the command
/// that makes them do it again. In this order: a kernel setting may be one of a module's.
const READ_EARLIER: [(&str, &str, &str); 5] = [
    ("/etc/ssh/", "sshd.service", "try-restart"),
    // It is not started at all when it has nothing to load.
    ("/etc/modules-load.d/", "systemd-modules-load.service", "restart"),
    ("/etc/sysctl.d/", "systemd-sysctl.service", "restart"),
    ("/etc/chrony/", "chronyd.service", "try-restart"),
    ("/etc/systemd/network/", "systemd-networkd.service", "try-restart"),
];

/// The document that states the same as `user_data`. Units that are not ours by their names come after ours: at one that
/// systemd does not know or cannot load, coreos-cloudinit does nothing more.
pub(super) fn document(
    user_data: &UserData,
    templates: &TemplateSet,
    is_ours: &dyn Fn(&str) -> bool,
) -> Result<CloudConfig, UserDataError> {
    let config = &user_data.cloud_config;
    check_core(config)?;
    let mut users = config.accounts();
    let core = users.remove(0);
    // Its keys have a place of their own; nothing else of an account that exists would be read.
    if let Some(passwd) = core.passwd {
        users.insert(0, User { name: CORE_USER.into(), passwd: Some(passwd), ..User::default() });
    }
    let write_files = config.files();
    let is_written = |folder: &str| write_files.iter().any(|file| file.path.starts_with(folder));
    let mut units: Vec<Unit> = READ_EARLIER
        .into_iter()
        .filter(|(folder, ..)| is_written(folder))
        .map(|(_, name, command)| Unit { name: name.into(), command: Some(command.into()), ..Unit::default() })
        .collect();
    for filesystem in &user_data.filesystems {
        let content = templates.render(
            "format-data-disk.service",
            context! {
                device => filesystem.device.as_str(),
                device_unit => device_unit(&filesystem.device),
                label => filesystem.label.as_str(),
                mount_unit => filesystem.mount_unit.as_str(),
            },
        )?;
        // Enabled, so that the mount requires it; the mount starts it.
        units.push(Unit {
            name: format!("format-{}.service", filesystem.label),
            enable: true,
            content: Some(content),
            ..Unit::default()
        });
    }
    let is_there = |unit: &Unit| {
        let is_brought = |name: &str| config.coreos.units.iter().any(|unit| unit.name == name && unit.has_content());
        is_brought(&unit.name) || is_of_image(&unit.name) || template(&unit.name).is_some_and(|name| is_brought(&name))
    };
    let started = |unit: &Unit| match unit.mask {
        true => Unit { name: unit.name.clone(), mask: true, ..Unit::default() },
        false => Unit {
            command: unit.runs().then(|| "start".into()),
            // To enable what is not there would stop it before all commands; every boot starts it by its command.
            enable: unit.enable && (is_ours(&unit.name) || is_there(unit)),
            ..unit.clone()
        },
    };
    // A member of etcd has started when a quorum has; nothing of ours waits behind it.
    let turn = |unit: &&Unit| match is_ours(&unit.name) {
        true => u8::from(unit.name == ETCD_UNIT),
        false => 2 + u8::from(!is_there(unit)),
    };
    let mut ordered: Vec<&Unit> = config.coreos.units.iter().collect();
    ordered.sort_by_key(turn);
    for unit in ordered.into_iter().map(started) {
        match units.iter_mut().find(|known| known.name == unit.name) {
            Some(reader) => *reader = reading_again(unit, reader.command.take()),
            None => units.push(unit),
        }
    }
    // With a file of the user's own, coreos-cloudinit's is not to be written over it.
    let update = config.coreos.update.clone().filter(|_| !config.writes(UPDATE_FILE));
    Ok(CloudConfig {
        hostname: config.hostname.clone(),
        ssh_authorized_keys: core.ssh_authorized_keys,
        users,
        write_files,
        coreos: CoreOs { update, units },
    })
}

/// A unit of ours or the user's that has to read its folder again; to start it would not do.
fn reading_again(unit: Unit, command: Option<String>) -> Unit {
    let command = if unit.runs() { Some("restart".into()) } else { command };
    Unit { command: command.filter(|_| !unit.mask), ..unit }
}

/// What is said of `core` beyond keys and password does not act: the account exists when coreos-cloudinit runs.
/// <https://github.com/flatcar/coreos-cloudinit/blob/flatcar-master/initialize/config.go>
fn check_core(config: &CloudConfig) -> Result<(), UserDataError> {
    let Some(core) = config.users.iter().find(|user| user.name == CORE_USER) else { return Ok(()) };
    let read = User {
        name: core.name.clone(),
        passwd: core.passwd.clone(),
        ssh_authorized_keys: core.ssh_authorized_keys.clone(),
        ..User::default()
    };
    if *core == read { Ok(()) } else { Err(UserDataError::CoreIsThere) }
}

/// The document's text.
pub(super) fn text(document: &CloudConfig) -> Result<String, UserDataError> {
    let failed = |error: yaml::YamlError| UserDataError::Template("cloud-config", error.to_string());
    let mut text = format!("{HEADER}\n{}", yaml::to_string(document).map_err(failed)?);
    for name in SUBSTITUTIONS {
        text = text.replace(name, &format!("\\{name}"));
    }
    Ok(text)
}

/// Files and units with their sizes in bytes.
pub(super) fn parts(document: &CloudConfig) -> Vec<Part> {
    let size = |text: &Option<String>| text.as_ref().map_or(0, String::len);
    let files = document.write_files.iter().map(|file| Part { bytes: file.content.len(), name: file.path.clone() });
    let units = document.coreos.units.iter().map(|unit| {
        let drop_ins: usize = unit.drop_ins.iter().map(|drop_in| drop_in.content.len()).sum();
        Part { bytes: size(&unit.content) + drop_ins, name: unit.name.clone() }
    });
    files.chain(units).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::cloud_config::{DropIn, Filesystem, WriteFile};

    fn unit(name: &str) -> Unit {
        Unit { name: name.into(), enable: true, ..Unit::default() }
    }

    fn config(units: Vec<Unit>) -> CloudConfig {
        CloudConfig { coreos: CoreOs { units, ..CoreOs::default() }, ..CloudConfig::default() }
    }

    fn file(path: &str) -> WriteFile {
        WriteFile { path: path.into(), ..WriteFile::default() }
    }

    fn commands(user_data: &UserData) -> Vec<(String, Option<String>)> {
        let document = document(user_data, &TemplateSet::default(), &|_| true).unwrap();
        document.coreos.units.into_iter().map(|unit| (unit.name, unit.command)).collect()
    }

    #[test]
    fn etcd_starts_last_and_disks_are_formatted_by_their_mount() {
        let filesystem =
            Filesystem { device: "/dev/x".into(), label: "docker".into(), mount_unit: "var-lib-docker.mount".into() };
        let masked = Unit { mask: true, content: Some("x".into()), ..unit("masked.service") };
        let units = vec![unit(ETCD_UNIT), unit("var-lib-docker.mount"), masked, unit("docker.service")];
        let mut cloud_config = config(units);
        cloud_config.write_files =
            ["/etc/sysctl.d/a.conf", "/etc/modules-load.d/a.conf", "/etc/ssh/a"].map(file).into();
        let found = commands(&UserData { cloud_config, filesystems: vec![filesystem] });
        let expected = [
            ("sshd.service", Some("try-restart")),
            ("systemd-modules-load.service", Some("restart")),
            ("systemd-sysctl.service", Some("restart")),
            ("format-docker.service", None),
            ("var-lib-docker.mount", Some("start")),
            ("masked.service", None),
            ("docker.service", Some("start")),
            ("etcd-member.service", Some("start")),
        ];
        assert_eq!(found, expected.map(|(name, command)| (name.to_owned(), command.map(str::to_owned))));
    }

    /// At a unit that is not there the reader stops: with `enable` before all commands, with a command before the next.
    #[test]
    fn ours_start_before_whatever_a_user_starts() {
        let theirs = |name: &str, content: &str| Unit {
            content: Some(content.into()).filter(|content: &String| !content.is_empty()),
            ..unit(name)
        };
        let started = Unit { enable: false, command: Some("start".into()), ..unit("their-nonsense.service") };
        let units = vec![
            unit(ETCD_UNIT),
            unit("docker.service"),
            theirs("their-other.service", ""),
            started,
            theirs("their-own@.service", "x"),
            theirs("their-own@a.service", ""),
            theirs("systemd-journal-gatewayd.socket", ""),
        ];
        let user_data = UserData { cloud_config: config(units), filesystems: Vec::new() };
        let is_ours = |name: &str| [ETCD_UNIT, "docker.service"].contains(&name);
        let document = document(&user_data, &TemplateSet::default(), &is_ours).unwrap();
        let found: Vec<(&str, bool)> = document.coreos.units.iter().map(|unit| (&*unit.name, unit.enable)).collect();
        let expected = [
            ("docker.service", true),
            (ETCD_UNIT, true),
            ("their-own@.service", true),
            ("their-own@a.service", true),
            ("systemd-journal-gatewayd.socket", true),
            ("their-other.service", false),
            ("their-nonsense.service", false),
        ];
        assert_eq!(found, expected);
        assert!(document.coreos.units.iter().all(|unit| unit.command.as_deref() == Some("start")));
    }

    #[test]
    fn the_ssh_server_is_one_unit() {
        let drop_ins = vec![DropIn { name: "a.conf".into(), content: "[Service]\n".into() }];
        for (enable, mask, command) in
            [(false, false, Some("try-restart")), (true, false, Some("restart")), (true, true, None)]
        {
            let mine = Unit { enable, mask, drop_ins: drop_ins.clone(), ..unit("sshd.service") };
            let mut cloud_config = config(vec![mine]);
            cloud_config.write_files = vec![file("/etc/ssh/ssh_host_ed25519_key")];
            let user_data = UserData { cloud_config, filesystems: Vec::new() };
            let document = document(&user_data, &TemplateSet::default(), &|_| true).unwrap();
            let [unit] = document.coreos.units.as_slice() else { panic!("{document:?}") };
            assert_eq!((unit.command.as_deref(), unit.mask), (command, mask));
            assert_eq!(unit.drop_ins.is_empty(), mask, "a masked unit is nothing but masked");
        }
    }

    #[test]
    fn addresses_in_a_text_stay_as_they_are() {
        let content = "a $private_ipv4 \\$public_ipv4$private_ipv6 $private\n";
        let document = config(vec![Unit { content: Some(content.into()), ..unit("a.service") }]);
        let text = text(&document).unwrap();
        assert!(text.contains(r"a \$private_ipv4 \\$public_ipv4\$private_ipv6 $private"), "{text}");
    }

    #[test]
    fn what_would_not_act_is_refused() {
        let core = User { name: "core".into(), groups: vec!["docker".into()], ..User::default() };
        let cloud_config = CloudConfig { users: vec![core], ..CloudConfig::default() };
        let user_data = UserData { cloud_config, ..UserData::default() };
        let error = document(&user_data, &TemplateSet::default(), &|_| true).unwrap_err().to_string();
        assert!(error.contains("`core` exists"), "{error}");
    }
}
