//! `platformctl ssh`: a shell, or a command, on a machine; a component stands for the machine that it runs on.

use std::process::ExitCode;

use super::arguments::ConnectionArguments;
use super::place::{self, Place, PlaceArguments};
use super::{connect, terminal};
use report::Failure;
use report::command::unless_interrupted;

/// Runs the command; the exit status is the remote one.
pub(super) async fn run(arguments: &ConnectionArguments, there: &PlaceArguments) -> Result<ExitCode, Failure> {
    let PlaceArguments { target, command, tty } = there;
    let cluster = connect::cluster(arguments).await?;
    let reached = async {
        let node = match place::find(&cluster, target).await? {
            Place::Machine(node) => node,
            Place::Container { node, .. } => node,
        };
        match node.session().await {
            Ok(session) => Ok((node, session)),
            Err(error) => Err(cluster.unreachable(vec![(node.name().to_owned(), error)])),
        }
    };
    let (node, session) = unless_interrupted("run the same command again", reached).await?;
    // As ssh does: one text, for the remote shell to take apart.
    let command = (!command.is_empty()).then(|| command.join(" "));
    let with_terminal = *tty || (command.is_none() && terminal::is_interactive());
    let status = terminal::hold(&session, command.as_deref(), with_terminal).await;
    let unreachable = |error| cluster.unreachable(vec![(node.name().to_owned(), error)]);
    status.map(ExitCode::from).map_err(|cut| cut.failure(unreachable))
}
