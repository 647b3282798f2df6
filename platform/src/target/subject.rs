//! Targets of the commands that look at something that runs: a component, an app's service, or a machine.

use super::{EVERYTHING, Instances, Target, parse_all, usage};
use report::Failure;

/// A component that members of etcd run as a unit of their system, not in a container.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct HostComponent {
    pub name: &'static str,
    pub unit: &'static str,
}

/// What every platform has on its machines.
pub(crate) const HOST_COMPONENTS: [HostComponent; 1] = [HostComponent { name: "store", unit: "etcd-member.service" }];

/// The names that there are.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Known<'a> {
    /// In the bundle's order.
    pub components: &'a [&'a str],
    /// Apps' services as `app/NAME.service`; `app/NAME` is every service of that app.
    pub apps: &'a [&'a str],
    pub machines: &'a [&'a str],
}

/// Something that runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Subject<'a> {
    /// A component, or an app's service as `app/NAME.service`.
    Service { name: &'a str, instances: Instances },
    /// A node.
    Machine { name: &'a str },
}

/// What the targets mean, services first, each once; every mistake in one usage failure. A name is looked for among
/// components and apps, then among machines; a pattern means machines only when it fits no component and no app.
pub(crate) fn subjects<'a>(texts: &[String], known: &Known<'a>) -> Result<Vec<Subject<'a>>, Failure> {
    let (targets, mut wrong) = parse_all(texts);
    let services: Vec<&'a str> = known.components.iter().chain(known.apps).copied().collect();
    let (mut of_services, mut of_machines) = (Vec::new(), Vec::new());
    for target in &targets {
        if services.iter().any(|name| means(target, name)) {
            of_services.push(target);
        } else if known.machines.iter().any(|name| target.means(name)) && !target.is_everything() {
            match target.instances {
                Instances::All => of_machines.push(target),
                Instances::Numbered(_) => wrong.push(format!("`{}`: a machine has no instances", target.text)),
            }
        } else if target.is_everything() {
            wrong.push(format!("`{EVERYTHING}`: no component is installed"));
        } else if let Some(app) = app_named(&target.name, known.apps) {
            wrong.push(format!("there is no component or machine `{}`; did you mean the app `{app}`?", target.text));
        } else {
            let names = services.iter().chain(known.machines).copied();
            wrong.push(target.unknown(names, "component, app or machine"));
        }
    }
    if !wrong.is_empty() {
        return Err(usage(&wrong));
    }
    let services = services.into_iter().filter_map(|name| {
        let meant = of_services.iter().filter(|target| means(target, name)).map(|target| &target.instances);
        Some(Subject::Service { name, instances: meant.cloned().reduce(Instances::and)? })
    });
    let machines = known.machines.iter().filter(|name| of_machines.iter().any(|target| target.means(name)));
    Ok(services.chain(machines.map(|name| Subject::Machine { name })).collect())
}

/// `app/NAME` means all services of the app, also those whose name has more to it.
fn means(target: &Target, name: &str) -> bool {
    let app = || name.starts_with("app/") && name.split_once('.').is_some_and(|(app, _)| target.means(app));
    target.means(name) || app()
}

/// The target of the app of this name, when there is one: people write `hello` for `app/hello`.
fn app_named(name: &str, apps: &[&str]) -> Option<String> {
    let is_its_own = |app: &&&str| app.split('.').next() == Some(&format!("app/{name}"));
    apps.iter().find(is_its_own).map(|_| format!("app/{name}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const KNOWN: Known<'static> = Known {
        components: &["store", "router"],
        apps: &["app/hello.web", "app/hello.worker", "app/shop.web"],
        machines: &["m-1", "m-2", "router-box"],
    };

    fn described(texts: &[&str], known: &Known<'_>) -> Result<Vec<String>, String> {
        let texts: Vec<String> = texts.iter().map(|text| (*text).to_owned()).collect();
        let text = |subject: &Subject<'_>| match subject {
            Subject::Service { name, instances } => format!("{name}{instances}"),
            Subject::Machine { name } => format!("machine {name}"),
        };
        subjects(&texts, known).map(|subjects| subjects.iter().map(text).collect()).map_err(|error| error.to_string())
    }

    #[test]
    fn services_come_before_machines() {
        for (texts, expected) in [
            (vec!["m-2", "router@1"], vec!["router@1", "machine m-2"]),
            (vec!["m-*"], vec!["machine m-1", "machine m-2"]),
            (vec!["router*"], vec!["router"]),
            (vec!["platform"], vec!["store", "router"]),
            (vec!["*"], vec!["store", "router"]),
            (vec!["app/hello"], vec!["app/hello.web", "app/hello.worker"]),
            (vec!["app/hello.web@2"], vec!["app/hello.web@2"]),
            (vec!["app/*"], vec!["app/hello.web", "app/hello.worker", "app/shop.web"]),
            (vec!["app/s*"], vec!["app/shop.web"]),
        ] {
            assert_eq!(described(&texts, &KNOWN).unwrap(), expected, "{texts:?}");
        }
        let bare = Known { components: &[], apps: &[], ..KNOWN };
        assert_eq!(described(&["*"], &bare).unwrap(), ["machine m-1", "machine m-2", "machine router-box"]);
    }

    #[test]
    fn mistakes() {
        let bare = Known { components: &[], ..KNOWN };
        for (texts, known, expected) in [
            (vec!["m-3"], &KNOWN, "there is no component, app or machine `m-3`; did you mean `m-"),
            (vec!["app/helo"], &KNOWN, "did you mean `app/hello."),
            (vec!["hello"], &KNOWN, "there is no component or machine `hello`; did you mean the app `app/hello`?"),
            (vec!["m-1@2"], &KNOWN, "a machine has no instances"),
            (vec!["platform"], &bare, "no component is installed"),
            (vec!["q*"], &KNOWN, "`q*` fits no component, app or machine"),
        ] {
            let said = described(&texts, known).unwrap_err();
            assert!(said.contains(expected), "{texts:?}: {said}");
        }
    }
}
