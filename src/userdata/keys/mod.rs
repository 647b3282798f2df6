//! Every key of a cloud-config that somebody may write, and what it comes to on a Flatcar machine.
//!
//! Keys and their values: <https://github.com/flatcar/coreos-cloudinit/tree/flatcar-master/config>.

mod judge;
mod tables;
mod values;

pub(super) use judge::judge;

use diagnostics::suggestion;
use tables::cloud_init_keys;

/// A kind of mapping in a cloud-config.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Section {
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
pub(super) enum Shape {
    Text,
    Flag,
    Texts,
    Mapping(Section),
    List(Section),
}

/// What a key does on Flatcar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Effect {
    Acts,
    /// Acts in a file that is sent as it is. In one that is merged, this is to be done instead.
    ActsAlone(&'static str),
    /// Is read, to no effect: why, and what to do instead.
    Dead(&'static str, &'static str),
}

/// A key that coreos-cloudinit reads.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Key {
    pub name: &'static str,
    pub shape: Shape,
    pub effect: Effect,
}

/// What a key is that stands in a section.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reading {
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
    pub(super) fn reading(self, name: &str) -> Reading {
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

    /// Keys without which such a mapping does nothing, or makes coreos-cloudinit stop.
    pub(super) const fn required(self) -> &'static [&'static str] {
        match self {
            Self::File => &["path"],
            Self::User | Self::Unit => &["name"],
            Self::DropIn => &["name", "content"],
            _ => &[],
        }
    }

    /// Why a key of a file that is sent as it is does nothing, and what to do instead; none when it acts.
    pub(super) fn idle(self, name: &str) -> Option<(String, String)> {
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
}
