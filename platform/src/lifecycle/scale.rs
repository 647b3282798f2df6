//! Changes how many tasks a component has; the number is a setting, so it outlives the service.

use super::Installation;
use super::health::wait_until_well;
use super::start::unwell;
use crate::Platform;
use crate::bundle::{Bundle, Component, Values};
use crate::settings::{self, Assignment, Settings};
use diagnostics::Problems;
use report::{Failure, Reporter};

/// A component and its number of tasks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Scale {
    pub component: String,
    pub replicas: u32,
}

impl std::str::FromStr for Scale {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` is not COMPONENT=NUMBER, like registry=2");
        let (component, replicas) = text.split_once('=').ok_or_else(wrong)?;
        if component.is_empty() {
            return Err(wrong());
        }
        if replicas.starts_with('-') {
            return Err(format!("cannot scale `{component}` below 0"));
        }
        Ok(Self { component: component.to_owned(), replicas: replicas.parse().map_err(|_| wrong())? })
    }
}

/// Scales all of them, or none when one cannot be scaled.
pub(crate) async fn scale(
    platform: &Platform,
    installation: &Installation,
    scales: &[Scale],
    reporter: &Reporter,
) -> Result<(), Failure> {
    let bundle = &installation.bundle;
    let scalable: Vec<&str> =
        bundle.components().filter(|component| component.scalable).map(|component| component.name.as_str()).collect();
    let mut components: Vec<&Component> = Vec::new();
    for scale in scales {
        match bundle.component(&scale.component) {
            Some(component) if component.scalable => components.push(component),
            Some(_) => {
                return Err(Failure::Usage(format!(
                    "component `{}` cannot be scaled: its stack says on which nodes it runs; these can: {}",
                    scale.component,
                    scalable.join(", ")
                )));
            }
            None => {
                return Err(Failure::Usage(format!(
                    "there is no component `{}`; these can be scaled: {}",
                    scale.component,
                    scalable.join(", ")
                )));
            }
        }
    }
    let settings = Settings::new(platform);
    let values = settings.load().await?;
    check(bundle, &values, scales)?;
    for scale in scales {
        settings.set(&bundle.settings, &scale.component, &[scale.assignment()]).await?;
        let name = format!("{}_{}", bundle.name, scale.component);
        platform.swarm.scale(&name, i64::from(scale.replicas)).await?;
    }
    wait_until_well(platform, bundle, &components, reporter).await.map_err(unwell)
}

impl Scale {
    /// The setting that keeps the number.
    fn assignment(&self) -> Assignment {
        Assignment { key: "replicas".into(), value: self.replicas.to_string() }
    }
}

/// Every number that its component's setting does not take, alone or together with other settings.
fn check(bundle: &Bundle, values: &Values, scales: &[Scale]) -> Result<(), Problems> {
    let mut after = values.clone();
    for scale in scales {
        after.set(&scale.component, "replicas", &scale.replicas.to_string());
    }
    settings::check_change(&bundle.settings, values, &after)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_obey_the_bundles_rule() {
        let bundle = Bundle::default_platform().unwrap();
        for (numbers, account, expected) in [
            (vec![0], None, None),
            (vec![1], None, None),
            (vec![2], None, Some("setting `registry/replicas`: 2 tasks; more than one is safe only with the setting")),
            (vec![2], Some("images"), None),
            (vec![5000], Some("images"), Some("must be a whole number, 0 to 1000, found `5000`")),
        ] {
            let mut values = Values::new();
            if let Some(account) = account {
                values.set("registry", "azureAccount", account);
            }
            let scales: Vec<Scale> =
                numbers.iter().map(|replicas| Scale { component: "registry".into(), replicas: *replicas }).collect();
            let found = check(&bundle, &values, &scales).map_err(|problems| problems.to_string());
            match (found, expected) {
                (Ok(()), None) => {}
                (Err(found), Some(expected)) => assert!(found.contains(expected), "{found}"),
                (found, _) => panic!("{numbers:?} {account:?}: {found:?}"),
            }
        }
    }

    #[test]
    fn scales() {
        for (text, expected) in [
            ("registry=2", Ok(("registry", 2))),
            ("registry=0", Ok(("registry", 0))),
            ("registry=-1", Err("below 0")),
            ("registry=two", Err("COMPONENT=NUMBER")),
            ("registry", Err("COMPONENT=NUMBER")),
            ("=2", Err("COMPONENT=NUMBER")),
        ] {
            match (text.parse::<Scale>(), expected) {
                (Ok(scale), Ok(expected)) => assert_eq!((scale.component.as_str(), scale.replicas), expected),
                (Err(error), Err(words)) => assert!(error.contains(words), "{error}"),
                (found, _) => panic!("{text}: {found:?}"),
            }
        }
    }
}
