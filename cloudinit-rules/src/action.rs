//! What coreos-cloudinit would do with user-data, step by step and in its order. It does so at every boot.
//! `coreos-cloudinit.go`, main; `initialize/config.go`, Apply and processUnits.

use crate::document::{self, CloudConfig, Unit};
use crate::key::Section;
use crate::multipart::parts;
use crate::path::clean;
use crate::substitution::put_in;
use crate::vocabulary::{
    COMMANDS, CORE_USER, NETWORK_SUFFIXES, REBOOT_STRATEGIES, has_header, is_multipart, is_script,
};

pub use crate::document::User;

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
    /// Done before all parts; when one fails, nothing else is done.
    pub first: Vec<Action>,
    /// Each goes on where another has failed.
    pub parts: Vec<Vec<Action>>,
}

/// The steps that user-data comes to on a machine with this address.
pub fn steps(user_data: &str, private_ipv4: &str) -> Steps {
    let mut read = Vec::new();
    if let Err(why) = read_parts(user_data, private_ipv4, &mut read) {
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

/// `initialize/user_data.go`, partsFromUserData.
fn read_parts(text: &str, private_ipv4: &str, read: &mut Vec<Part>) -> Result<(), String> {
    let cloud_config =
        |text: &str| document::read(&put_in(text, private_ipv4)).map(|config| Part::CloudConfig(Box::new(config)));
    if is_script(text) {
        read.push(Part::Script(put_in(text, private_ipv4)));
    } else if has_header(text) {
        read.push(cloud_config(text)?);
    } else if is_multipart(text) {
        for part in parts(text) {
            let body = part.text().ok_or("a part is not text in base64")?;
            match part.content_type.as_str() {
                "text/cloud-config" => read.push(cloud_config(&body)?),
                "text/x-shellscript" if !is_script(&body) => return Err("a script begins with `#!`".to_owned()),
                // One that has parts itself is of no use to anybody, and would have no end.
                _ if is_multipart(&body) => read.push(Part::Other),
                _ => read_parts(&body, private_ipv4, read)?,
            }
        }
    } else {
        read.push(Part::Other);
    }
    Ok(())
}

/// `coreos-cloudinit.go`, determineHostname.
fn cut(hostname: &str) -> String {
    let hostname = hostname.split('.').next().unwrap_or_default();
    let end = (0..=hostname.len().min(63)).rev().find(|end| hostname.is_char_boundary(*end)).unwrap_or_default();
    hostname[..end].to_owned()
}

/// `initialize/config.go`, Apply.
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
        writes_environment |= path == "/etc/environment";
        actions.push(match (path.as_str(), permissions(&file.permissions)) {
            ("/", _) => Action::Stop(format!("no path of a file: `{}`", file.path)),
            (_, None) => Action::Stop(format!("no permissions of `{path}`: `{}`", file.permissions)),
            (_, Some(permissions)) => {
                Action::WriteFile(File { path, content: file.bytes, permissions, owner: file.owner })
            }
        });
    }
    actions.extend(oem_release(&config.coreos.oem).map(|text| place("/etc/oem-release".to_owned(), &text)));
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
        actions.push(place("/run/flannel/options.env".to_owned(), &flannel.join("\n")));
    }
    if !writes_environment {
        actions.push(Action::SetEnvironment(private_ipv4.to_owned()));
    }
    let locksmith: String = lines(settings(Section::Locksmith, &config.coreos.locksmith))
        .map(|line| format!("Environment=\"{line}\"\n"))
        .collect();
    actions.extend(process_units(&config.coreos.units, &locksmith, &config.coreos.update));
    actions
}

/// `initialize/config.go`, processUnits: units of the document, then those that its sections come to.
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
        if !unit.content.is_empty() {
            written.push(place(path.clone(), &unit.content));
            reloads = true;
        }
        for drop_in in unit.drop_ins.iter().filter(|drop_in| !drop_in.name.is_empty() && !drop_in.content.is_empty()) {
            written.push(place(clean(&format!("{path}.d/{}", drop_in.name)), &drop_in.content));
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
    if !locksmith.is_empty() {
        let path = "/run/systemd/system/locksmithd.service.d/20-cloudinit.conf".to_owned();
        written.push(place(path, &format!("[Service]\n{locksmith}")));
        reloads = true;
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

fn place(path: String, content: &str) -> Action {
    Action::WriteFile(File { path, content: content.into(), permissions: 0o644, owner: String::new() })
}

/// The settings of a section by their variables, in the table's order.
fn settings(section: Section, given: &std::collections::BTreeMap<String, String>) -> Vec<(&'static str, String)> {
    let keys = section.keys().iter().filter_map(|key| Some((key.variable?, given.get(key.name)?)));
    keys.filter(|(_, value)| !value.is_empty()).map(|(variable, value)| (variable, value.clone())).collect()
}

/// `system/oem.go`, File.
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

/// A text as Go's `%q` writes it.
pub(crate) fn go_quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n").replace('\t', "\\t"))
}

/// `system/file.go`, Permissions.
fn permissions(text: &str) -> Option<u32> {
    match text {
        "" => Some(0o644),
        // Go takes a sign; nobody means one.
        _ if !text.bytes().all(|byte| byte.is_ascii_digit()) => None,
        _ => u32::from_str_radix(text, 8).ok().map(|bits| bits & 0o777),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each step in a few words.
    fn told(user_data: &str) -> Vec<String> {
        let tell = |action: &Action| match action {
            Action::SetHostname(name) => format!("hostname {name}"),
            Action::SetUpAccount(user) => format!("account {}", user.name),
            Action::AuthorizeKeys { user, keys } => format!("keys {user} {}", keys.join(",")),
            Action::WriteFile(file) => {
                format!("file {} {:o} {} {}", file.path, file.permissions, file.owner, file.content.escape_ascii())
            }
            Action::WriteHosts => "hosts".to_owned(),
            Action::SetUpdates(settings) => format!("updates {settings:?}"),
            Action::SetEnvironment(address) => format!("environment {address}"),
            Action::Mask(path) => format!("mask {path}"),
            Action::Unmask(path) => format!("unmask {path}"),
            Action::Enable { unit, is_runtime } => format!("enable {unit} {is_runtime}"),
            Action::Reload => "reload".to_owned(),
            Action::RestartNetworkd => "networkd".to_owned(),
            Action::Command { unit, command } => format!("{command} {unit}"),
            Action::CommandOfUpdates { unit, command } => format!("{command} {unit}, if there"),
            Action::RunScript(text) => format!("script {text}"),
            Action::Stop(why) => format!("stop: {why}"),
            Action::PassOver(what) => format!("pass over {what}"),
        };
        let steps = steps(user_data, "10.0.0.4");
        let mut told: Vec<String> = steps.first.iter().map(tell).collect();
        for part in &steps.parts {
            told.extend(part.iter().map(tell));
        }
        told
    }

    #[test]
    fn rule_by_rule() {
        let long = format!("hostname {}", "n".repeat(63));
        let environment = "environment 10.0.0.4";
        let unit = |text: &str| format!("coreos: {{units: [{text}]}}");
        for (text, expected) in [
            (String::new(), vec![environment]),
            ("hostname: node.example.com".into(), vec!["hostname node", environment]),
            (format!("hostname: {}", "n".repeat(80)), vec![&*long, environment]),
            (
                "ssh_authorized_keys: [a]\nusers: [{name: core, passwd: x, ssh_authorized_keys: [b, a]}]".into(),
                vec!["keys core a,b", "account core", environment],
            ),
            (
                "users: [{name: ann, ssh_authorized_keys: [k]}, {gecos: x}]".into(),
                vec!["account ann", "keys ann k", "pass over a user without a name", environment],
            ),
            (
                "users: [{name: ann, coreos_ssh_import_github: ann}]".into(),
                vec!["pass over keys of `ann` that are to be fetched", "account ann", environment],
            ),
            (
                "write_files: [{path: etc/../a//b, content: $private_ipv4}, {path: /c, permissions: 4755, owner: core}]".into(),
                vec!["file /a/b 644  10.0.0.4", "file /c 755 core ", environment],
            ),
            (
                "write_files: [{path: /etc/environment, content: A=1}]".into(),
                vec!["file /etc/environment 644  A=1"],
            ),
            (
                "write_files: [{path: /a, permissions: rw}, {path: /}]".into(),
                vec!["stop: no permissions of `/a`: `rw`", "stop: no path of a file: `/`", environment],
            ),
            ("manage_etc_hosts: localhost".into(), vec!["hosts", environment]),
            ("manage_etc_hosts: all".into(), vec!["stop: `manage_etc_hosts` is not `localhost`: `all`"]),
            ("coreos: {update: {reboot_strategy: best-effort}}".into(), vec!["stop: no reboot strategy: `best-effort`"]),
            (
                "coreos: {update: {reboot_strategy: off, group: beta}}".into(),
                vec![
                    r#"updates [("REBOOT_STRATEGY", "off"), ("GROUP", "beta")]"#,
                    environment,
                    "mask /run/systemd/system/locksmithd.service",
                    "stop locksmithd.service, if there",
                    "restart update-engine.service, if there",
                ],
            ),
            (
                "coreos: {locksmith: {window_length: 1h, endpoint: http://a}}".into(),
                vec![
                    environment,
                    "file /run/systemd/system/locksmithd.service.d/20-cloudinit.conf 644  [Service]\\nEnvironment=\\\"LOCKSMITHD_ENDPOINT=http://a\\\"\\nEnvironment=\\\"LOCKSMITHD_REBOOT_WINDOW_LENGTH=1h\\\"\\n",
                    "reload",
                ],
            ),
            (
                "coreos: {flannel: {interface: eth0, ip_masq: true}}".into(),
                vec!["file /run/flannel/options.env 644  FLANNELD_IP_MASQ=true\\nFLANNELD_IFACE=eth0", environment],
            ),
            (
                "coreos: {oem: {id: a, name: A B}}".into(),
                vec![
                    "file /etc/oem-release 644  ID=a\\nVERSION_ID=\\nNAME=\\\"A B\\\"\\nHOME_URL=\\\"\\\"\\nBUG_REPORT_URL=\\\"\\\"\\n",
                    environment,
                ],
            ),
            ("coreos: {etcd2: {name: a}, fleet: {x: y}}".into(), vec![environment]),
            (
                unit("{name: a.service, content: x, command: restart, enable: true}, {name: b.service, mask: true, drop_ins: [{name: c.conf, content: y}, {name: d.conf}]}"),
                vec![
                    environment,
                    "file /etc/systemd/system/a.service 644  x",
                    "enable a.service false",
                    "file /etc/systemd/system/b.service.d/c.conf 644  y",
                    "mask /etc/systemd/system/b.service",
                    "reload",
                    "restart a.service",
                ],
            ),
            (
                unit("{name: a.service, runtime: true, content: x, enable: true}, {name: b.network, content: y, command: start, enable: true}"),
                vec![
                    environment,
                    "file /run/systemd/system/a.service 644  x",
                    "unmask /run/systemd/system/a.service",
                    "enable a.service true",
                    "file /etc/systemd/network/b.network 644  y",
                    "reload",
                    "networkd",
                ],
            ),
            (
                unit("{command: start}, {name: a.service, command: kill}"),
                vec![environment, "pass over a unit without a name", "stop: no command for `a.service`: `kill`"],
            ),
            ("hostname: a\nusers: b".into(), vec!["stop: nothing of the user-data is applied: line 3: `users` must be a list, found `b`"]),
        ] {
            assert_eq!(told(&format!("#cloud-config\n{text}\n")), expected, "{text}");
        }
    }

    #[test]
    fn kinds_of_user_data() {
        let multipart = "Content-Type: multipart/mixed; boundary=X\n\n--X\nContent-Type: text/cloud-config\n\nhostname: a\n\
                         --X\nContent-Type: text/x-shellscript\n\n#!/bin/sh\necho $private_ipv4\n--X\nContent-Type: text/plain\n\nhi\n--X--\n";
        let other = "pass over a part of another kind than cloud-config and script";
        for (text, expected) in [
            ("#!/bin/sh\necho $private_ipv4\n", vec!["script #!/bin/sh\necho 10.0.0.4\n"]),
            (multipart, vec!["hostname a", "environment 10.0.0.4", "script #!/bin/sh\necho 10.0.0.4\n", other]),
            ("hello", vec![other]),
            (
                "Content-Type: multipart/mixed; boundary=X\n\n--X\nContent-Type: text/x-shellscript\n\necho\n--X--\n",
                vec!["stop: nothing of the user-data is applied: a script begins with `#!`"],
            ),
        ] {
            assert_eq!(told(text), expected, "{text}");
        }
    }
}
