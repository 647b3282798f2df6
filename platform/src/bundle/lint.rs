//! Checks `stack.yaml` against `platform.yaml`.

use std::collections::BTreeSet;

use super::template::{self, Undefined};
use super::{Bundle, Component, ComponentKind, Health, MANIFEST, PortRules, SettingType, Values, image, port};
use crate::compose::{Examined, Mode, Naming, Protocol, Stack, Warning};
use diagnostics::suggestion;
use diagnostics::yaml::{Document, Step};
use diagnostics::{Origin, Problem, Problems};

/// Checks the stack, with few settings and with all of them; fills in the names of networks and the
/// defaults of the components' images.
pub(super) fn stack(
    bundle: &mut Bundle,
    manifest_file: &str,
    stack_file: &str,
    source: &str,
    rules: PortRules,
) -> Problems {
    let mut found: Vec<Problem> = undeclared(bundle, stack_file, source);
    // Names that are not there were found a moment ago; what else is wrong is looked for past them.
    let undefined = if found.is_empty() { Undefined::Refused } else { Undefined::SomeText };
    let mut stacks = Vec::new();
    for values in [samples(bundle, false), samples(bundle, true)] {
        let Examined { stack, warnings, problems } = bundle.stack(&values, stack_file, undefined);
        found.extend(problems.iter().cloned());
        found.extend(warnings.into_iter().map(|Warning { line, message }| {
            let origin = Origin::File { path: stack_file.to_owned(), line };
            Problem { origin, message, hint: None }
        }));
        if let Some(stack) = stack {
            found.extend(services(bundle, &values, undefined, &stack, stack_file, rules));
            stacks.push(stack);
        }
    }
    if let [few, all] = stacks.as_slice() {
        // Of a stack with mistakes the part may be missing that publishes a port.
        if rules == PortRules::All && found.is_empty() {
            found.extend(unpublished(bundle, manifest_file, [few, all]));
        }
        found.extend(components(bundle, manifest_file, few, all));
        found.extend(app_network(bundle, manifest_file, few));
        let naming = Naming { namespace: &bundle.name };
        let made = [few, all].map(|stack| stack.render(&naming).networks);
        let names: BTreeSet<String> = made.into_iter().flatten().map(|network| network.name).collect();
        bundle.networks = names.into_iter().collect();
        for (key, service) in &few.services {
            bundle.settings.set_default(key, "image", service.image.clone());
            if let Mode::Replicated { replicas } = service.mode {
                bundle.settings.set_default(key, "replicas", replicas.to_string());
            }
        }
    }
    found.sort_by_key(|problem| match problem.origin {
        Origin::File { line, .. } => line.unwrap_or(usize::MAX),
        _ => usize::MAX,
    });
    let mut once: Vec<Problem> = Vec::new();
    for problem in found {
        if !once.contains(&problem) {
            once.push(problem);
        }
    }
    once.into_iter().collect()
}

/// Values to try the template with: what must be set, or everything that can be.
fn samples(bundle: &Bundle, everything: bool) -> Values {
    let mut values = Values::new();
    for setting in bundle.settings.iter().filter(|setting| setting.required || everything) {
        let (target, key) = (&setting.name.target, &setting.name.key);
        match setting.kind {
            SettingType::Secret => values.set_secret(target, key),
            SettingType::Boolean => values.set(target, key, "true"),
            _ => {
                let example = setting.example.clone().or_else(|| setting.default.clone());
                values.set(target, key, &example.unwrap_or_else(|| setting.kind.sample()));
            }
        }
    }
    // These two change what the stack says, and it is what the stack says that is checked.
    for component in bundle.components() {
        values.unset(&component.name, "image");
        values.unset(&component.name, "replicas");
    }
    values
}

/// Names that the template uses and that are no settings.
fn undeclared(bundle: &Bundle, file: &str, source: &str) -> Vec<Problem> {
    let targets = bundle.settings.target_names();
    let mut found = Vec::new();
    for name in template::names(source) {
        let mut parts = name.split('.');
        let (target, key) = match (parts.next().unwrap_or_default(), parts.next()) {
            ("settings", Some(target)) => (target, parts.next()),
            ("settings", None) => continue,
            (target, key) => (target, key),
        };
        if target == "bundle"
            && key.is_none_or(|key| ["name", "version"].contains(&key) || (key == "labels" && bundle.apps.is_some()))
        {
            continue;
        }
        let known = match key {
            Some(key) => bundle.settings.get(target, key).is_some(),
            None => targets.contains(&target),
        };
        if known {
            continue;
        }
        let line = source.lines().position(|line| line.contains(&name)).map(|index| index + 1);
        let right = match key {
            Some(key) => bundle.settings.suggestion(target, key).map(|name| name.replacen('/', ".", 1)),
            None => suggestion(target, targets.iter().copied()).map(str::to_owned),
        };
        found.push(Problem {
            origin: Origin::File { path: file.to_owned(), line },
            message: format!("`{name}` is not among the settings of `{MANIFEST}`"),
            hint: right.map(|right| format!("did you mean `{right}`?")),
        });
    }
    found
}

/// Services against components.
fn services(
    bundle: &Bundle,
    values: &Values,
    undefined: Undefined,
    stack: &Stack,
    file: &str,
    rules: PortRules,
) -> Vec<Problem> {
    // It was rendered and read a moment ago.
    let Ok(rendered) = bundle.stack_text(values, undefined) else { return Vec::new() };
    let Ok(document) = Document::parse_rendered(file, &rendered.text, rendered.lines) else { return Vec::new() };
    let at = |service: &str, key: Option<&str>| {
        let steps = [Some("services"), Some(service), key];
        steps.into_iter().flatten().map(|key| Step::Key(key.to_owned())).collect::<Vec<_>>()
    };
    let secrets: BTreeSet<String> = bundle
        .settings
        .iter()
        .filter(|setting| setting.kind == SettingType::Secret)
        .map(|setting| format!("{}.{}", setting.name.target, setting.name.key))
        .collect();
    for (key, service) in &stack.services {
        // That its name is not known was found before.
        let is_unknown = undefined == Undefined::SomeText && service.image.contains(template::SOME_TEXT);
        if !service.image.is_empty()
            && !is_unknown
            && let Err(message) = image::check(&service.image)
        {
            document.problem(&at(key, Some("image")), message);
        }
        if rules == PortRules::All {
            for message in port::refused(service) {
                document.problem(&at(key, Some("ports")), message);
            }
        }
        match bundle.component(key) {
            None => document.problem(&at(key, None), format!("no subsystem of `{MANIFEST}` has a component `{key}`")),
            Some(Component { kind: ComponentKind::Host, .. }) => {
                document.problem(&at(key, None), format!("the component `{key}` is of kind `host` and has no service"));
            }
            Some(component) => {
                if component.scalable && service.mode == Mode::Global {
                    document.problem(&at(key, Some("deploy")), "a global service is not scalable");
                }
                if let Mode::Replicated { replicas } = service.mode
                    && let Some((message, _)) = bundle.settings.unsafe_tasks(key, replicas, values)
                {
                    document.problem(&at(key, Some("deploy")), message);
                }
                if let Health::Http { port, .. } = component.health
                    && !service.ports.iter().any(|published| published.published == Some(port))
                {
                    let message = format!("the health check asks port {port}, which the service does not publish");
                    document.problem(&at(key, Some("ports")), message);
                }
            }
        }
    }
    for (key, secret) in &stack.secrets {
        let name = secret.name.as_ref().unwrap_or(key);
        if !secrets.contains(name) {
            let path = [Step::Key("secrets".into()), Step::Key(key.clone())];
            let message =
                format!("`{name}` is no secret setting of `{MANIFEST}`; `TARGET.KEY` stands for `TARGET/KEY`");
            document.problem(&path, message);
        }
    }
    document.into_problems().iter().cloned().collect()
}

/// Gives the apps' network its name in the swarm, or says that it is not there whatever the settings.
fn app_network(bundle: &mut Bundle, file: &str, few: &Stack) -> Vec<Problem> {
    let components = bundle.components().map(|component| component.name.clone()).collect();
    let Some(apps) = &mut bundle.apps else { return Vec::new() };
    apps.bundle.clone_from(&bundle.name);
    apps.components = components;
    let naming = Naming { namespace: &bundle.name };
    let named = |key: &mut String| match few.networks.get(key) {
        Some(network) => {
            *key = network.name.clone().unwrap_or_else(|| naming.name(key));
            None
        }
        None => Some(key.clone()),
    };
    let unknown: Vec<(Vec<Step>, String)> = std::iter::once(&mut apps.network)
        .filter_map(|key| Some((vec![Step::Key("apps".into()), Step::Key("network".into())], named(key)?)))
        .chain(apps.open_networks.iter_mut().enumerate().filter_map(|(index, key)| {
            let path = vec![Step::Key("apps".into()), Step::Key("open_networks".into()), Step::Index(index)];
            Some((path, named(key)?))
        }))
        .collect();
    let Some(manifest) = bundle.files.get(MANIFEST) else { return Vec::new() };
    let Ok(document) = Document::parse(file, manifest) else { return Vec::new() };
    let known: Vec<&str> = few.networks.keys().map(String::as_str).collect();
    let known = if known.is_empty() { "it has none".to_owned() } else { format!("it has {}", known.join(", ")) };
    for (path, key) in unknown {
        document.problem(&path, format!("the stack has no network `{key}`; {known}"));
    }
    document.into_problems().iter().cloned().collect()
}

/// Components without a service.
fn components(bundle: &Bundle, file: &str, few: &Stack, all: &Stack) -> Vec<Problem> {
    let Some(manifest) = bundle.files.get(MANIFEST) else { return Vec::new() };
    let Ok(document) = Document::parse(file, manifest) else { return Vec::new() };
    for (subsystem_index, subsystem) in bundle.subsystems.iter().enumerate() {
        for (index, component) in subsystem.components.iter().enumerate() {
            let is_service = component.kind == ComponentKind::Service;
            let has_service = few.services.contains_key(&component.name) || all.services.contains_key(&component.name);
            if is_service && !has_service {
                let path = [
                    Step::Key("subsystems".into()),
                    Step::Index(subsystem_index),
                    Step::Key("components".into()),
                    Step::Index(index),
                ];
                document.problem(&path, format!("the stack has no service `{}`", component.name));
            }
        }
    }
    document.into_problems().iter().cloned().collect()
}

/// Ports that the load balancer is to open and that nothing on the nodes answers.
fn unpublished(bundle: &Bundle, file: &str, stacks: [&Stack; 2]) -> Vec<Problem> {
    let services = stacks.into_iter().flat_map(|stack| stack.services.values());
    let ports = services.flat_map(|service| &service.ports).filter(|port| port.protocol == Protocol::Tcp);
    let made_by_components = bundle.components().flat_map(|component| &component.publishes).copied();
    let published: BTreeSet<u16> = ports.filter_map(|port| port.published).chain(made_by_components).collect();
    let Some(manifest) = bundle.files.get(MANIFEST) else { return Vec::new() };
    let Ok(document) = Document::parse(file, manifest) else { return Vec::new() };
    let items = document.root().fields().and_then(|fields| fields.take("ports")).and_then(|node| node.items());
    for item in items.unwrap_or_default() {
        let number = item.value().get("port").and_then(diagnostics::yaml::Value::as_u64);
        let port = number.and_then(|number| u16::try_from(number).ok()).filter(|port| !published.contains(port));
        if let Some(port) = port {
            item.problem_with_hint(
                format!("no component publishes port {port} over TCP, so nothing would answer there"),
                "publish it under `ports` of a service, or name it under `publishes` of the component that makes the \
                 service which does",
            );
        }
    }
    document.into_problems().iter().cloned().collect()
}
