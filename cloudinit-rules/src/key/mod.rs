//! Every key of a cloud-config that somebody may write, and what coreos-cloudinit makes of it: the one table that the lint,
//! the merge of users' files with ours, and the interpreter ask.

mod cloud_init;
pub mod reference;
pub mod source;
mod tables;

use cloud_init::cloud_init_keys;
use diagnostics::suggestion;
use source::Source;

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

impl Section {
    /// Every one, from the document down.
    pub const ALL: [Self; 10] = [
        Self::Document,
        Self::CoreOs,
        Self::Update,
        Self::Locksmith,
        Self::Flannel,
        Self::Oem,
        Self::User,
        Self::File,
        Self::Unit,
        Self::DropIn,
    ];
}

/// What a key's value is. A value of another shape is an error of the YAML reader, upon which nothing of the file is
/// applied (`initialize/user_data.go:193`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    Text,
    Flag,
    Texts,
    Mapping(Section),
    List(Section),
    /// A mapping of what nobody has a use for.
    Unused,
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

/// What coreos-cloudinit does with a value that is none, and with the rest of the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Consequence {
    /// It is passed over, and the rest is applied.
    PassedOver,
    /// What stands before it is applied, nothing after it: users, then files, then units.
    StopsThere,
    /// Users and keys are made, and no file and no unit is.
    NoFiles,
    /// Nothing of the file is applied.
    NothingApplied,
}

impl Consequence {
    /// The same, to follow what is wrong; empty where the value alone is lost.
    pub const fn text(self) -> &'static str {
        match self {
            Self::PassedOver => "",
            Self::StopsThere => "what comes after it (users, then files, then units) is not applied",
            Self::NoFiles => "no file and no unit of the document is written",
            Self::NothingApplied => "nothing of the document is applied",
        }
    }
}

/// A key that coreos-cloudinit reads.
#[derive(Debug, PartialEq, Eq)]
pub struct Key {
    pub name: &'static str,
    pub shape: Shape,
    pub effect: Effect,
    /// What comes of a value of the right shape that it cannot use.
    pub wrong: Consequence,
    /// The variable that it is handed on as, where it is.
    pub variable: Option<&'static str>,
    /// How it acts otherwise than it is written; empty where it does not.
    pub misread: &'static str,
    sources: [Option<Source>; 3],
}

impl Key {
    /// The lines that say what is done with its value; at least one.
    pub fn sources(&self) -> impl Iterator<Item = Source> {
        self.sources.into_iter().flatten()
    }
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

    /// Keys without which such a mapping does nothing, or makes coreos-cloudinit stop.
    pub const fn required(self) -> &'static [&'static str] {
        match self {
            Self::File => &["path"],
            Self::User | Self::Unit => &["name"],
            Self::DropIn => &["name", "content"],
            _ => &[],
        }
    }

    /// What comes of a mapping that lacks one of them.
    pub const fn consequence_of_missing(self) -> Consequence {
        match self {
            // Its path is the root folder, over which no file is renamed.
            Self::File => Consequence::StopsThere,
            _ => Consequence::PassedOver,
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_names_its_source() {
        let is_hash = |text: &str| text.len() == 40 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        for section in Section::ALL {
            for key in section.keys() {
                assert!(key.sources().count() >= 1, "{section:?} {}", key.name);
                for source in key.sources() {
                    let (place, url) = (source.place(), source.url());
                    let (file, line) = place.split_once(".go:").unwrap_or_default();
                    assert!(!file.is_empty() && line.parse::<u32>().is_ok_and(|line| line > 14), "{place}");
                    assert!(!source.does.is_empty(), "{place}");
                    let parts: Vec<&str> = url.splitn(8, '/').collect();
                    let [https, "", "github.com", owner, repository, "blob", commit, rest] = parts[..] else {
                        panic!("{url}");
                    };
                    assert!(https == "https:" && !owner.is_empty() && !repository.is_empty(), "{url}");
                    assert!(is_hash(commit) && rest.ends_with(&format!("{file}.go#L{line}")), "{url}");
                }
                let is_handed_on = matches!(section, Section::Update | Section::Locksmith | Section::Flannel);
                assert_eq!(key.variable.is_some(), is_handed_on, "{section:?} {}", key.name);
            }
        }
    }

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
