//! A cluster's name that is nearly a command: `azure-coreos-cluster statu` is no wish for a cluster called `statu`.

use clap::CommandFactory as _;

use super::arguments::{Arguments, ClusterArguments};
use crate::directory::ClusterDirectory;
use crate::spec::ClusterName;
use report::Failure;

/// Letters by which a word may miss a command: one is left out, put in, another one, or changed places with the next.
const MOST_LETTERS: usize = 2;

/// Refuses a name on the command line that misses a command by a letter or two, unless a cluster of that name is known.
pub(super) fn refuse_misspelled(arguments: &ClusterArguments) -> Result<(), Failure> {
    let Some(name) = arguments.parameters.name_as_argument() else { return Ok(()) };
    let Some(command) = nearest_command(name) else { return Ok(()) };
    if is_known(arguments, name) {
        return Ok(());
    }
    Err(Failure::Usage(format!(
        "`{name}` is nearly a command, and no cluster of that name is known here; did you mean `{command}`? \
         `azure-coreos-cluster create {name}` makes a cluster of that name"
    )))
}

/// The command that the word is, or nearly is.
fn nearest_command(word: &str) -> Option<String> {
    let word = word.to_lowercase();
    let commands = Arguments::command();
    let names = commands.get_subcommands().map(clap::Command::get_name).chain(["help"]);
    let near = names.map(|name| (strsim::osa_distance(&word, name), name));
    // Of a short word at least half must be right.
    let near = near.filter(|(letters, _)| *letters <= MOST_LETTERS && letters * 2 <= word.chars().count());
    near.min_by_key(|(letters, _)| *letters).map(|(_, name)| name.to_owned())
}

fn is_known(arguments: &ClusterArguments, name: &str) -> bool {
    let name: Option<ClusterName> = name.parse().ok();
    let directory =
        name.and_then(|name| ClusterDirectory::locate(arguments.connection.state_dir.as_deref(), &name).ok());
    // A directory that cannot be read is told by whoever reads it next.
    directory.is_some_and(|directory| directory.stored_cluster().map_or(true, |stored| stored.is_some()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_that_are_nearly_commands() {
        for (word, command) in [
            ("statu", Some("status")),
            ("staus", Some("status")),
            ("sttaus", Some("status")),
            ("Status", Some("status")),
            ("stats", Some("status")),
            ("destory", Some("destroy")),
            ("destro", Some("destroy")),
            ("paln", Some("plan")),
            ("pla", Some("plan")),
            ("hepl", Some("help")),
            ("preflght", Some("preflight")),
            ("crete", Some("create")),
            ("locl", Some("local")),
            ("confg", Some("config")),
            ("userdata", Some("user-data")),
            ("mycluster", None),
            ("production", None),
            ("demo", None),
            ("test", None),
            ("lab", None),
            ("staging", None),
        ] {
            assert_eq!(nearest_command(word).as_deref(), command, "{word}");
        }
    }
}
