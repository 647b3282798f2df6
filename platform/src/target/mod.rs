//! What commands are about: turns the words that a user gave into components with their instances, pure.
//!
//! `platform` is every component, `router` one of them, `router@2` its second instance, `router@*` all instances, `st*`
//! every component whose name fits. Apps' services are `app/NAME` and `app/NAME.service`, machines go by their name.
//! Every verb of `platformctl` that takes targets calls it.

mod instance;
mod subject;

pub(crate) use instance::Instances;
pub(crate) use subject::{HOST_COMPONENTS, HostComponent, Known, Subject, subjects};

use wildmatch::WildMatch;

use diagnostics::suggestion;
use report::Failure;

/// Every component.
const EVERYTHING: &str = "platform";

/// A target as the user wrote it, taken apart.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Target {
    text: String,
    /// A name, or a pattern with `*` and `?`.
    name: String,
    instances: Instances,
}

/// A component that was chosen, and which of its instances.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Selected<'a> {
    pub component: &'a str,
    pub instances: Instances,
}

impl Target {
    /// Takes `NAME`, `NAME@N`, `NAME@*` or a pattern apart; the error says what is wrong with the form.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let (name, instances) = match text.split_once('@') {
            None => (text, Instances::All),
            Some((name, "*")) => (name, Instances::All),
            Some((name, number)) => match number.parse() {
                Ok(number) if number > 0 => (name, Instances::numbered(number)),
                _ => return Err(format!("`{text}`: after `@` comes an instance's number, from 1 on, or `*`")),
            },
        };
        let is_good = |character: char| character.is_ascii_alphanumeric() || "-_./*?".contains(character);
        if name.is_empty() || !name.chars().all(is_good) {
            return Err(format!(
                "`{text}` is not a target; targets are `platform`, a component like `router`, an instance like `router@1`, \
                 or a pattern like `st*`"
            ));
        }
        if name == EVERYTHING && text != EVERYTHING {
            return Err(format!("`{text}`: `platform` is every component, so it has no instances"));
        }
        Ok(Self { text: text.to_owned(), name: name.to_owned(), instances })
    }

    /// Whether it means this component or service. A pattern without `/` means components only, not apps.
    fn means(&self, name: &str) -> bool {
        if self.is_everything() {
            return !name.contains('/');
        }
        if self.is_pattern() {
            return self.name.contains('/') == name.contains('/') && WildMatch::new(&self.name).matches(name);
        }
        self.name == name
    }

    fn is_everything(&self) -> bool {
        self.name == EVERYTHING
    }

    fn is_pattern(&self) -> bool {
        self.name.contains(['*', '?'])
    }

    /// Why it means nothing, with the nearest name that is known.
    fn unknown<'k>(&self, known: impl Iterator<Item = &'k str> + Clone, what: &str) -> String {
        let all: Vec<&str> = known.clone().chain([EVERYTHING]).collect();
        if self.is_pattern() {
            return format!("`{}` fits no {what}; there are {}", self.text, all.join(", "));
        }
        match suggestion(&self.name, all.iter().copied()) {
            Some(name) => format!("there is no {what} `{}`; did you mean `{name}`?", self.name),
            None => format!("there is no {what} `{}`; there are {}", self.name, all.join(", ")),
        }
    }
}

/// The components that the targets mean, in the order of `components`, each once; or everything that is wrong with the
/// targets, one message each.
pub(crate) fn select<'a>(targets: &[Target], components: &[&'a str]) -> Result<Vec<Selected<'a>>, Vec<String>> {
    let means_nothing = |target: &&Target| !components.iter().any(|component| target.means(component));
    let wrong: Vec<String> = targets
        .iter()
        .filter(means_nothing)
        .map(|target| target.unknown(components.iter().copied(), "component"))
        .collect();
    if !wrong.is_empty() {
        return Err(wrong);
    }
    let selected = components.iter().filter_map(|component| {
        let meant = targets.iter().filter(|target| target.means(component)).map(|target| &target.instances);
        let instances = meant.cloned().reduce(Instances::and)?;
        Some(Selected { component, instances })
    });
    Ok(selected.collect())
}

/// [`Target::parse`] and [`select`] together: every mistake in one usage failure.
pub(crate) fn select_texts<'a>(texts: &[String], components: &[&'a str]) -> Result<Vec<Selected<'a>>, Failure> {
    let (targets, mut wrong) = parse_all(texts);
    match select(&targets, components) {
        Ok(selected) if wrong.is_empty() => Ok(selected),
        Ok(_) => Err(usage(&wrong)),
        Err(unknown) => {
            wrong.extend(unknown);
            Err(usage(&wrong))
        }
    }
}

fn parse_all(texts: &[String]) -> (Vec<Target>, Vec<String>) {
    let (mut targets, mut wrong) = (Vec::new(), Vec::new());
    for text in texts {
        match Target::parse(text) {
            Ok(target) => targets.push(target),
            Err(message) => wrong.push(message),
        }
    }
    (targets, wrong)
}

fn usage(wrong: &[String]) -> Failure {
    Failure::Usage(wrong.join("\nerror: "))
}

#[cfg(test)]
mod tests {
    use super::*;

    const COMPONENTS: [&str; 5] = ["store", "logger", "registry", "controller", "router"];

    fn described(texts: &[&str]) -> Result<Vec<String>, String> {
        let texts: Vec<String> = texts.iter().map(|text| (*text).to_owned()).collect();
        match select_texts(&texts, &COMPONENTS) {
            Ok(selected) => Ok(selected.iter().map(|one| format!("{}{}", one.component, one.instances)).collect()),
            Err(failure) => Err(failure.to_string()),
        }
    }

    #[test]
    fn targets_choose_components_in_order() {
        for (texts, expected) in [
            (vec!["platform"], COMPONENTS.to_vec()),
            (vec!["*"], COMPONENTS.to_vec()),
            (vec!["router", "logger"], vec!["logger", "router"]),
            (vec!["router@2"], vec!["router@2"]),
            (vec!["router@*"], vec!["router"]),
            (vec!["router@3", "router@1", "router@3"], vec!["router@1,3"]),
            (vec!["router@3", "router"], vec!["router"]),
            (vec!["r*"], vec!["registry", "router"]),
            (vec!["r*@2", "logger"], vec!["logger", "registry@2", "router@2"]),
            (vec!["?o*er"], vec!["logger", "controller", "router"]),
            (vec![], vec![]),
        ] {
            assert_eq!(described(&texts).unwrap(), expected, "{texts:?}");
        }
    }

    #[test]
    fn every_mistake_is_told() {
        for (texts, expected) in [
            (vec!["ruoter"], vec!["there is no component `ruoter`; did you mean `router`?"]),
            (vec!["paltform"], vec!["did you mean `platform`?"]),
            (vec!["router@0"], vec!["`router@0`: after `@` comes an instance's number"]),
            (vec!["router@"], vec!["`router@`: after `@`"]),
            (vec!["router@-1"], vec!["`router@-1`"]),
            (vec!["platform@1"], vec!["it has no instances"]),
            (vec!["", "a b"], vec!["`` is not a target", "`a b` is not a target"]),
            (
                vec!["x*", "router@y", "zzz"],
                vec!["`router@y`", "`x*` fits no component", "there is no component `zzz`"],
            ),
        ] {
            let said = described(&texts).unwrap_err();
            for part in &expected {
                assert!(said.contains(part), "{texts:?}: {said}");
            }
            assert_eq!(said.lines().count(), expected.len(), "{said}");
        }
    }
}
