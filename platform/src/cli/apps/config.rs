//! `platformctl apps config`.

use std::collections::BTreeMap;
use std::path::Path;

use super::arguments::{ConfigArguments, ConfigCommand};
use super::change::{came_of, change_of};
use crate::Platform;
use crate::apps::{Apps, Config, ConfigChange};
use crate::cli::arguments::ConnectionArguments;
use crate::cli::connect;
use crate::settings::Assignment;
use diagnostics::{Origin, Problems, given_file, suggestion};
use report::{Failure, Reporter};
use report::{command::unless_interrupted, output};

/// Runs the command.
pub(super) async fn run(connection: &ConnectionArguments, arguments: &ConfigArguments) -> Result<(), Failure> {
    let (change, how) = match &arguments.command {
        ConfigCommand::List { .. } | ConfigCommand::Get { .. } => {
            return unless_interrupted("run the same command again", look(connection, arguments)).await;
        }
        ConfigCommand::Set { pairs, stdin, change } => (set(pairs, *stdin)?, change),
        ConfigCommand::Unset { keys, change } => {
            let unset = keys.iter().try_fold(ConfigChange::new(), |change, key| change.unset(key));
            let mut problems = Problems::new();
            (problems.take(Origin::Flag("KEY"), unset).ok_or(problems)?, change)
        }
    };
    let name = &arguments.name;
    let work = async |platform: &Platform, reporter: &Reporter| {
        Apps::new(platform.clone(), reporter.clone()).configure(name, &change, how.wait()).await
    };
    let (app, begun) = change_of(connection, &how.result, &format!("apps config {name}")).run(work).await?;
    came_of(&app, begun, how)
}

/// Runs `list` and `get`.
async fn look(connection: &ConnectionArguments, arguments: &ConfigArguments) -> Result<(), Failure> {
    let config = known(connection, arguments).await?;
    match &arguments.command {
        ConfigCommand::Get { keys, result } => {
            let values = chosen(&config, keys)?;
            let text: String = keys.iter().map(|key| format!("{}\n", values[key.as_str()])).collect();
            output::result(result.output, &values, &text)
        }
        ConfigCommand::List { result } => {
            let text: String = config.iter().map(|(name, value)| format!("{name}={value}\n")).collect();
            output::result(result.output, &config, &text)
        }
        ConfigCommand::Set { .. } | ConfigCommand::Unset { .. } => Ok(()),
    }
}

async fn known(connection: &ConnectionArguments, arguments: &ConfigArguments) -> Result<Config, Failure> {
    let platform = connect::platform(connection).await?;
    Ok(Apps::new(platform, Reporter::silent()).require(&arguments.name).await?.config)
}

/// The values of `keys`, or every key that has none.
fn chosen<'c>(config: &'c Config, keys: &[String]) -> Result<BTreeMap<String, &'c str>, Problems> {
    let mut values = BTreeMap::new();
    let mut problems = Problems::new();
    for key in keys {
        match (config.get(key), suggestion(key, config.names())) {
            (Some(value), _) => drop(values.insert(key.clone(), value)),
            (None, Some(near)) => {
                problems.add(Origin::Flag("KEY"), format!("`{key}` is not set; did you mean `{near}`?"));
            }
            (None, None) => problems.add(Origin::Flag("KEY"), format!("`{key}` is not set")),
        }
    }
    if problems.is_empty() { Ok(values) } else { Err(problems) }
}

/// The change of all pairs, or every mistake in them. Values are not repeated: they may be secrets.
fn set(pairs: &[String], stdin: bool) -> Result<ConfigChange, Failure> {
    let mut problems = Problems::new();
    let mut assignments = Vec::new();
    if stdin {
        let [key] = pairs else {
            return Err(Failure::Usage("--stdin gives one value, so it takes one KEY".into()));
        };
        if key.contains('=') {
            let key = key.split('=').next().unwrap_or_default();
            return Err(Failure::Usage(format!(
                "with --stdin the value comes from standard input: write `{key}` alone"
            )));
        }
        let value = given_file::read_standard_input().and_then(|bytes| given_file::text(&bytes).map(str::to_owned));
        let value = value.map_err(|error| Failure::Usage(format!("reading standard input: {error}")))?;
        let value = value.strip_suffix('\n').unwrap_or(&value).to_owned();
        assignments.push(Assignment { key: key.clone(), value });
    } else {
        for pair in pairs {
            let read = |path: &Path| given_file::read_text(path);
            assignments.extend(problems.take(Origin::Flag("KEY=VALUE"), Assignment::parse(pair, read)));
        }
    }
    let mut change = ConfigChange::new();
    for Assignment { key, value } in &assignments {
        if let Some(changed) = problems.take(Origin::Flag("KEY=VALUE"), change.clone().set(key, value)) {
            change = changed;
        }
    }
    if problems.is_empty() { Ok(change) } else { Err(problems.into()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_mistake_is_told_and_no_value() {
        let pairs = ["A=1", "1B=hunter2", "nothing", "C=x=y", "A=2", "D=@/does/not/exist"].map(str::to_owned);
        let said = set(&pairs, false).unwrap_err().to_string();
        assert_eq!(said.lines().filter(|line| line.starts_with("error")).count(), 4, "{said}");
        assert!(!said.contains("hunter2"), "{said}");
        let change = set(&["A=1".to_owned(), "C=x=y".to_owned(), "D=@@home".to_owned()], false).unwrap();
        let config = Config::default().changed(&change).unwrap();
        assert_eq!(config.iter().collect::<Vec<_>>(), [("A", "1"), ("C", "x=y"), ("D", "@home")]);
        assert!(chosen(&config, &["A".to_owned(), "B".to_owned()]).is_err());
        assert_eq!(chosen(&config, &["A".to_owned()]).unwrap()["A"], "1");
    }
}
