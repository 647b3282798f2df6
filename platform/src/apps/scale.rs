//! How many tasks the services of an app have.

use std::collections::BTreeMap;

use diagnostics::suggestion;

/// The service of an app that is one image.
pub(super) const WEB: &str = "web";
/// More tasks of one service than an overlay network has addresses cannot be reached.
const MOST: u32 = 200;

/// Why a wish for other numbers cannot be met.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum InvalidScale {
    /// Not a number, or too large a one.
    #[error("`{0}` is not [SERVICE=]N with N of 0 to {MOST}")]
    Form(String),
    /// The same service twice.
    #[error("`{0}` is given twice")]
    Twice(String),
    /// A service that the app does not have.
    #[error("there is no service `{service}`; the app has {}{}", .known.join(", "), did_you_mean(.suggestion.as_deref()))]
    Unknown { service: String, known: Vec<String>, suggestion: Option<String> },
    /// A service whose tasks are not counted.
    #[error("service `{0}` runs on every node (`mode: global`) and has no number of its own")]
    Global(String),
}

fn did_you_mean(suggestion: Option<&str>) -> String {
    suggestion.map(|word| format!("; did you mean `{word}`?")).unwrap_or_default()
}

/// What `3` and `web=3 worker=2` ask for; a number alone is for `public`. `services` are those that there are, and
/// whether they are global.
pub(super) fn wanted(
    words: &[String],
    services: &BTreeMap<String, bool>,
    public: &str,
) -> Result<BTreeMap<String, u32>, InvalidScale> {
    let mut wanted = BTreeMap::new();
    for word in words {
        let (service, number) = word.split_once('=').unwrap_or((public, word));
        let number: u32 =
            number.parse().ok().filter(|number| *number <= MOST).ok_or_else(|| InvalidScale::Form(word.clone()))?;
        match services.get(service) {
            Some(false) => {}
            Some(true) => return Err(InvalidScale::Global(service.to_owned())),
            None => {
                return Err(InvalidScale::Unknown {
                    service: service.to_owned(),
                    known: services.keys().cloned().collect(),
                    suggestion: suggestion(service, services.keys().map(String::as_str)).map(str::to_owned),
                });
            }
        }
        if wanted.insert(service.to_owned(), number).is_some() {
            return Err(InvalidScale::Twice(service.to_owned()));
        }
    }
    Ok(wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers() {
        let services = BTreeMap::from([("web", false), ("worker", false), ("agent", true)]);
        let services = services.into_iter().map(|(name, global)| (name.to_owned(), global)).collect();
        for (words, expected) in [
            (vec!["3"], Ok(vec![("web", 3)])),
            (vec!["web=0", "worker=2"], Ok(vec![("web", 0), ("worker", 2)])),
            (vec!["web="], Err("`web=` is not [SERVICE=]N")),
            (vec!["web=-1"], Err("`web=-1` is not")),
            (vec!["web=201"], Err("0 to 200")),
            (vec!["3", "web=3"], Err("`web` is given twice")),
            (vec!["wroker=2"], Err("the app has agent, web, worker; did you mean `worker`?")),
            (vec!["zzz=2"], Err("no service `zzz`; the app has agent, web, worker")),
            (vec!["agent=2"], Err("on every node")),
        ] {
            let words: Vec<String> = words.into_iter().map(str::to_owned).collect();
            match (wanted(&words, &services, "web"), expected) {
                (Ok(found), Ok(expected)) => {
                    let found: Vec<(&str, u32)> = found.iter().map(|(name, count)| (name.as_str(), *count)).collect();
                    assert_eq!(found, expected, "{words:?}");
                }
                (Err(found), Err(expected)) => assert!(found.to_string().contains(expected), "{words:?}: {found}"),
                (found, expected) => panic!("{words:?}: {found:?}, not {expected:?}"),
            }
        }
    }
}
