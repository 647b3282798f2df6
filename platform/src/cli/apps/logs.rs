//! `platformctl apps logs`: what an app's containers write, on all nodes.

use super::arguments::LogsArguments;
use crate::apps::Apps;
use crate::cli::arguments::ConnectionArguments;
use crate::cli::connect;
use crate::cli::journal::{Lines, Printer, Since, show};
use crate::journal::{Journal, Source};
use crate::target::Instances;
use diagnostics::{Origin, Problems};
use report::{Failure, Reporter};

const USUAL_LINES: usize = 100;

/// Runs the command; Ctrl-C is how following ends, and no failure.
pub(super) async fn run(connection: &ConnectionArguments, arguments: &LogsArguments) -> Result<(), Failure> {
    let name = &arguments.name;
    let most = match (arguments.lines, arguments.since) {
        (Some(Lines::Last(most)), _) => Some(most),
        (Some(Lines::All), _) | (None, Some(_)) => None,
        (None, None) => Some(USUAL_LINES),
    };
    let printer = Printer::new(arguments.output, arguments.timestamps, Some(name.target("")));
    let journal = async {
        let platform = connect::platform(connection).await?;
        let apps = Apps::new(platform.clone(), Reporter::silent());
        let services = apps.services(&apps.require(name).await?)?;
        let chosen = services.iter().filter(|key| arguments.service.as_ref().is_none_or(|wanted| wanted == *key));
        let source = |key: &String| Source::Service { name: name.target(key), instances: Instances::All };
        let sources: Vec<Source> = chosen.map(source).collect();
        if let (Some(wanted), true) = (&arguments.service, sources.is_empty()) {
            let mut problems = Problems::new();
            let message = format!("there is no service `{wanted}`; the app has {}", services.join(", "));
            problems.add(Origin::Flag("--service"), message);
            return Err(problems.into());
        }
        let cluster = platform.cluster.clone();
        Ok((platform, Journal::new(cluster, sources, arguments.since.map(Since::time), most)))
    };
    show(journal, arguments.follow, &printer).await
}
