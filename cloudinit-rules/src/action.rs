//! What coreos-cloudinit would do with user-data, step by step and in its order. It does so at every boot.
//! `coreos-cloudinit.go:236`, `initialize/config.go:85` and `:222`

use crate::document::{self, CloudConfig, Unit};
use crate::key::Section;
use crate::multipart::{Content, parts};
use crate::path::clean;
use crate::substitution::put_in;
use crate::vocabulary::{
    COMMANDS, CORE_USER, NETWORK_SUFFIXES, REBOOT_STRATEGIES, has_header, is_multipart, is_script,
};

pub use crate::document::User;

#[cfg(test)]
mod tests;

/// A step. One that fails ends its [`Part`].
pub enum Action {
    SetHostname(String),
    /// Makes the account, or sets the password of one that exists.
    SetUpAccount(User),
    /// In the place of those that were authorized before.
    AuthorizeKeys {
        user: String,
        keys: Vec<String>,
    },
    WriteFile(File),
    /// `/etc/hosts`, with the machine's name.
    WriteHosts,
    /// Lines `NAME=value` of `/etc/coreos/update.conf`; its other lines stay.
    SetUpdates(Vec<(&'static str, String)>),
    /// The address in `/etc/environment`, whose other lines stay.
    SetEnvironment(String),
    /// Puts a link to `/dev/null` at a path.
    Mask(String),
    /// Takes such a link, or an empty file, away from a path.
    Unmask(String),
    Enable {
        unit: String,
        is_runtime: bool,
    },
    Reload,
    RestartNetworkd,
    /// To its end; a job that fails is no failure of the step.
    Command {
        unit: String,
        command: String,
    },
    /// Of a unit that belongs to Flatcar's updates.
    CommandOfUpdates {
        unit: &'static str,
        command: &'static str,
    },
    /// Runs it as a unit of its own, for which nothing waits.
    RunScript(String),
    /// Where coreos-cloudinit stops, and why.
    Stop(String),
    /// What it passes over, and why.
    PassOver(String),
}

/// A file to be written in one piece.
pub struct File {
    /// Absolute and clean.
    pub path: String,
    pub content: Vec<u8>,
    /// At most 0777.
    pub permissions: u32,
    /// As `chown` takes it; empty for root.
    pub owner: String,
}

/// All steps.
pub struct Steps {
    /// Done before all parts, each also where another has failed; when one fails, no part is done. `coreos-cloudinit.go:255`
    pub first: Vec<Action>,
    /// Each goes on where another has failed.
    pub parts: Vec<Vec<Action>>,
}

/// How deep parts may have parts themselves; coreos-cloudinit knows no end.
pub const MOST_DEPTH: usize = 8;
/// coreos-cloudinit looks at as many bytes of every cloud-config, and crashes where there are fewer.
/// `initialize/user_data.go:202`
pub const LEAST_CLOUD_CONFIG_BYTES: usize = 13;

/// The steps that user-data comes to on a machine with this address.
pub fn steps(user_data: &str, private_ipv4: &str) -> Steps {
    let mut read = Vec::new();
    if user_data.is_empty() {
        return Steps { first: Vec::new(), parts: Vec::new() };
    }
    if let Err(why) = read_parts(user_data, private_ipv4, MOST_DEPTH, &mut read) {
        let why = format!("nothing of the user-data is applied: {why}");
        return Steps { first: vec![Action::Stop(why)], parts: Vec::new() };
    }
    let configs = || {
        read.iter().filter_map(|part| match part {
            Part::CloudConfig(config) => Some(config),
            _ => None,
        })
    };
    let mut first = Vec::new();
    if let Some(config) = configs().find(|config| !config.hostname.is_empty()) {
        first.push(Action::SetHostname(cut(&config.hostname)));
    }
    let mut keys: Vec<String> = Vec::new();
    for config in configs() {
        let of_core = config.users.iter().filter(|user| user.name == CORE_USER);
        let of_core = of_core.flat_map(|user| &user.ssh_authorized_keys);
        for key in config.ssh_authorized_keys.iter().chain(of_core) {
            if !keys.contains(key) {
                keys.push(key.clone());
            }
        }
    }
    if !keys.is_empty() {
        first.push(Action::AuthorizeKeys { user: CORE_USER.to_owned(), keys });
    }
    let parts = read.into_iter().map(|part| match part {
        Part::CloudConfig(config) => apply(*config, private_ipv4),
        Part::Script(text) => vec![Action::RunScript(text)],
        Part::Other => vec![Action::PassOver("a part of another kind than cloud-config and script".to_owned())],
    });
    Steps { first, parts: parts.collect() }
}

enum Part {
    CloudConfig(Box<CloudConfig>),
    Script(String),
    Other,
}

/// `initialize/user_data.go:217`
fn read_parts(text: &str, private_ipv4: &str, depth: usize, read: &mut Vec<Part>) -> Result<(), String> {
    if is_script(text) {
        read.push(Part::Script(put_in(text, private_ipv4)));
    } else if has_header(text) {
        read.push(cloud_config(text, private_ipv4)?);
    } else if is_multipart(text) {
        let depth = depth.checked_sub(1).ok_or(format!("parts have parts, more than {MOST_DEPTH} deep"))?;
        let refused = |line: usize, why: &str| format!("line {line}: {why}");
        for part in parts(text).map_err(|refusal| refused(refusal.line, &format!("the file {}", refusal.why)))? {
            match (
                part.content_type.as_str(),
                part.content().map_err(|why| refused(part.line, &format!("a part {why}")))?,
            ) {
                ("text/cloud-config", Content::Text(body)) => read.push(cloud_config(&body, private_ipv4)?),
                ("text/x-shellscript", Content::Text(body)) if !is_script(&body) => {
                    return Err(refused(part.line, "a script begins with `#!`"));
                }
                (_, Content::Text(body)) => read_parts(&body, private_ipv4, depth, read)?,
                ("text/cloud-config", Content::Bytes(_)) => {
                    return Err(refused(part.line, "a cloud-config is not UTF-8"));
                }
                (kind, Content::Bytes(bytes)) if kind == "text/x-shellscript" || bytes.starts_with(b"#") => {
                    return Err(refused(part.line, "a part is not UTF-8"));
                }
                (_, Content::Bytes(_)) => read.push(Part::Other),
            }
        }
    } else {
        read.push(Part::Other);
    }
    Ok(())
}

/// `initialize/user_data.go:187`
fn cloud_config(text: &str, private_ipv4: &str) -> Result<Part, String> {
    let text = put_in(text, private_ipv4);
    let config = document::read(&text)?;
    if text.len() < LEAST_CLOUD_CONFIG_BYTES {
        return Err(format!(
            "coreos-cloudinit crashes at a cloud-config of fewer than {LEAST_CLOUD_CONFIG_BYTES} bytes"
        ));
    }
    Ok(Part::CloudConfig(Box::new(config)))
}

/// `coreos-cloudinit.go:290`
fn cut(hostname: &str) -> String {
    let hostname = hostname.split('.').next().unwrap_or_default();
    let end = (0..=hostname.len().min(63)).rev().find(|end| hostname.is_char_boundary(*end)).unwrap_or_default();
    hostname[..end].to_owned()
}

/// `initialize/config.go:85`
fn apply(config: CloudConfig, private_ipv4: &str) -> Vec<Action> {
    let mut actions = Vec::new();
    for user in config.users {
        if user.name.is_empty() {
            actions.push(Action::PassOver("a user without a name".to_owned()));
            continue;
        }
        let (name, keys) = (user.name.clone(), user.ssh_authorized_keys.clone());
        if user.fetches_keys() {
            actions.push(Action::PassOver(format!("keys of `{name}` that are to be fetched")));
        }
        actions.push(Action::SetUpAccount(user));
        // Those of `core` are authorized with all the others.
        if name != CORE_USER && !keys.is_empty() {
            actions.push(Action::AuthorizeKeys { user: name, keys });
        }
    }
    let update = settings(Section::Update, &config.coreos.update);
    let strategy = config.coreos.update.get("reboot_strategy").map(String::as_str).unwrap_or_default();
    if !strategy.is_empty() && !REBOOT_STRATEGIES.contains(&strategy) {
        actions.push(Action::Stop(format!("no reboot strategy: `{strategy}`")));
        return actions;
    }
    if !["", "localhost"].contains(&config.manage_etc_hosts.as_str()) {
        actions.push(Action::Stop(format!("`manage_etc_hosts` is not `localhost`: `{}`", config.manage_etc_hosts)));
        return actions;
    }
    let mut writes_environment = false;
    for file in config.write_files {
        let path = clean(&file.path);
        // Held against the path as it is given, before the root folder is put before it. `initialize/config.go:178`
        writes_environment |= file.path.starts_with('/') && path == "/etc/environment";
        actions.push(match (path.as_str(), permissions(&file.permissions)) {
            ("/", _) => Action::Stop(format!("no path of a file: `{}`", file.path)),
            (_, None) => Action::Stop(format!("no permissions of `{path}`: `{}`", file.permissions)),
            (_, Some(permissions)) => {
                Action::WriteFile(File { path, content: file.bytes, permissions, owner: file.owner })
            }
        });
    }
    actions.extend(oem_release(&config.coreos.oem).map(|text| place("/etc/oem-release".to_owned(), text.as_bytes())));
    if !update.is_empty() {
        actions.push(Action::SetUpdates(update));
    }
    if !config.manage_etc_hosts.is_empty() {
        actions.push(Action::WriteHosts);
    }
    let lines =
        |settings: Vec<(&'static str, String)>| settings.into_iter().map(|(name, value)| format!("{name}={value}"));
    let flannel: Vec<String> = lines(settings(Section::Flannel, &config.coreos.flannel)).collect();
    if !flannel.is_empty() {
        actions.push(place("/run/flannel/options.env".to_owned(), flannel.join("\n").as_bytes()));
    }
    if !writes_environment && !private_ipv4.is_empty() {
        actions.push(Action::SetEnvironment(private_ipv4.to_owned()));
    }
    let locksmith: String = lines(settings(Section::Locksmith, &config.coreos.locksmith))
        .map(|line| format!("Environment=\"{line}\"\n"))
        .collect();
    actions.extend(process_units(&config.coreos.units, &locksmith, &config.coreos.update));
    actions
}

/// The units that a section of settings stands for, whether anything is set or not; in the order in which they are processed.
/// `initialize/config.go:163`
const UNITS_OF_SECTIONS: [&str; 4] = ["etcd.service", "etcd2.service", "fleet.service", "locksmithd.service"];

/// `initialize/config.go:222`: units of the document, then those that its sections come to.
fn process_units(units: &[Unit], locksmith: &str, update: &std::collections::BTreeMap<String, String>) -> Vec<Action> {
    let (mut written, mut commands) = (Vec::new(), Vec::new());
    let (mut reloads, mut restarts_networkd) = (false, false);
    for unit in units {
        if unit.name.is_empty() {
            written.push(Action::PassOver("a unit without a name".to_owned()));
            continue;
        }
        let is_network = NETWORK_SUFFIXES.iter().any(|suffix| unit.name.ends_with(suffix));
        let group = if is_network { "network" } else { "system" };
        let path = clean(&format!("{}/systemd/{group}/{}", if unit.runtime { "/run" } else { "/etc" }, unit.name));
        if !unit.content.0.is_empty() {
            written.push(place(path.clone(), &unit.content.0));
            reloads = true;
        }
        for drop_in in unit.drop_ins.iter().filter(|drop_in| !drop_in.name.is_empty() && !drop_in.content.0.is_empty())
        {
            written.push(place(clean(&format!("{path}.d/{}", drop_in.name)), &drop_in.content.0));
            reloads = true;
        }
        if unit.mask {
            written.push(Action::Mask(path));
        } else if unit.runtime {
            written.push(Action::Unmask(path));
        }
        if unit.enable && !is_network {
            written.push(Action::Enable { unit: unit.name.clone(), is_runtime: unit.runtime });
        }
        if is_network {
            restarts_networkd = true;
        } else if !unit.command.is_empty() {
            commands.push(match COMMANDS.contains(&unit.command.as_str()) {
                true => Action::Command { unit: unit.name.clone(), command: unit.command.clone() },
                false => Action::Stop(format!("no command for `{}`: `{}`", unit.name, unit.command)),
            });
        }
    }
    for name in UNITS_OF_SECTIONS {
        let path = format!("/run/systemd/system/{name}");
        if name == "locksmithd.service" && !locksmith.is_empty() {
            written.push(place(format!("{path}.d/20-cloudinit.conf"), format!("[Service]\n{locksmith}").as_bytes()));
            reloads = true;
        }
        written.push(Action::Unmask(path));
    }
    let is_set = |key: &str| update.get(key).is_some_and(|value| !value.is_empty());
    if is_set("reboot_strategy") {
        let path = "/run/systemd/system/locksmithd.service".to_owned();
        let is_off = update["reboot_strategy"] == "off";
        written.push(if is_off { Action::Mask(path) } else { Action::Unmask(path) });
        let command = if is_off { "stop" } else { "restart" };
        commands.push(Action::CommandOfUpdates { unit: "locksmithd.service", command });
    }
    if is_set("group") || is_set("server") {
        commands.push(Action::CommandOfUpdates { unit: "update-engine.service", command: "restart" });
    }
    written.extend(reloads.then_some(Action::Reload));
    written.extend(restarts_networkd.then_some(Action::RestartNetworkd));
    written.extend(commands);
    written
}

fn place(path: String, content: &[u8]) -> Action {
    Action::WriteFile(File { path, content: content.into(), permissions: 0o644, owner: String::new() })
}

/// The settings of a section by their variables, in the table's order.
fn settings(section: Section, given: &std::collections::BTreeMap<String, String>) -> Vec<(&'static str, String)> {
    let keys = section.keys().iter().filter_map(|key| Some((key.variable?, given.get(key.name)?)));
    keys.filter(|(_, value)| !value.is_empty()).map(|(variable, value)| (variable, value.clone())).collect()
}

/// `system/oem.go:30`
fn oem_release(given: &std::collections::BTreeMap<String, String>) -> Option<String> {
    let of = |key: &str| given.get(key).map(String::as_str).unwrap_or_default();
    let quoted = |key: &str| go_quoted(of(key));
    (!of("id").is_empty()).then(|| {
        format!(
            "ID={}\nVERSION_ID={}\nNAME={}\nHOME_URL={}\nBUG_REPORT_URL={}\n",
            of("id"),
            of("version_id"),
            quoted("name"),
            quoted("home_url"),
            quoted("bug_report_url")
        )
    })
}

/// A text as Go's `%q` writes it. <https://pkg.go.dev/strconv#Quote>
pub(crate) fn go_quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for character in text.chars() {
        match character {
            '\\' | '"' => quoted.extend(['\\', character]),
            '\u{7}' => quoted.push_str("\\a"),
            '\u{8}' => quoted.push_str("\\b"),
            '\u{c}' => quoted.push_str("\\f"),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            '\u{b}' => quoted.push_str("\\v"),
            '\0'..='\u{1f}' | '\u{7f}' => quoted.push_str(&format!("\\x{:02x}", u32::from(character))),
            ' ' => quoted.push(' '),
            _ if character.is_control() || character.is_whitespace() => {
                quoted.push_str(&format!("\\u{:04x}", u32::from(character)));
            }
            _ => quoted.push(character),
        }
    }
    quoted + "\""
}

/// The bits of a file's `permissions`; none where coreos-cloudinit stops at them. `system/file.go:41`
pub fn permissions(text: &str) -> Option<u32> {
    match text {
        "" => Some(0o644),
        // What Go makes of less than nothing are bits that nobody asked for.
        _ => u32::try_from(i32::from_str_radix(text, 8).ok()?).ok().map(|bits| bits & 0o777),
    }
}
