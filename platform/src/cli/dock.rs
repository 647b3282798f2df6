//! `platformctl dock`: a shell, or a command, in a component's container, by `docker exec` on its node.
//! <https://docs.docker.com/reference/cli/docker/container/exec/>

use std::process::ExitCode;

use super::arguments::ConnectionArguments;
use super::place::{self, Place, PlaceArguments};
use super::{connect, terminal};
use report::Failure;
use report::command::unless_interrupted;

/// What every image has that has a shell at all.
const SHELL: &str = "sh";

/// Runs the command; the exit status is the one in the container, or Docker's: 126 when the program cannot be run, 127
/// when there is none.
pub(super) async fn run(arguments: &ConnectionArguments, there: &PlaceArguments) -> Result<ExitCode, Failure> {
    let PlaceArguments { target, command, tty } = there;
    let cluster = connect::cluster(arguments).await?;
    let reached = async {
        match place::find(&cluster, target).await? {
            Place::Container { node, id } => match node.session().await {
                Ok(session) => Ok((node, id, session)),
                Err(error) => Err(cluster.unreachable(vec![(node.name().to_owned(), error)])),
            },
            Place::Machine(node) => Err(Failure::Usage(format!(
                "`{target}` is no container; `platformctl ssh {target}` leads to machine {}",
                node.name()
            ))),
        }
    };
    let (node, container, session) = unless_interrupted("run the same command again", reached).await?;
    let with_terminal = *tty || terminal::is_interactive();
    let exec = exec(&container, command, with_terminal);
    let status = terminal::hold(&session, Some(&exec), with_terminal).await;
    let unreachable = |error| cluster.unreachable(vec![(node.name().to_owned(), error)]);
    status.map(ExitCode::from).map_err(|cut| cut.failure(unreachable))
}

/// The command line for the node's shell; each word of `command` reaches the program as it is.
fn exec(container: &str, command: &[String], with_terminal: bool) -> String {
    let mut words = vec!["exec docker exec --interactive".to_owned()];
    if with_terminal {
        words.push("--tty --env \"TERM=$TERM\"".to_owned());
    }
    words.push(container.to_owned());
    match command {
        [] => words.push(SHELL.to_owned()),
        command => words.extend(command.iter().map(|word| format!("'{}'", word.replace('\'', "'\\''")))),
    }
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_stay_words() {
        for (command, with_terminal, expected) in [
            (vec![], false, "exec docker exec --interactive c sh"),
            (vec!["ls", "-l", "a b"], false, "exec docker exec --interactive c 'ls' '-l' 'a b'"),
            (
                vec!["echo", "it's $HOME"],
                true,
                "exec docker exec --interactive --tty --env \"TERM=$TERM\" c 'echo' 'it'\\''s $HOME'",
            ),
        ] {
            let command: Vec<String> = command.into_iter().map(str::to_owned).collect();
            assert_eq!(exec("c", &command, with_terminal), expected);
        }
    }
}
