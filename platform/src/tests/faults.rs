//! Runs a command with each fault at each of its calls, then again without, and compares how both end.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

use futures::future::BoxFuture;
use serde_json::Value;

use super::engine::Engine;
use super::machines::{Fault, Machines};
use crate::Platform;
use crate::cli::changing;
use crate::installation::LastRead;
use report::{Failure, Reporter};

/// After so long, nothing of what a run began is still under way.
const SETTLED: Duration = Duration::from_secs(60);

/// How often the tasks of a service were replaced because somebody wished it. Who wishes it again gets it again.
const RESTARTS: &str = "restarts of ";
/// What a command that fails leaves as it was: not the record of what was tried, nor the images.
const LEFT: [&str; 5] = ["service ", "tasks of ", "network ", "config ", "secret "];

/// How a run ended.
#[derive(Debug)]
enum Ending {
    Done,
    Failed(Failure),
    Killed,
}

/// A command as `platformctl` runs it.
pub(super) trait Command {
    async fn run(&self, platform: &Platform, reporter: &Reporter) -> Result<(), Failure>;
}

impl<F> Command for F
where
    F: AsyncFn(&Platform, &Reporter) -> Result<(), Failure>,
{
    async fn run(&self, platform: &Platform, reporter: &Reporter) -> Result<(), Failure> {
        self(platform, reporter).await
    }
}

/// `last_read` goes from run to run: to read a bundle takes longer than most of what is done with it.
async fn run(machines: &std::sync::Arc<Machines>, last_read: &LastRead, command: &impl Command) -> Ending {
    let reporter = Reporter::silent();
    let whole = async {
        // A real question to DNS would take real time, a hundred times.
        let lookup = |_| -> BoxFuture<'static, std::io::Result<Vec<IpAddr>>> {
            Box::pin(async { Err(std::io::ErrorKind::NotFound.into()) })
        };
        let platform = Platform { last_read: last_read.clone(), lookup, ..Platform::new(machines.cluster()) };
        platform.check_store().await?;
        let signal = std::pin::pin!(std::future::pending());
        let work = async |platform: &Platform, reporter: &Reporter| command.run(platform, reporter).await;
        changing::under_lock(platform, "platformctl test", &reporter, signal, work).await
    };
    tokio::select! {
        biased;
        () = machines.killed.notified() => Ending::Killed,
        ended = whole => match ended {
            Ok(()) => Ending::Done,
            Err(failure) => Ending::Failed(failure),
        }
    }
}

/// The engine after a command that must succeed.
pub(super) async fn done(engine: Engine, command: impl Command) -> Engine {
    let machines = Machines::new(engine, None);
    match run(&machines, &LastRead::default(), &command).await {
        Ending::Done => machines.engine_after(SETTLED),
        other => panic!("{other:?}\n{}", machines.calls().join("\n")),
    }
}

/// The engine after a command that must fail, and how it failed.
pub(super) async fn refused(engine: Engine, command: impl Command) -> (Engine, String) {
    let machines = Machines::new(engine, None);
    match run(&machines, &LastRead::default(), &command).await {
        Ending::Failed(failure) => (machines.engine_after(SETTLED), failure.to_string()),
        other => panic!("{other:?}\n{}", machines.calls().join("\n")),
    }
}

/// What a command is to come to when nothing disturbs it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    Succeeds,
    /// It fails, and is to be told again.
    Fails,
    /// It fails, and leaves what there was.
    GoesBack,
}

/// Runs `command` on copies of `engine`: undisturbed, and then with every fault at every call and again without one. Returns the
/// engine after the undisturbed run.
pub(super) async fn every_fault(engine: &Engine, outcome: Outcome, command: impl Command) -> Engine {
    let (machines, last_read) = (Machines::new(engine.clone(), None), LastRead::default());
    let ending = run(&machines, &last_read, &command).await;
    match (outcome, &ending) {
        (Outcome::Succeeds, Ending::Done) | (Outcome::Fails | Outcome::GoesBack, Ending::Failed(_)) => {}
        other => panic!("undisturbed: {other:?}\n{}", machines.calls().join("\n")),
    }
    let calls = machines.calls();
    let undisturbed = machines.engine_after(SETTLED);
    let expected = picture(&undisturbed);
    if outcome == Outcome::GoesBack {
        let left = |engine: &Engine| {
            let mut picture = picture(engine);
            picture.retain(|key, _| LEFT.iter().any(|kind| key.starts_with(kind)));
            picture
        };
        let changed = different(&left(engine), &left(&undisturbed));
        assert!(changed.is_none(), "it failed, but {changed:?}");
    }
    assert!(calls.len() > 4, "{calls:?}");
    // What is wrong, and after which faults.
    let mut wrong: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut count = 0;
    for fault in Fault::ALL {
        for (at, call) in calls.iter().enumerate().filter(|(_, call)| fault.differs_at(call)) {
            count += 1;
            let machines = Machines::new(engine.clone(), Some((at, fault)));
            let ending = run(&machines, &last_read, &command).await;
            let mut complain = |what: String| {
                wrong.entry(what).or_default().push(format!("{fault:?} at call {at} ({call})"));
            };
            if !machines.has_fired() {
                complain(format!("the fault did not happen; {ending:?}"));
                continue;
            }
            if matches!(ending, Ending::Done) {
                match outcome {
                    Outcome::Succeeds => different(&expected, &picture(&machines.engine_after(SETTLED)))
                        .into_iter()
                        .for_each(|what| complain(format!("it says that it is done, but {what}"))),
                    Outcome::Fails | Outcome::GoesBack => complain("it says that it is done".into()),
                }
            }
            // A node notices that its client is gone, and lets go of the lock; or it has lost power too, and the lease must end.
            if fault != Fault::KilledAfter {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            let again = Machines::new(machines.engine_after(Duration::from_secs(1)), None);
            let ending = run(&again, &last_read, &command).await;
            match (outcome, &ending) {
                (Outcome::Succeeds, Ending::Done) | (Outcome::Fails | Outcome::GoesBack, Ending::Failed(_)) => {}
                other => complain(format!("the same again: {other:?}")),
            }
            let again = again.engine_after(SETTLED);
            let compared = |engine: &Engine| {
                let mut picture = picture(engine);
                picture.retain(|key, _| match outcome {
                    Outcome::Succeeds | Outcome::Fails => !key.starts_with(RESTARTS),
                    // Each try is recorded as one that failed.
                    Outcome::GoesBack => LEFT.iter().any(|kind| key.starts_with(kind)),
                });
                picture
            };
            if again.etcd.entries().any(|(_, value)| value.contains(r#""state":"pending""#)) {
                complain("after the same again, a release is pending".into());
            }
            let differences = different(&compared(&undisturbed), &compared(&again));
            if let Some(what) = differences {
                complain(format!("after the same again, {what}"));
            }
        }
    }
    println!("{count} faults at {} calls", calls.len());
    let told = |(what, faults): (&String, &Vec<String>)| {
        format!("after {} faults, such as {}:\n    {what}", faults.len(), faults[..faults.len().min(3)].join("; "))
    };
    assert!(wrong.is_empty(), "{}", wrong.iter().map(told).collect::<Vec<_>>().join("\n"));
    undisturbed
}

/// What differs, in words.
fn different(expected: &BTreeMap<String, String>, found: &BTreeMap<String, String>) -> Option<String> {
    let keys = expected.keys().chain(found.keys().filter(|key| !expected.contains_key(*key)));
    let texts = keys.filter(|key| expected.get(*key) != found.get(*key)).map(|key| {
        let text = |of: &BTreeMap<String, String>| of.get(key).map_or("nothing", String::as_str).to_owned();
        format!("{key} is {}, not {}", text(found), text(expected))
    });
    let texts: Vec<String> = texts.collect();
    (!texts.is_empty()).then(|| texts.join("; "))
}

/// Everything that matters of a cluster, by name: no ids, versions or times, which differ between runs that end alike.
fn picture(engine: &Engine) -> BTreeMap<String, String> {
    let mut picture = BTreeMap::new();
    let mut note = |key: String, value: String| drop(picture.insert(key, value));
    let config = |id: &Value| engine.configs.iter().find(|(_, object)| id == &object.id).map(|(name, _)| name.clone());
    for service in &engine.services {
        let mut spec = Value::clone(&service.spec);
        let container = &mut spec["TaskTemplate"]["ContainerSpec"];
        for reference in container["Configs"].as_array_mut().into_iter().flatten() {
            reference["ConfigID"] = config(&reference["ConfigID"]).into();
        }
        for reference in container["Secrets"].as_array_mut().into_iter().flatten() {
            let found = engine.secrets.values().find(|object| reference["SecretID"] == object.id);
            reference["SecretID"] = found.map(|object| object.spec["Data"].clone()).into();
            reference["SecretName"] = Value::Null;
        }
        let restarts = spec["TaskTemplate"].as_object_mut().and_then(|task| task.remove("ForceUpdate"));
        note(format!("{RESTARTS}{}", service.name()), restarts.unwrap_or_default().to_string());
        // Says the ids too.
        spec["Labels"].as_object_mut().map(|labels| labels.remove("platform.fingerprint"));
        note(format!("service {}", service.name()), spec.to_string());
        let of_service = engine.tasks.iter().filter(|task| task.service == service.id);
        let mut running: Vec<String> = of_service
            .filter(|task| task.state == "running" && task.desired == "running")
            .map(|task| format!("{}{}", task.slot.map_or(String::new(), |slot| format!("{slot} on ")), task.node))
            .collect();
        running.sort();
        note(format!("tasks of {}", service.name()), format!("{running:?}"));
    }
    let known = |task: &&super::tasks::Task| !engine.services.iter().any(|service| service.id == task.service);
    note("tasks of no service".into(), engine.tasks.iter().filter(known).count().to_string());
    engine.networks.keys().for_each(|name| note(format!("network {name}"), "there".into()));
    engine.configs.keys().for_each(|name| note(format!("config {name}"), "there".into()));
    for (name, object) in &engine.secrets {
        let logical = name.rsplit_once('.').map_or(name.as_str(), |(logical, _)| logical);
        let same = engine.secrets.keys().filter(|other| other.rsplit_once('.').is_some_and(|(one, _)| one == logical));
        let newest = same.clone().all(|other| engine.secrets[other].version <= object.version);
        if newest {
            note(format!("secret {logical}"), format!("{} of {}", object.spec["Data"], same.count()));
        }
    }
    if let Some(role) = &engine.role {
        note("the database's role".into(), super::database::password_of(role, &engine.secrets));
    }
    for (key, value) in engine.etcd.entries() {
        let mut value: Value = serde_json::from_str(value).unwrap_or_else(|_| value.into());
        without_times(&mut value);
        note(format!("etcd {key}"), value.to_string());
    }
    for node in &engine.nodes {
        let text = format!("{:?} {:?} {:?}", node.member, node.images, node.volumes.keys().collect::<Vec<_>>());
        note(node.name.clone(), text);
    }
    picture
}

fn without_times(value: &mut Value) {
    match value {
        Value::Object(object) => {
            object.remove("created_at");
            object.values_mut().for_each(without_times);
        }
        Value::Array(items) => items.iter_mut().for_each(without_times),
        _ => {}
    }
}
