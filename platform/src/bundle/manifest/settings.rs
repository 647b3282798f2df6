//! The `settings:` of a `platform.yaml`, and those that every bundle has.

use crate::bundle::{Bundle, ComponentKind, PLATFORM_TARGET, Setting, SettingKey, SettingType};
use diagnostics::suggestion;
use diagnostics::yaml::{Fields, Node};

/// The settings that no bundle has to name.
pub(super) fn add_implicit(bundle: &mut Bundle) {
    let mut add = |target: &str, key: &str, kind, help: &str| {
        bundle.settings.add(Setting {
            name: SettingKey { target: target.to_owned(), key: key.to_owned() },
            kind,
            required: false,
            default: None,
            help: help.to_owned(),
            example: None,
            certificate: None,
        });
    };
    add(PLATFORM_TARGET, "version", SettingType::Version, "Version of the bundle to install");
    for component in bundle.subsystems.iter().flat_map(|subsystem| &subsystem.components) {
        if component.kind == ComponentKind::Service {
            add(&component.name, "image", SettingType::Image, "Image to run instead of the bundle's");
        }
        if component.scalable {
            add(&component.name, "replicas", SettingType::Integer { minimum: 0, maximum: 1000 }, "Number of tasks");
        }
    }
    let conditions: Vec<(String, SettingKey)> =
        bundle.components().filter_map(|component| Some((component.name.clone(), component.when.clone()?))).collect();
    for (target, condition) in conditions {
        bundle.settings.add_condition(&target, condition);
    }
    let scaling: Vec<(String, SettingKey)> = bundle
        .components()
        .filter_map(|component| Some((component.name.clone(), component.scalable_when.clone()?)))
        .collect();
    for (target, condition) in scaling {
        bundle.settings.add_scaling(&target, condition);
    }
}

/// `settings:` by target and key.
pub(super) fn read(node: &Node<'_>, bundle: &mut Bundle) {
    let targets: Vec<String> =
        bundle.components().map(|component| component.name.clone()).chain([PLATFORM_TARGET.to_owned()]).collect();
    let mut keys = Vec::new();
    for (target, node) in node.entries().unwrap_or_default() {
        if !targets.contains(&target) {
            let message = format!("`{target}` is no component; settings belong to a component or to `platform`");
            match suggestion(&target, targets.iter().map(String::as_str)) {
                Some(right) => node.problem_with_hint(message, format!("did you mean `{right}`?")),
                None => node.problem(message),
            }
        }
        for (key, node) in node.entries().unwrap_or_default() {
            let is_key = key.starts_with(|c: char| c.is_ascii_alphabetic())
                && key.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
            if !is_key {
                node.problem("a setting's name must be of letters, digits and `_`, from a letter");
            }
            let name = SettingKey { target: target.clone(), key };
            if let Some(setting) = setting(&node, name) {
                keys.extend(setting.certificate.clone().map(|certificate| (node.clone(), certificate)));
                if !bundle.settings.add(setting) {
                    node.problem("every bundle has this setting: leave it out");
                }
            }
        }
    }
    for (node, certificate) in keys {
        let named = bundle.settings.get(&certificate.target, &certificate.key);
        if named.is_none_or(|setting| setting.kind != SettingType::File) {
            node.problem(format!("`certificate` names `{certificate}`, which is no setting of type `file`"));
        }
    }
}

fn setting(node: &Node<'_>, name: SettingKey) -> Option<Setting> {
    let fields = node.fields()?;
    let kind = fields.required("type").and_then(|node| setting_type(&node, &fields));
    let required = fields.take("required").and_then(|node| node.boolean()).unwrap_or_default();
    let default = fields.take("default");
    let help = fields.required("help").and_then(|node| node.string()).unwrap_or_default();
    let example = fields.take("example");
    let certificate = fields.take("certificate");
    fields.finish();
    let kind = kind?;
    let certificate = certificate.and_then(|node| {
        if kind != SettingType::Secret {
            node.problem("only a secret is the key of a certificate");
        }
        Some(SettingKey { target: name.target.clone(), key: node.string()? })
    });
    let checked = |node: Option<Node<'_>>| {
        let node = node?;
        let text = node.scalar()?;
        match kind == SettingType::Secret {
            true => node.problem("a secret's value never stands in a file"),
            false => drop(node.take(kind.check(&text))),
        }
        Some(text)
    };
    if let Some(node) = default.as_ref().filter(|_| required) {
        node.problem("a setting with a default is never missing: leave `required` out");
    }
    let (default, example) = (checked(default), checked(example));
    Some(Setting { name, kind, required, default, help, example, certificate })
}

/// The type, with the keys that belong to it.
fn setting_type(node: &Node<'_>, fields: &Fields<'_>) -> Option<SettingType> {
    const WORDS: [&str; 13] = [
        "string", "integer", "boolean", "domain", "email", "url", "endpoint", "duration", "size", "choice", "image",
        "file", "secret",
    ];
    let word = node.choice(&WORDS.map(|word| (word, word)))?;
    let limit = |key, default| fields.take(key).and_then(|node| node.integer(i64::MIN..=i64::MAX)).unwrap_or(default);
    Some(match word {
        "integer" => {
            let (minimum, maximum) = (limit("minimum", i64::MIN), limit("maximum", i64::MAX));
            if minimum > maximum {
                fields.node().problem("`minimum` is more than `maximum`");
                return None;
            }
            SettingType::Integer { minimum, maximum }
        }
        "boolean" => SettingType::Boolean,
        "domain" => SettingType::Domain,
        "email" => SettingType::Email,
        "url" => {
            SettingType::Url { schemes: fields.take("schemes").and_then(|node| node.scalars()).unwrap_or_default() }
        }
        "endpoint" => {
            let schemes = fields.required("schemes").and_then(|node| node.scalars())?;
            if schemes.is_empty() {
                fields.node().problem("`schemes` is empty");
                return None;
            }
            SettingType::Endpoint { schemes }
        }
        "duration" => SettingType::Duration,
        "size" => SettingType::Size,
        "choice" => {
            let choices = fields.required("choices").and_then(|node| node.scalars())?;
            if choices.is_empty() {
                fields.node().problem("`choices` is empty");
                return None;
            }
            SettingType::Choice { choices }
        }
        "image" => SettingType::Image,
        "file" => SettingType::File,
        "secret" => SettingType::Secret,
        _ => SettingType::String,
    })
}
