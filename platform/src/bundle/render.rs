//! A bundle and a user's settings to services.

use std::collections::BTreeMap;

use minijinja::Value;

use super::template::{self, RenderedText, TemplateError, Undefined};
use super::{Bundle, Component, ComponentKind, STACK, SettingKey, SettingType, Values, port, refused};
use crate::compose::{Examined, Mode, Naming, Rendered, Stack};
use diagnostics::{Origin, Problems};

impl Bundle {
    /// The services of all components that are to run, with `values`; a service's `component` is the component's name.
    ///
    /// Mistakes: settings that are missing or do not fit their type, secrets that are not set, and whatever the rendered
    /// stack has.
    pub fn render(&self, values: &Values) -> Result<Rendered, Problems> {
        refused(self.settings.mistakes(values))?;
        let mut problems = Problems::new();
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
                image.clone_into(&mut service.image);
            }
            if let (Some(Ok(count)), Mode::Replicated { replicas }) =
                (values.get(component, "replicas").map(str::parse), &mut service.mode)
            {
                *replicas = count;
            }
            // The stack's own number may follow from a setting.
            if let Mode::Replicated { replicas } = service.mode
                && let Some((message, remedy)) = self.settings.unsafe_tasks(component, replicas, values)
            {
                let origin = Origin::File { path: file.clone(), line: None };
                problems.add_with_hint(origin, format!("`services.{component}.deploy`: {message}"), remedy);
            }
        }
        let rendered = stack.render(&Naming { namespace: &self.name });
        let names = rendered.services.iter().flat_map(|service| &service.secrets).filter_map(|secret| {
            let (target, key) = secret.split_once('.')?;
            Some(SettingKey { target: target.to_owned(), key: key.to_owned() })
        });
        let unset = names.filter(|name| !values.has_secret(&name.target, &name.key));
        if let Err(missing) = refused(unset.map(|name| self.settings.unset(&name)).collect()) {
            problems.extend(missing);
        }
        if problems.is_empty() { Ok(rendered) } else { Err(problems) }
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
        let labels = self.apps.as_ref().map(|apps| ("labels", apps.labels.to_string()));
        let bundle = [("name", self.name.clone()), ("version", self.version.to_string())].into_iter().chain(labels);
        let more = [("settings", Value::from_pairs(targets.clone())), ("bundle", Value::from_pairs(bundle))];
        Value::from_pairs(targets.into_iter().chain(more.map(|(name, value)| (name.to_owned(), value))))
    }
}
