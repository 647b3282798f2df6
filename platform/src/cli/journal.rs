//! `platformctl journal`: what components, apps and machines wrote, as one stream.

mod printer;

pub(super) use printer::{LineFormat, Printer};

use std::time::Duration;

use clap::Args;
use futures::future::join_all;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use tokio::sync::mpsc::channel;

use super::arguments::ConnectionArguments;
use super::connect;
use crate::Platform;
use crate::compose::parse_duration;
use crate::container;
use crate::journal::{Extract, Followed, Journal, Source, host_component};
use crate::target::{HOST_COMPONENTS, Known, Subject, subjects};
use report::Failure;
use report::command::{ended_by_signal, unless_interrupted};
use report::output::{Reader, complain};

/// As deisctl did.
const USUAL_LINES: usize = 40;
/// The swarm knows components that have no container; without managers they are not worth a longer wait.
const SERVICES_DEADLINE: Duration = Duration::from_secs(10);

/// What to read.
#[derive(Debug, Args)]
pub(super) struct JournalArguments {
    /// Components, instances like `router@2`, apps like `app/hello`, machines, patterns [default: platform, or all
    /// machines with --unit]
    #[arg(value_name = "TARGET")]
    targets: Vec<String>,
    /// Go on with what is written from now on, until Ctrl-C, which is no error
    #[arg(short, long)]
    follow: bool,
    /// Last lines of each target, or `all` [default: 40, or all with --since]
    #[arg(short = 'n', long, value_name = "N", value_parser = lines)]
    lines: Option<Lines>,
    /// Not what is older: a duration like `10m`, or a time like 2026-11-21T10:00:00Z
    #[arg(long, value_name = "WHEN", value_parser = Since::parse)]
    since: Option<Since>,
    /// One unit of the machines' systemd, like `docker`
    #[arg(long, value_name = "UNIT")]
    unit: Option<String>,
    /// Each line's time in front of it
    #[arg(long)]
    timestamps: bool,
    /// Form of the lines: `json` is one object a line
    #[arg(short, long, value_enum, default_value_t = LineFormat::Text)]
    output: LineFormat,
}

/// How many lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lines {
    All,
    Last(usize),
}

/// From when on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Since {
    Ago(Duration),
    At(OffsetDateTime),
}

pub(super) fn lines(text: &str) -> Result<Lines, String> {
    if text == "all" {
        return Ok(Lines::All);
    }
    text.parse().map(Lines::Last).map_err(|_| format!("`{text}` is neither a number of lines nor `all`"))
}

impl Since {
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        if let Ok(time) = OffsetDateTime::parse(text, &Rfc3339) {
            return Ok(Self::At(time));
        }
        // Journals are read over days; Compose, whose durations these are, has none.
        let days = text.strip_suffix('d').and_then(|days| days.parse::<u32>().ok());
        let ago = match days {
            Some(days) => Ok(Duration::from_secs(u64::from(days) * 24 * 3600)),
            None => parse_duration(text),
        };
        ago.map(Self::Ago).map_err(|_| {
            format!("`{text}` is neither a duration like `10m` or `2d` nor a time like 2026-11-21T10:00:00Z")
        })
    }

    pub(super) fn time(self) -> OffsetDateTime {
        match self {
            Self::Ago(ago) => OffsetDateTime::now_utc().checked_sub(ago.try_into().unwrap_or_default()),
            Self::At(time) => Some(time),
        }
        .unwrap_or(OffsetDateTime::UNIX_EPOCH)
    }
}

/// Runs the command: 7 when lines of a node are missing because it cannot be reached, 8 when they are for another reason.
pub(super) async fn run(connection: &ConnectionArguments, arguments: &JournalArguments) -> Result<(), Failure> {
    let most = match (arguments.lines, arguments.since) {
        (Some(Lines::Last(most)), _) => Some(most),
        (Some(Lines::All), _) | (None, Some(_)) => None,
        (None, None) => Some(USUAL_LINES),
    };
    let since = arguments.since.map(Since::time);
    let printer = Printer::new(arguments.output, arguments.timestamps, None);
    let journal = async {
        let platform = connect::platform(connection).await?;
        let sources = sources(&platform, arguments).await?;
        let journal = Journal::new(platform.cluster.clone(), sources, since, most);
        Ok((platform, journal))
    };
    show(journal, arguments.follow, &printer).await
}

/// Prints what there is and then, to follow, what comes.
pub(super) async fn show(
    journal: impl Future<Output = Result<(Platform, Journal), Failure>>,
    following: bool,
    printer: &Printer,
) -> Result<(), Failure> {
    let started = OffsetDateTime::now_utc();
    let reading = async {
        let (platform, journal) = journal.await?;
        let extract = journal.read().await;
        let reader = printer.print(&extract.lines)?;
        Ok((platform, journal, extract, reader))
    };
    let (platform, journal, extract, reader) = unless_interrupted("run the same command again", reading).await?;
    match (following, reader) {
        (true, Reader::There) => follow(&journal, &extract, started, printer).await,
        (true, Reader::Gone) => Ok(()),
        (false, _) => ending(&platform, extract),
    }
}

/// Prints lines as they come, until the user has seen enough.
async fn follow(
    journal: &Journal,
    extract: &Extract,
    started: OffsetDateTime,
    printer: &Printer,
) -> Result<(), Failure> {
    for (node, error) in &extract.unreachable {
        warn(&format!("node `{node}`: {error}; its lines will come when it answers"));
    }
    extract.missing.iter().for_each(|reason| warn(reason));
    let (sender, mut receiver) = channel(1024);
    let printing = async {
        while let Some(followed) = receiver.recv().await {
            match followed {
                Followed::Line(line) => {
                    if printer.print(&[line])? == Reader::Gone {
                        break;
                    }
                }
                Followed::Lost { reason } => warn(&format!("{reason}; trying again")),
                Followed::Back { machine } => warn(&format!("node `{machine}`: its lines come again")),
            }
        }
        Ok(())
    };
    let following = async {
        journal.follow(extract, started, &sender).await;
        drop(sender);
        std::future::pending::<()>().await;
    };
    tokio::select! {
        result = printing => result,
        () = following => Ok(()),
        // Who follows ends it so; that is no failure.
        () = ended_by_signal() => Ok(()),
    }
}

fn ending(platform: &Platform, extract: Extract) -> Result<(), Failure> {
    if !extract.unreachable.is_empty() {
        return match platform.cluster.unreachable(extract.unreachable) {
            Failure::Host { errors, hint, .. } => Err(Failure::Host { errors, unhealthy: extract.missing, hint }),
            other => Err(other),
        };
    }
    if !extract.missing.is_empty() {
        return Err(Failure::Unhealthy { reasons: extract.missing, hint: "platformctl doctor".into() });
    }
    Ok(())
}

fn warn(text: &str) {
    complain(&format!("warning: {text}"));
}

/// What the targets mean.
async fn sources(platform: &Platform, arguments: &JournalArguments) -> Result<Vec<Source>, Failure> {
    let cluster = &platform.cluster;
    let machines = cluster.ordered_names();
    let unit = |name: &str| Source::Machine { name: name.to_owned(), unit: arguments.unit.clone() };
    if arguments.unit.is_some() && arguments.targets.is_empty() {
        return Ok(machines.iter().map(|name| unit(name)).collect());
    }
    let only_machines = |text: &String| machines.contains(&text.as_str());
    let names = match !arguments.targets.is_empty() && arguments.targets.iter().all(only_machines) {
        true => Vec::new(),
        false => services(platform, &machines).await,
    };
    let (apps, mut components): (Vec<&str>, Vec<&str>) =
        names.iter().map(String::as_str).partition(|name| name.starts_with("app/"));
    components.extend(HOST_COMPONENTS.iter().map(|host| host.name));
    let known = Known { components: &components, apps: &apps, machines: &machines };
    let everything = ["platform".to_owned()];
    let targets = if arguments.targets.is_empty() { &everything[..] } else { &arguments.targets };
    let source = |subject: Subject<'_>| match subject {
        Subject::Machine { name } => Ok(unit(name)),
        Subject::Service { name, .. } if arguments.unit.is_some() => {
            Err(Failure::Usage(format!("`--unit` is for machines, and `{name}` is none")))
        }
        Subject::Service { name, instances } => Ok(match host_component(name) {
            Some(component) => Source::Host { component, instances },
            None => Source::Service { name: name.to_owned(), instances },
        }),
    };
    subjects(targets, &known)?.into_iter().map(source).collect()
}

/// Names of all services: those that have containers anywhere, and those that the swarm knows besides.
async fn services(platform: &Platform, machines: &[&str]) -> Vec<String> {
    let nodes = platform.cluster.nodes().iter();
    let containers = join_all(nodes.map(|node| container::on_node(node, machines)));
    let services = tokio::time::timeout(SERVICES_DEADLINE, platform.swarm.services(None));
    let (containers, services) = tokio::join!(containers, services);
    let mut names: Vec<String> = containers.into_iter().flatten().flatten().map(|container| container.name).collect();
    let only = "only those that have containers are known";
    match services {
        Ok(Ok(services)) => names.extend(services.iter().map(|service| {
            let namespace = service.label(crate::swarm::NAMESPACE_LABEL);
            container::target_name(&service.name, namespace)
        })),
        Ok(Err(error)) => warn(&format!("{error}; {only}")),
        Err(_) => {
            warn(&format!("the swarm does not list its services within {} s; {only}", SERVICES_DEADLINE.as_secs()));
        }
    }
    names.sort_unstable();
    names.dedup();
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn since_is_a_duration_or_a_time() {
        for (text, expected) in [
            ("10m", Some(Since::Ago(Duration::from_secs(600)))),
            ("1h30m", Some(Since::Ago(Duration::from_secs(5400)))),
            ("2d", Some(Since::Ago(Duration::from_secs(172_800)))),
            ("1970-01-01T00:00:10Z", Some(Since::At(OffsetDateTime::from_unix_timestamp(10).unwrap()))),
            ("yesterday", None),
            ("10", None),
            ("-1d", None),
        ] {
            assert_eq!(Since::parse(text).ok(), expected, "{text}");
        }
        assert_eq!((lines("all"), lines("7")), (Ok(Lines::All), Ok(Lines::Last(7))));
        assert!(lines("-1").is_err());
    }
}
