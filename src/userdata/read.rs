//! Reads a cloud-config that is merged into ours, and finds every mistake at once.

use std::io::Read as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::read::GzDecoder;

use super::address;
use super::cloud_config::{
    CloudConfig, CoreOs, DropIn, Encoding, HOSTNAME_FILE, UPDATE_FILE, Unit, Update, User, WriteFile,
};
use super::keys::{Effect, Key, Reading, Section, value_mistake};
use diagnostics::yaml::{Document, Fields, Node};
use diagnostics::{Origin, Problems};

/// The line that a cloud-config starts with.
pub const HEADER: &str = "#cloud-config";

/// Whether coreos-cloudinit takes the text for a cloud-config.
pub fn has_header(text: &str) -> bool {
    text.lines().next().is_some_and(|line| line.trim_end() == HEADER)
}

/// The document; each mistake has its key, its line and what to write instead. `file` is what they call the text.
pub fn cloud_config(file: &str, text: &str) -> Result<CloudConfig, Problems> {
    if !has_header(text) {
        let mut problems = Problems::new();
        let origin = Origin::File { path: file.to_owned(), line: Some(1) };
        problems.add(origin, format!("the first line must be `{HEADER}` and nothing else"));
        return Err(problems);
    }
    let document = Document::parse(file, text)?;
    let config = match document.root().is_null() {
        true => Some(CloudConfig::default()),
        false => read_document(&document.root()),
    };
    let problems = document.into_problems();
    match config {
        Some(config) if problems.is_empty() => Ok(config),
        _ => Err(problems),
    }
}

fn read_document(node: &Node) -> Option<CloudConfig> {
    let fields = known(node, Section::Document)?;
    let mut config = CloudConfig {
        hostname: None,
        ssh_authorized_keys: fields.take("ssh_authorized_keys").map(|node| texts(&node)).unwrap_or_default(),
        users: fields.take("users").map(|node| list(&node, read_user)).unwrap_or_default(),
        write_files: fields.take("write_files").map(|node| list(&node, read_file)).unwrap_or_default(),
        coreos: CoreOs::default(),
    };
    if let Some(coreos) = fields.take("coreos")
        && let Some(fields) = known(&coreos, Section::CoreOs)
    {
        config.coreos.units = fields.take("units").map(|node| list(&node, read_unit)).unwrap_or_default();
        if let Some(update) = fields.take("update") {
            config.coreos.update = read_update(&update);
            if config.coreos.update.is_some() && config.writes(UPDATE_FILE) {
                let hint = "say it in one place: leave one of them out";
                update.problem_with_hint(format!("`{UPDATE_FILE}` is written by `write_files` too"), hint);
            }
        }
    }
    Some(config)
}

fn read_update(node: &Node) -> Option<Update> {
    let fields = known(node, Section::Update)?;
    Some(Update { reboot_strategy: text(&fields, Section::Update, "reboot_strategy") })
}

fn read_user(node: &Node) -> Option<User> {
    let fields = known(node, Section::User)?;
    let text = |name| text(&fields, Section::User, name);
    let list = |name| fields.take(name).map(|node| texts(&node)).unwrap_or_default();
    let flag = |name| fields.take(name).and_then(|node| node.boolean()).unwrap_or_default();
    Some(User {
        name: required(&fields, Section::User, "name")?,
        passwd: fields.take("passwd").and_then(|node| unquoted(&node)),
        ssh_authorized_keys: list("ssh_authorized_keys"),
        groups: list("groups"),
        gecos: text("gecos"),
        homedir: text("homedir"),
        no_create_home: flag("no_create_home"),
        primary_group: text("primary_group"),
        no_user_group: flag("no_user_group"),
        system: flag("system"),
        no_log_init: flag("no_log_init"),
        shell: text("shell"),
    })
}

fn read_file(node: &Node) -> Option<WriteFile> {
    let fields = known(node, Section::File)?;
    let path = required(&fields, Section::File, "path");
    if path.as_deref() == Some(HOSTNAME_FILE) {
        node.problem_with_hint(
            format!("`{HOSTNAME_FILE}` cannot be written"),
            "leave it out: each node's name is its hostname",
        );
    }
    let owner = text(&fields, Section::File, "owner");
    let permissions = text(&fields, Section::File, "permissions");
    let encoding_node = fields.take("encoding");
    let encoding = encoding_node.as_ref().and_then(read_encoding);
    // A file without content is an empty file.
    let content = match fields.take("content") {
        None => Some(String::new()),
        Some(node) => {
            let content = unquoted(&node)?;
            match (encoding, &encoding_node) {
                (None, None) => check_addresses(&node, &content),
                (Some(encoding), _) => check_encoded(&node, encoding, &content),
                // What the encoding is was refused a moment ago.
                (None, Some(_)) => {}
            }
            Some(content)
        }
    };
    Some(WriteFile { path: path?, content: content?, owner, permissions, encoding })
}

fn read_encoding(node: &Node) -> Option<Encoding> {
    let text = node.string()?;
    if let Some(mistake) = value_mistake(Section::File, "encoding", node.value()) {
        node.problem(mistake);
        return None;
    }
    match text.as_str() {
        "b64" | "base64" => Some(Encoding::Base64),
        "gz" | "gzip" => {
            node.problem_with_hint("compressed content is no text", "write `gzip+base64`, and the content in base64");
            None
        }
        _ => Some(Encoding::GzipBase64),
    }
}

fn check_encoded(node: &Node, encoding: Encoding, content: &str) {
    let packed: String = content.split_whitespace().collect();
    match (STANDARD.decode(packed), encoding) {
        (Err(_), _) => node.problem("is not base64, as its `encoding` says"),
        (Ok(bytes), Encoding::GzipBase64) if GzDecoder::new(&*bytes).read_to_end(&mut Vec::new()).is_err() => {
            node.problem("is not compressed with gzip, as its `encoding` says");
        }
        (Ok(_), _) => {}
    }
}

fn read_unit(node: &Node) -> Option<Unit> {
    let fields = known(node, Section::Unit)?;
    let name = required(&fields, Section::Unit, "name");
    if let Some(name) = &name
        && [".network", ".netdev", ".link"].iter().any(|suffix| name.ends_with(suffix))
    {
        let hint = format!("write `/etc/systemd/network/{name}` by `write_files`");
        node.problem_with_hint(format!("`{name}` is not a unit but a file of systemd-networkd"), hint);
    }
    let flag = |name| fields.take(name).and_then(|node| node.boolean()).unwrap_or_default();
    let content = |fields: &Fields| {
        let node = fields.take("content")?;
        let content = unquoted(&node)?;
        check_addresses(&node, &content);
        Some(content)
    };
    let command = fields.take("command").and_then(|node| {
        let command = node.string()?;
        if let Some(mistake) = value_mistake(Section::Unit, "command", node.value()) {
            node.problem(mistake);
        } else if command != "start" {
            let hint = match command.as_str() {
                "stop" => "write `mask: true` to keep the unit from running",
                _ => "leave it out: files and drop-ins are there before the unit starts",
            };
            node.problem_with_hint(format!("`{command}` cannot be merged: Ignition knows only `start`"), hint);
        }
        Some(command)
    });
    let drop_ins = fields.take("drop_ins").map(|node| {
        list(&node, |node| {
            let fields = known(node, Section::DropIn)?;
            let name = required(&fields, Section::DropIn, "name");
            Some(DropIn { name: name?, content: content(&fields).unwrap_or_default() })
        })
    });
    let (mask, enable, content) = (flag("mask"), flag("enable"), content(&fields));
    let unit = Unit { name: name?, mask, enable, content, command, drop_ins: drop_ins.unwrap_or_default() };
    if unit.runs() && unit.content.as_ref().is_some_and(|content| !content.lines().any(is_install_section)) {
        node.problem_with_hint(
            format!("`{}` would not run: its content has no `[Install]` section", unit.name),
            "end it with `[Install]` and `WantedBy=multi-user.target`",
        );
    }
    Some(unit)
}

/// Ignition starts what is enabled, and only a unit with this section can be.
fn is_install_section(line: &str) -> bool {
    line.trim() == "[Install]"
}

/// The mapping's entries, after a mistake was kept for each key that does not act or cannot be merged.
fn known<'a>(node: &Node<'a>, section: Section) -> Option<Fields<'a>> {
    let fields = node.fields()?;
    let wrong =
        fields.take_where(|name| !matches!(section.reading(name), Reading::Known(Key { effect: Effect::Acts, .. })));
    for (name, node) in wrong {
        match (section.idle(&name), section.reading(&name)) {
            (Some((why, instead)), _) => node.problem_with_hint(why, instead),
            (None, Reading::Known(Key { effect: Effect::ActsAlone(instead), .. })) => {
                node.problem_with_hint("cannot be merged", *instead);
            }
            (None, _) => {}
        }
    }
    Some(fields)
}

fn check_addresses(node: &Node, content: &str) {
    if let Some(name) = address::absent(content) {
        let hint = format!("of addresses only `$private_ipv4` is known; `\\{name}` keeps the text as it stands");
        node.problem_with_hint(format!("`{name}` is empty on Azure"), hint);
    }
}

fn text(fields: &Fields, section: Section, name: &'static str) -> Option<String> {
    checked(&fields.take(name)?, section, name)
}

fn required(fields: &Fields, section: Section, name: &'static str) -> Option<String> {
    checked(&fields.required(name)?, section, name)
}

fn checked(node: &Node, section: Section, name: &str) -> Option<String> {
    let text = node.string()?;
    match value_mistake(section, name, node.value()) {
        Some(mistake) => {
            node.problem(mistake);
            None
        }
        None => Some(text),
    }
}

/// A text that may be a secret: messages do not quote it.
fn unquoted(node: &Node) -> Option<String> {
    let text = node.value().as_str();
    if text.is_none() {
        node.problem("must be a text; put it in quotes");
    }
    text.map(str::to_owned)
}

fn texts(node: &Node) -> Vec<String> {
    list(node, |node| node.string())
}

fn list<T>(node: &Node, read: impl Fn(&Node) -> Option<T>) -> Vec<T> {
    node.items().unwrap_or_default().iter().filter_map(read).collect()
}
