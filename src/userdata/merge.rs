//! How the user's cloud-config is laid over ours.

use super::cloud_config::{CloudConfig, UPDATE_FILE, Unit, User};

impl CloudConfig {
    /// Lays `over` on top. What has a name (files by path, users, units and drop-ins by name) is met by it: a file and a
    /// drop-in replace, a user and a unit are merged field by field. Of fields, a value replaces, lists append what is
    /// new, and what is on stays on. A masked unit loses everything else.
    pub fn merge(&mut self, over: CloudConfig) {
        self.hostname = over.hostname.or(self.hostname.take());
        append_new(&mut self.ssh_authorized_keys, over.ssh_authorized_keys);
        for file in over.write_files {
            if file.path == UPDATE_FILE {
                self.coreos.update = None;
            }
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
        }
    }
}

impl User {
    fn merge(&mut self, over: User) {
        append_new(&mut self.ssh_authorized_keys, over.ssh_authorized_keys);
        append_new(&mut self.groups, over.groups);
        self.passwd = over.passwd.or(self.passwd.take());
        self.gecos = over.gecos.or(self.gecos.take());
        self.homedir = over.homedir.or(self.homedir.take());
        self.primary_group = over.primary_group.or(self.primary_group.take());
        self.shell = over.shell.or(self.shell.take());
        self.no_create_home |= over.no_create_home;
        self.no_user_group |= over.no_user_group;
        self.system |= over.system;
        self.no_log_init |= over.no_log_init;
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
    use diagnostics::yaml;

    /// Each rule of docs/user-data.md: ours, the user's, and what comes of both.
    #[test]
    fn rules() {
        for (rule, ours, theirs, merged) in [
            ("keys append", "ssh_authorized_keys: [a]", "ssh_authorized_keys: [b, a]", "ssh_authorized_keys: [a, b]"),
            (
                "a file replaces by path",
                "write_files: [{path: /x, content: a, permissions: '0600'}, {path: /y, content: c}]",
                "write_files: [{path: /x, content: b}, {path: /z, content: d}]",
                "write_files: [{path: /x, content: b}, {path: /y, content: c}, {path: /z, content: d}]",
            ),
            (
                "a user merges by name",
                "users: [{name: u, groups: [g], shell: /bin/a, system: true}]",
                "users: [{name: u, groups: [h, g], shell: /bin/b, ssh_authorized_keys: [k]}, {name: v}]",
                "users: [{name: u, groups: [g, h], shell: /bin/b, system: true, ssh_authorized_keys: [k]}, {name: v}]",
            ),
            (
                "a unit merges by name, a drop-in replaces by name",
                "coreos: {units: [{name: u.service, enable: true, drop_ins: [{name: 1.conf, content: a}]}]}",
                "coreos: {units: [{name: u.service, drop_ins: [{name: 1.conf, content: b}, {name: 2.conf, content: c}]}]}",
                "coreos: {units: [{name: u.service, enable: true, \
                 drop_ins: [{name: 1.conf, content: b}, {name: 2.conf, content: c}]}]}",
            ),
            (
                "a unit's content replaces",
                "coreos: {units: [{name: u.service, content: a}]}",
                "coreos: {units: [{name: u.service, content: b, command: start}]}",
                "coreos: {units: [{name: u.service, content: b, command: start}]}",
            ),
            (
                "a unit can be masked",
                "coreos: {units: [{name: u.service, enable: true}]}",
                "coreos: {units: [{name: u.service, mask: true}]}",
                "coreos: {units: [{name: u.service, enable: true, mask: true}]}",
            ),
            (
                "the reboot strategy replaces",
                "coreos: {update: {reboot_strategy: 'off'}}",
                "coreos: {update: {reboot_strategy: reboot}}",
                "coreos: {update: {reboot_strategy: reboot}}",
            ),
            ("nothing said, nothing changed", "coreos: {update: {reboot_strategy: 'off'}}", "users: []", {
                "coreos: {update: {reboot_strategy: 'off'}}"
            }),
            (
                "a file of update settings replaces ours whole",
                "coreos: {update: {reboot_strategy: 'off'}}",
                "write_files: [{path: /etc/flatcar/update.conf, content: x}]",
                "write_files: [{path: /etc/flatcar/update.conf, content: x}]",
            ),
        ] {
            let read = |text: &str| yaml::from_str::<CloudConfig>(text).unwrap();
            let mut config = read(ours);
            config.merge(read(theirs));
            assert_eq!(config, read(merged), "{rule}");
        }
    }
}
