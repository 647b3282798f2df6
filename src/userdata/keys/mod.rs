//! Every key of a cloud-config that somebody may write, and what it comes to on a Flatcar machine.
//!
//! Keys and their values: <https://github.com/flatcar/coreos-cloudinit/tree/flatcar-master/config>.

mod tables;

use diagnostics::suggestion;
use diagnostics::yaml::Value;
use tables::cloud_init_keys;

/// A kind of mapping in a cloud-config.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Section {
    Document,
    CoreOs,
    Update,
    Locksmith,
    Flannel,
    Oem,
    User,
    File,
    Unit,
    DropIn,
}

/// What a key's value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    Text,
    Flag,
    Texts,
    Mapping(Section),
    List(Section),
}

/// What a key does on Flatcar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    Acts,
    /// Acts in a file that is sent as it is. In one that is merged, this is to be done instead.
    ActsAlone(&'static str),
    /// Is read, to no effect: why, and what to do instead.
    Dead(&'static str, &'static str),
}

/// A key that coreos-cloudinit reads.
#[derive(Debug, PartialEq, Eq)]
pub struct Key {
    pub name: &'static str,
    pub shape: Shape,
    pub effect: Effect,
}

/// What a key is that stands in a section.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reading {
    Known(&'static Key),
    /// A known key, spelled with hyphens.
    Hyphenated(&'static str),
    /// Known to cloud-init, which the images do not have; what to do instead.
    CloudInit(&'static str),
    /// Known to nobody; the known key that is nearest, if any is near.
    Unknown(Option<&'static str>),
}

impl Section {
    /// What `name` is in such a mapping.
    pub fn reading(self, name: &str) -> Reading {
        let known = |name: &str| self.keys().iter().find(|key| key.name == name);
        if let Some(key) = known(name) {
            return Reading::Known(key);
        }
        if let Some(key) = known(&name.replace('-', "_")) {
            return Reading::Hyphenated(key.name);
        }
        if let Some((_, instead)) = cloud_init_keys(self).iter().find(|(key, _)| *key == name) {
            return Reading::CloudInit(instead);
        }
        Reading::Unknown(suggestion(name, self.keys().iter().map(|key| key.name)))
    }

    /// Why a key of a file that is sent as it is does nothing, and what to do instead; none when it acts.
    pub fn idle(self, name: &str) -> Option<(String, String)> {
        let (why, instead) = match self.reading(name) {
            Reading::Known(Key { effect: Effect::Dead(why, instead), .. }) => {
                ((*why).to_owned(), (*instead).to_owned())
            }
            Reading::Known(_) => return None,
            Reading::Hyphenated(right) => {
                ("is ignored: Flatcar reads keys with underscores only".into(), format!("write `{right}`"))
            }
            Reading::CloudInit(instead) => {
                ("only cloud-init reads it, which the image does not have".into(), instead.into())
            }
            Reading::Unknown(Some(near)) => ("is unknown and ignored".into(), format!("did you mean `{near}`?")),
            Reading::Unknown(None) => {
                let known: Vec<&str> = self.keys().iter().map(|key| key.name).collect();
                ("is unknown and ignored".into(), format!("known are {}", known.join(", ")))
            }
        };
        Some((why, instead))
    }
}

/// What is wrong with the value of a known key, for those that take only some values.
pub fn value_mistake(section: Section, name: &str, value: &Value) -> Option<String> {
    /// <https://github.com/flatcar/coreos-cloudinit/blob/flatcar-master/config/unit.go>
    const COMMANDS: [&str; 7] =
        ["start", "stop", "restart", "reload", "try-restart", "reload-or-restart", "reload-or-try-restart"];
    const ENCODINGS: [&str; 8] = ["b64", "base64", "gz", "gzip", "gz+b64", "gz+base64", "gzip+b64", "gzip+base64"];
    const SUFFIXES: [&str; 12] = [
        ".service",
        ".socket",
        ".mount",
        ".automount",
        ".timer",
        ".path",
        ".target",
        ".swap",
        ".slice",
        ".network",
        ".netdev",
        ".link",
    ];
    let text = value.as_str()?;
    let one_of = |words: &[&str]| {
        let list = words.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ");
        (!words.contains(&text)).then(|| format!("`{text}` is none of {list}"))
    };
    match (section, name) {
        (Section::Document, "manage_etc_hosts") => one_of(&["localhost"]),
        (Section::Update, "reboot_strategy") => one_of(&["off", "reboot", "etcd-lock"]),
        (Section::File, "encoding") => one_of(&ENCODINGS),
        (Section::File, "path") => (!text.starts_with('/')).then(|| format!("`{text}` is not absolute")),
        (Section::File, "permissions") => {
            let digits = text.len() == 3 || text.len() == 4 || (text.len() == 5 && text.starts_with('0'));
            let octal = digits && text.chars().all(|digit| ('0'..='7').contains(&digit));
            (!octal).then(|| format!("`{text}` is not octal, such as `0644`"))
        }
        (Section::Unit, "command") => one_of(&COMMANDS),
        (Section::Unit, "name") => (!SUFFIXES.iter().any(|suffix| text.ends_with(suffix)))
            .then(|| format!("`{text}` has no suffix such as `.service`")),
        (Section::DropIn, "name") => (!text.ends_with(".conf")).then(|| format!("`{text}` does not end with `.conf`")),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn readings() {
        for (section, name, idle) in [
            (Section::Document, "users", None),
            (Section::Document, "hostname", None),
            (Section::Document, "write-files", Some("write `write_files`")),
            (Section::Document, "runcmd", Some("write a unit of `Type=oneshot`")),
            (Section::Document, "packages", Some("leave it out: the image has no package manager")),
            (Section::Document, "user_s", Some("did you mean `users`?")),
            (Section::CoreOs, "etcd2", Some("leave it out: members of etcd are set up")),
            (Section::CoreOs, "fleet", Some("leave it out: Docker Swarm")),
            (Section::Unit, "drop-ins", Some("write `drop_ins`")),
            (Section::DropIn, "zzz", Some("known are name, content")),
            (Section::User, "sudo", Some("write `groups: [sudo]`")),
            (Section::User, "coreos-ssh-import-github", Some("write `coreos_ssh_import_github`")),
        ] {
            let found = section.idle(name).map(|(_, instead)| instead);
            assert!(
                found.as_deref().unwrap_or("acts").starts_with(idle.unwrap_or("acts")),
                "{section:?} {name}: {found:?}"
            );
        }
    }

    #[test]
    fn values() {
        for (section, name, value, mistake) in [
            (Section::File, "permissions", "0644", None),
            (Section::File, "permissions", "644", None),
            (Section::File, "permissions", "02755", None),
            (Section::File, "permissions", "rw", Some("not octal")),
            (Section::File, "permissions", "12755", Some("not octal")),
            (Section::File, "permissions", "0888", Some("not octal")),
            (Section::File, "path", "etc/x", Some("not absolute")),
            (Section::File, "encoding", "gz+base64", None),
            (Section::File, "encoding", "xz", Some("is none of `b64`")),
            (Section::Update, "reboot_strategy", "best-effort", Some("is none of `off`")),
            (Section::Unit, "name", "hello", Some("no suffix")),
            (Section::Unit, "command", "try-restart", None),
            (Section::Unit, "command", "kill", Some("is none of `start`")),
            (Section::DropIn, "name", "10-x", Some("`.conf`")),
            (Section::Document, "manage_etc_hosts", "true", Some("is none of `localhost`")),
        ] {
            let found = value_mistake(section, name, &Value::String(value.into()));
            match (mistake, &found) {
                (None, None) => {}
                (Some(part), Some(text)) if text.contains(part) => {}
                _ => panic!("{name} {value}: {found:?}"),
            }
        }
    }
}
