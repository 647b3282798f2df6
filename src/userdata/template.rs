//! The texts that user-data is made of: templates and base files that are compiled into the program, and those that a
//! user put in their place. An undefined name is an error, never an empty string.

use minijinja::syntax::SyntaxConfig;
use minijinja::{Environment, ErrorKind, UndefinedBehavior, Value, context};
use std::collections::BTreeMap;

use super::{BASE_FILE, Purpose, UserDataError, read};
use crate::spec::TemplateSet;
use diagnostics::suggestion;
use diagnostics::{Origin, Problems};

/// Steps that rendering may take; the largest of ours takes some hundred.
const MOST_STEPS: u64 = 1_000_000;
const TOO_LONG: &str = "takes more than 1000000 steps to render; make its loops shorter";

/// A text of ours that can be replaced.
struct Shipped {
    name: &'static str,
    text: &'static str,
    kind: Kind,
}

/// What a text is.
enum Kind {
    /// A cloud-config that stands as it is.
    Base,
    /// A template, and values such as it is given.
    Template(fn() -> Value),
}

/// A template of what is written on the operator's side, which nobody replaces.
const SSH_CONFIG: &str = "ssh_config";
const SSH_CONFIG_TEXT: &str = include_str!("../../templates/ssh_config");

/// Every text, by name.
const SHIPPED: [Shipped; 11] = [
    Shipped { name: BASE_FILE, text: include_str!("../../cloud-config/base.yaml"), kind: Kind::Base },
    Shipped {
        name: "chrony.sources",
        text: include_str!("../../templates/chrony.sources"),
        kind: Kind::Template(|| context! { servers => ["time.example.com"] }),
    },
    Shipped {
        name: "docker-label.conf",
        text: include_str!("../../templates/docker-label.conf"),
        kind: Kind::Template(|| context! {}),
    },
    Shipped {
        name: "docker-requires-data-disk.conf",
        text: include_str!("../../templates/docker-requires-data-disk.conf"),
        kind: Kind::Template(|| context! {}),
    },
    Shipped {
        name: "environment",
        text: include_str!("../../templates/environment"),
        kind: Kind::Template(|| context! { endpoints => "https://10.0.0.4:2379" }),
    },
    Shipped {
        name: "etcd-member.conf",
        text: include_str!("../../templates/etcd-member.conf"),
        kind: Kind::Template(|| {
            let (initial_cluster, initial_cluster_state) = ("node-0=https://10.0.0.4:2380", "new");
            let discovery_url = "https://discovery.example.com/token";
            context! { name => "node-0", cluster => "cluster", address => "10.0.0.4", initial_cluster, initial_cluster_state, discovery_url }
        }),
    },
    Shipped {
        name: "etcd-member.service",
        text: include_str!("../../templates/etcd-member.service"),
        kind: Kind::Template(|| context! { image => "quay.io/coreos/etcd:v3.5.16" }),
    },
    Shipped {
        name: "etcdctl.service",
        text: include_str!("../../templates/etcdctl.service"),
        kind: Kind::Template(|| context! { image => "quay.io/coreos/etcd:v3.5.16" }),
    },
    Shipped {
        name: "format-data-disk.service",
        text: include_str!("../../templates/format-data-disk.service"),
        kind: Kind::Template(|| {
            let (device_unit, mount_unit) = ("dev-sdc.device", "var-lib-docker.mount");
            context! { device => "/dev/sdc", device_unit, label => "docker", mount_unit }
        }),
    },
    Shipped {
        name: "var-lib-data.mount",
        text: include_str!("../../templates/var-lib-data.mount"),
        kind: Kind::Template(|| context! { device => "/dev/sdd", label => "data1" }),
    },
    Shipped {
        name: "var-lib-docker.mount",
        text: include_str!("../../templates/var-lib-docker.mount"),
        kind: Kind::Template(|| context! { device => "/dev/sdc" }),
    },
];

impl TemplateSet {
    /// Puts `files` (name to text) in place of shipped texts of the same names; every mistake with file and line:
    /// names that are not shipped, templates that do not render, base files that are no valid cloud-config.
    pub fn with_overrides(mut files: BTreeMap<String, String>) -> Result<Self, Problems> {
        let mut problems = Problems::new();
        // The folder of the program's own sources has it too.
        if files.get(SSH_CONFIG).is_some_and(|text| text == SSH_CONFIG_TEXT) {
            files.remove(SSH_CONFIG);
        }
        for (name, text) in &files {
            match SHIPPED.iter().find(|shipped| shipped.name == name) {
                None if name == SSH_CONFIG => {
                    let origin = Origin::File { path: name.clone(), line: None };
                    let hint = "leave it out, and put a file of yours beside the written one: `ssh -F`";
                    problems.add_with_hint(origin, "is written on your side and is the same for everybody", hint);
                }
                None => {
                    let names = Self::shipped().map(|(name, _)| name);
                    let hint = match suggestion(name, names) {
                        Some(right) => format!("did you mean `{right}`?"),
                        None => format!(
                            "known are {}",
                            Self::shipped().map(|(name, _)| name).collect::<Vec<_>>().join(", ")
                        ),
                    };
                    let origin = Origin::File { path: name.clone(), line: None };
                    problems.add_with_hint(origin, "no template or base file has this name", hint);
                }
                Some(Shipped { kind: Kind::Base, .. }) => {
                    if let Err(found) = read::cloud_config(name, text, Purpose::default()) {
                        problems.extend(found);
                    }
                }
                Some(Shipped { kind: Kind::Template(values), .. }) => problems.extend(check(name, text, &values())),
            }
        }
        if problems.is_empty() { Ok(Self { replaced: files }) } else { Err(problems) }
    }

    /// Name and text of every shipped template and base file, by name.
    pub fn shipped() -> impl Iterator<Item = (&'static str, &'static str)> {
        SHIPPED.iter().map(|shipped| (shipped.name, shipped.text))
    }

    /// Whether nothing is overridden.
    pub fn is_shipped(&self) -> bool {
        self.replaced.is_empty()
    }

    /// The text of `name`; empty when there is none of this name.
    pub fn text(&self, name: &str) -> &str {
        match self.replaced.get(name) {
            Some(text) => text,
            None => Self::shipped().find(|(known, _)| *known == name).map_or("", |(_, text)| text),
        }
    }

    /// Template `name` with `context`'s values.
    pub fn render(&self, name: &'static str, context: Value) -> Result<String, UserDataError> {
        render(name, self.text(name), context)
    }
}

/// `text` with `context`'s values; `name` is what messages call it.
pub fn render(name: &'static str, text: &str, context: impl Into<Value>) -> Result<String, UserDataError> {
    let failed = |error: minijinja::Error| match error.kind() {
        ErrorKind::OutOfFuel => UserDataError::Template(name, TOO_LONG.to_owned()),
        _ => UserDataError::Template(name, format!("{error:#}")),
    };
    environment().and_then(|environment| environment.render_named_str(name, text, context.into())).map_err(failed)
}

fn environment<'s>() -> Result<Environment<'s>, minijinja::Error> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_fuel(Some(MOST_STEPS));
    // Tags stand on lines of their own, which vanish; every other line ends as it is written.
    let syntax = SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).keep_trailing_newline(true).build()?;
    environment.set_syntax(syntax);
    Ok(environment)
}

/// What is wrong with a template: names that it is not given, in branches that are not taken too, and what else keeps it
/// from rendering.
fn check(name: &str, text: &str, values: &Value) -> Problems {
    let mut problems = Problems::new();
    let origin = |line| Origin::File { path: name.to_owned(), line };
    let explain = |error: &minijinja::Error| match error.detail() {
        _ if error.kind() == ErrorKind::OutOfFuel => TOO_LONG.to_owned(),
        Some(detail) => format!("{}: {detail}", error.kind()),
        None => error.kind().to_string(),
    };
    let environment = match environment() {
        Ok(environment) => environment,
        Err(error) => {
            problems.add(origin(None), explain(&error));
            return problems;
        }
    };
    let template = match environment.template_from_named_str(name, text) {
        Ok(template) => template,
        Err(error) => {
            problems.add(origin(error.line()), explain(&error));
            return problems;
        }
    };
    let known: Vec<String> = values.try_iter().into_iter().flatten().map(|key| key.to_string()).collect();
    let is_known = |used: &String| known.contains(used) || is_function(&environment, used);
    let mut unknown: Vec<String> =
        template.undeclared_variables(false).into_iter().filter(|used| !is_known(used)).collect();
    unknown.sort_by_key(|used| line_of(text, used));
    for used in unknown {
        let hint = match (suggestion(&used, known.iter().map(String::as_str)), known.is_empty()) {
            (Some(right), _) => format!("did you mean `{right}`?"),
            (None, true) => "this template is given no values".into(),
            (None, false) => format!("it is given {}", known.join(", ")),
        };
        problems.add_with_hint(origin(line_of(text, &used)), format!("`{used}` is not among its values"), hint);
    }
    if problems.is_empty()
        && let Err(error) = template.render(values)
    {
        problems.add(origin(error.line()), explain(&error));
    }
    problems
}

/// Whether it is one of minijinja's own functions, such as `range`; `debug`, which writes all values down, is for nobody.
fn is_function(environment: &Environment, name: &str) -> bool {
    name != "debug" && environment.globals().any(|(known, _)| known == name)
}

/// The first line in which a tag names `word`, counted from 1.
fn line_of(text: &str, word: &str) -> Option<usize> {
    let names = |line: &str| {
        line.split("{{")
            .skip(1)
            .chain(line.split("{%").skip(1))
            .any(|tag| tag.split(|c: char| !(c.is_alphanumeric() || c == '_')).any(|token| token == word))
    };
    text.lines().position(names).map(|index| index + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(name: &str, text: &str) -> Result<TemplateSet, Vec<String>> {
        TemplateSet::with_overrides([(name.to_owned(), text.to_owned())].into()).map_err(|problems| {
            let with_hint = |hint: &Option<String>| hint.as_ref().map(|hint| format!("; {hint}")).unwrap_or_default();
            problems.iter().map(|p| format!("{}: {}{}", p.origin, p.message, with_hint(&p.hint))).collect()
        })
    }

    #[test]
    fn an_undefined_name_is_an_error() {
        let error = TemplateSet::default().render("environment", context! {}).unwrap_err().to_string();
        assert!(error.contains("rendering `environment`"), "{error}");
    }

    #[test]
    fn every_server_gets_a_line() {
        let text =
            TemplateSet::default().render("chrony.sources", context! { servers => ["a.test", "b.test"] }).unwrap();
        assert_eq!(text, "server a.test iburst\nserver b.test iburst\n");
    }

    #[test]
    fn what_is_shipped_can_be_its_own_override() {
        let files = TemplateSet::shipped().map(|(name, text)| (name.to_owned(), text.to_owned())).collect();
        let set = TemplateSet::with_overrides(files).unwrap();
        assert!(!set.is_shipped() && TemplateSet::default().is_shipped());
        for (name, text) in TemplateSet::shipped() {
            assert_eq!(set.text(name), text, "{name}");
        }
    }

    #[test]
    fn an_override_is_rendered_and_stays_when_it_is_stored() {
        let set = set("environment", "A={{ endpoints }}\n").unwrap();
        let stored: TemplateSet = serde_json::from_str(&serde_json::to_string(&set).unwrap()).unwrap();
        assert_eq!(stored.render("environment", context! { endpoints => "x" }).unwrap(), "A=x\n");
        assert_eq!(format!("{stored:?}"), "{\"environment\"}");
    }

    #[test]
    fn functions_of_the_language_are_no_values() {
        let text = "{% set n = namespace(all='') %}{% for i in range(2) %}{% set n.all = n.all ~ dict(a=i).a %}{% endfor %}\
                    {{ n.all }}{{ endpoints }}";
        let text = set("environment", text).unwrap().render("environment", context! { endpoints => "x" }).unwrap();
        assert_eq!(text, "01x");
        let refused = set("environment", "{{ debug() }}").unwrap_err();
        assert!(refused[0].contains("`debug` is not among its values"), "{refused:?}");
    }

    #[test]
    fn mistakes_name_the_file_and_the_line() {
        for (name, text, expected) in [
            (
                "etcd-member.cnf",
                "",
                "`etcd-member.cnf`: no template or base file has this name; did you mean `etcd-member.conf`?",
            ),
            ("zzz", "", "`zzz`: no template or base file has this name; known are base.yaml, chrony.sources"),
            (
                "environment",
                "A=1\nB={{ endpoint }}\n",
                "`environment` line 2: `endpoint` is not among its values; did you mean `endpoints`?",
            ),
            (
                "environment",
                "{% if false %}\n{{ other }}\n{% endif %}\n",
                "`environment` line 2: `other` is not among its values; it is given endpoints",
            ),
            ("environment", "\n{% if %}\n", "`environment` line 2: syntax error"),
            (
                "environment",
                &format!("{}x{}", "{% for a in [1, 2, 3, 4, 5, 6, 7, 8, 9, 10] %}".repeat(7), "{% endfor %}".repeat(7)),
                "takes more than 1000000 steps to render; make its loops shorter",
            ),
            ("environment", "\n{{ endpoints | nonsense }}\n", "`environment` line 2: unknown filter"),
            (
                "docker-requires-data-disk.conf",
                "{{ x }}",
                "line 1: `x` is not among its values; this template is given no values",
            ),
            ("base.yaml", "#cloud-config\n\nwrite-files: []\n", "`base.yaml` line 3: `write-files`"),
        ] {
            let found = set(name, text).unwrap_err();
            assert_eq!(found.len(), 1, "{name} {text}: {found:?}");
            assert!(found[0].contains(expected), "{text}: {found:?}");
        }
    }

    #[test]
    fn all_mistakes_come_at_once() {
        let files = [("environment", "{{ a }}\n{{ b }}\n"), ("base.yaml", "hello\n"), ("x", "")];
        let files = files.map(|(name, text)| (name.to_owned(), text.to_owned())).into();
        assert_eq!(TemplateSet::with_overrides(files).unwrap_err().iter().count(), 4);
    }
}
