//! A bundle and a user's settings to services.

use std::collections::BTreeMap;

use minijinja::Value;

use super::template::{self, RenderedText, TemplateError, Undefined};
use super::{Bundle, Component, ComponentKind, STACK, SettingKey, SettingType, Values, port};
use crate::platform::compose::{Examined, Mode, Naming, Rendered, Stack};
use crate::spec::{Origin, Problems};

impl Bundle {
    /// The services of all components that are to run, with `values`; a service's `component` is the component's name.
    ///
    /// Mistakes: settings that are missing or do not fit their type, secrets that are not set, and whatever the rendered
    /// stack has.
    pub fn render(&self, values: &Values) -> Result<Rendered, Problems> {
        let mut problems = self.wrong_values(values);
        if !problems.is_empty() {
            return Err(problems);
        }
        let file = format!("{}/{STACK}", self.origin);
        let mut stack = match self.stack(values, &file, Undefined::Refused) {
            Examined { stack: Some(stack), problems, .. } if problems.is_empty() => stack,
            Examined { problems, .. } => return Err(problems),
        };
        let disabled = |component: &&Component| !self.is_enabled(component, values);
        for component in self.components().filter(disabled) {
            stack.services.remove(&component.name);
        }
        // A port may be a setting.
        for (key, service) in &stack.services {
            for message in port::refused(service) {
                let origin = Origin::File { path: file.clone(), line: None };
                problems.add(origin, format!("`services.{key}.ports`: {message}"));
            }
        }
        for (component, service) in &mut stack.services {
            if let Some(image) = values.get(component, "image") {
                service.image = image.to_owned();
            }
            if let (Some(Ok(count)), Mode::Replicated { replicas }) =
                (values.get(component, "replicas").map(str::parse), &mut service.mode)
            {
                *replicas = count;
            }
        }
        let rendered = stack.render(&Naming { namespace: &self.name });
        for service in &rendered.services {
            for secret in &service.secrets {
                let set = secret.split_once('.').is_some_and(|(target, key)| values.has_secret(target, key));
                if !set {
                    self.unset(&mut problems, &secret.replacen('.', "/", 1));
                }
            }
        }
        if problems.is_empty() { Ok(rendered) } else { Err(problems) }
    }

    /// Settings that are missing or wrong.
    fn wrong_values(&self, values: &Values) -> Problems {
        let mut problems = Problems::new();
        for setting in self.settings.missing(values) {
            self.unset(&mut problems, &setting.name.to_string());
        }
        for (target, key, value) in values.iter() {
            // An earlier version of the bundle may have had more settings.
            if let Some(setting) = self.settings.get(target, key)
                && let Err(message) = setting.kind.check(value)
            {
                problems.add(Origin::Setting(setting.name.to_string()), message);
            }
        }
        for component in self.components() {
            let Some(condition) = &component.scalable_when else { continue };
            let replicas = values.get(&component.name, "replicas").and_then(|text| text.parse::<u32>().ok());
            if replicas.is_some_and(|replicas| replicas > 1) && !self.settings.holds(values, condition) {
                let origin = Origin::Setting(format!("{}/replicas", component.name));
                let message = format!("more than one task is safe only with the setting `{condition}`");
                problems.add(origin, message);
            }
        }
        problems
    }

    fn unset(&self, problems: &mut Problems, name: &str) {
        let (target, key) = name.split_once('/').unwrap_or((name, ""));
        let setting = self.settings.get(target, key);
        let message = match setting {
            Some(setting) => format!("must be set: {}", setting.help),
            None => "must be set".into(),
        };
        let value = match setting.map(|setting| (&setting.kind, &setting.example)) {
            Some((SettingType::Secret, _)) => format!("platformctl config {target} set {key} --stdin"),
            Some((SettingType::File, _)) => format!("platformctl config {target} set {key}=@FILE"),
            Some((_, Some(example))) => format!("platformctl config {target} set {key}={example}"),
            _ => format!("platformctl config {target} set {key}=VALUE"),
        };
        problems.add_with_hint(Origin::Setting(name.to_owned()), message, value);
    }

    /// The whole stack, with the services of disabled components, as far as it can be read.
    pub(super) fn stack(&self, values: &Values, file: &str, undefined: Undefined) -> Examined {
        match self.stack_text(values, undefined) {
            Ok(rendered) => Stack::examine(&rendered.text, file, rendered.lines),
            Err(error) => {
                let mut problems = Problems::new();
                problems.add(Origin::File { path: file.to_owned(), line: error.line }, error.message);
                Examined { stack: None, warnings: Vec::new(), problems }
            }
        }
    }

    /// The text of the stack.
    pub(super) fn stack_text(&self, values: &Values, undefined: Undefined) -> Result<RenderedText, TemplateError> {
        template::render(
            self.files.get(STACK).map(String::as_str).unwrap_or_default(),
            &self.context(values),
            undefined,
        )
    }

    /// What a template sees: each target's settings by name, the same under `settings`, and the bundle.
    fn context(&self, values: &Values) -> Value {
        let mut targets: BTreeMap<String, BTreeMap<String, Value>> = BTreeMap::new();
        for component in self.components().filter(|component| component.kind == ComponentKind::Service) {
            targets.entry(component.name.clone()).or_default();
        }
        for setting in self.settings.iter() {
            let SettingKey { target, key } = &setting.name;
            let text = self.settings.value(values, target, key);
            let value = match (&setting.kind, text) {
                (SettingType::Secret, _) => Value::from(values.has_secret(target, key)),
                (_, None) => Value::from(()),
                (SettingType::Boolean, Some(text)) => Value::from(text == "true"),
                (SettingType::Integer { .. }, Some(text)) => {
                    text.parse::<i64>().map_or_else(|_| Value::from(text), Value::from)
                }
                (_, Some(text)) => Value::from(text),
            };
            targets.entry(target.clone()).or_default().insert(key.clone(), value);
        }
        let targets: Vec<(String, Value)> =
            targets.into_iter().map(|(target, keys)| (target, Value::from_pairs(keys))).collect();
        let bundle = [("name", self.name.clone()), ("version", self.version.to_string())];
        let more = [("settings", Value::from_pairs(targets.clone())), ("bundle", Value::from_pairs(bundle))];
        Value::from_pairs(targets.into_iter().chain(more.map(|(name, value)| (name.to_owned(), value))))
    }
}
