//! `platformctl apps routing`.

use std::fmt::Write as _;

use super::arguments::{RoutingArguments, RoutingCommand};
use super::change::{came_of, change_of};
use crate::Platform;
use crate::apps::rules::{RULES, RulesChange, changed, written};
use crate::apps::{Apps, Rules};
use crate::cli::arguments::ConnectionArguments;
use crate::cli::connect;
use diagnostics::{Origin, Problems};
use report::{Failure, Reporter};
use report::{command::unless_interrupted, output};

/// Runs the command.
pub(super) async fn run(connection: &ConnectionArguments, arguments: &RoutingArguments) -> Result<(), Failure> {
    let name = &arguments.name;
    let (change, how) = match &arguments.command {
        RoutingCommand::List { result } => {
            let listing = async {
                let platform = connect::platform(connection).await?;
                let rules = Apps::new(platform, Reporter::silent()).require(name).await?.rules;
                output::result(result.output, &rules, &text_of(&rules))
            };
            return unless_interrupted("run the same command again", listing).await;
        }
        RoutingCommand::Set { pairs, change } => (assignments(pairs)?, change),
        RoutingCommand::Unset { keys, change } => (keys.iter().map(|key| (key.clone(), None)).collect(), change),
    };
    // Mistakes cost no connection.
    changed(&Rules::default(), &change)?;
    let work = async |platform: &Platform, reporter: &Reporter| {
        Apps::new(platform.clone(), reporter.clone()).change_rules(name, &change, how.wait()).await
    };
    let app = change_of(connection, &how.result, &format!("apps routing {name}")).run(work).await?;
    came_of(&app, None, how)
}

fn assignments(pairs: &[String]) -> Result<RulesChange, Problems> {
    let mut problems = Problems::new();
    let mut change = RulesChange::new();
    for pair in pairs {
        match pair.split_once('=') {
            Some((key, value)) => change.push((key.to_owned(), Some(value.to_owned()))),
            None => problems.add(Origin::Flag("KEY=VALUE"), format!("`{pair}` is not KEY=VALUE")),
        }
    }
    if problems.is_empty() { Ok(change) } else { Err(problems) }
}

/// A line a rule, those that are not set among them.
fn text_of(rules: &Rules) -> String {
    let set = written(rules);
    let mut text = String::new();
    for (name, _, meaning) in RULES {
        let value = set.iter().find(|(known, _)| *known == name).map_or("-", |(_, value)| value);
        let _ = writeln!(text, "{name:<11}  {value:<20}  {meaning}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_are_shown_with_their_meaning() {
        let text = text_of(&Rules { response_seconds: Some(30), ..Rules::default() });
        assert_eq!(text.lines().count(), RULES.len());
        assert!(text.starts_with("timeout      30s                   until the first byte"), "{text}");
        assert!(text.contains("maintenance  -                     a page"), "{text}");
    }
}
