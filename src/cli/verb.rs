//! A cluster's name that is nearly a command: `azure-coreos-cluster statu` is no wish for a cluster called `statu`.

use clap::CommandFactory as _;

use super::arguments::{Arguments, ClusterArguments};
use crate::directory::ClusterDirectory;
use crate::spec::ClusterName;
use diagnostics::{is_misspelling, quoted};
use report::Failure;

/// Verbs of other programs, and of `platformctl`; what they stand for here.
const OTHER_VERBS: [(&[&str], &str); 11] = [
    (&["delete", "remove", "rm", "del", "terminate"], "azure-coreos-cluster destroy NAME"),
    (&["ls"], "azure-coreos-cluster list"),
    (&["get", "show", "describe", "info"], "azure-coreos-cluster status NAME"),
    (&["grow", "shrink"], "azure-coreos-cluster scale NAME --num-nodes N"),
    (&["up", "apply", "new", "make", "add", "run", "deploy"], "azure-coreos-cluster create NAME"),
    (&["down"], "azure-coreos-cluster local down, or azure-coreos-cluster destroy NAME"),
    (&["version"], "azure-coreos-cluster --version"),
    (&["diff"], "azure-coreos-cluster plan NAME"),
    (&["logs"], "platformctl journal"),
    (&["login"], "az login, then azure-coreos-cluster whoami"),
    (
        &[
            "ssh",
            "dock",
            "install",
            "uninstall",
            "upgrade",
            "apps",
            "machines",
            "doctor",
            "journal",
            "bundles",
            "bundle",
            "refresh",
        ],
        "platformctl",
    ),
];

/// Refuses a name on the command line that is a verb elsewhere or misses a command by a letter or two, unless a cluster of
/// that name is known.
pub(super) fn refuse_misspelled(arguments: &ClusterArguments) -> Result<(), Failure> {
    let Some(name) = arguments.parameters.name_as_argument() else { return Ok(()) };
    let Some((what, meant)) = meant(name) else { return Ok(()) };
    if is_known(arguments, name) {
        return Ok(());
    }
    let shown = quoted(name);
    // Another word could not be a cluster's name at all.
    let way_out = match name.parse::<ClusterName>() {
        Ok(name) => format!(" `azure-coreos-cluster create {name}` makes a cluster of that name"),
        Err(_) => String::new(),
    };
    Err(Failure::Usage(format!(
        "{shown} is {what}, and no cluster of that name is known here; did you mean `{meant}`?{way_out}"
    )))
}

/// What a word is that is hardly a name, and what is meant by it.
fn meant(word: &str) -> Option<(&'static str, String)> {
    if let Some(meant) = meant_by_other_verb(word) {
        return Some(("no command of this program", meant));
    }
    nearest_command(word).map(|command| ("nearly a command", command))
}

fn meant_by_other_verb(word: &str) -> Option<String> {
    let word = word.to_lowercase();
    let (_, meant) = OTHER_VERBS.iter().find(|(words, _)| words.contains(&&*word))?;
    Some(if *meant == "platformctl" { format!("platformctl {word}") } else { (*meant).to_owned() })
}

/// The command that the word is, or nearly is.
fn nearest_command(word: &str) -> Option<String> {
    let commands = Arguments::command();
    let names = commands.get_subcommands().map(clap::Command::get_name).chain(["help"]);
    let near = names.filter(|name| is_misspelling(word, name));
    near.max_by(|one, other| {
        let likeness = |name: &str| strsim::jaro_winkler(&word.to_lowercase(), name);
        likeness(one).total_cmp(&likeness(other))
    })
    .map(str::to_owned)
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
            ("user_data", Some("user-data")),
            ("statu\u{1b}", Some("status")),
            ("flat", None),
            ("rels", None),
            ("lead", None),
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

    #[test]
    fn verbs_of_other_programs() {
        for (word, expected) in [
            ("delete", Some("azure-coreos-cluster destroy NAME")),
            ("LS", Some("azure-coreos-cluster list")),
            ("show", Some("azure-coreos-cluster status NAME")),
            ("ssh", Some("platformctl ssh")),
            ("logs", Some("platformctl journal")),
            ("version", Some("azure-coreos-cluster --version")),
            ("grow", Some("azure-coreos-cluster scale NAME --num-nodes N")),
            ("web", None),
            ("shop", None),
        ] {
            assert_eq!(meant_by_other_verb(word).as_deref(), expected, "{word}");
        }
        // None of them is a command of ours, which would never come here.
        for word in OTHER_VERBS.iter().flat_map(|(words, _)| *words) {
            assert!(Arguments::command().get_subcommands().all(|command| command.get_name() != *word), "{word}");
        }
    }
}
