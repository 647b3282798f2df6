//! `local …`: the emulator's daemon and its image.

pub(super) mod arguments;
mod logs;
mod settled;

use std::fmt::Write as _;
use std::time::Duration;

use super::arguments::OutputArguments;
use super::prepare::reporter;
use crate::local::{self, Emulator, EmulatorStatus, Listener, MachineKind, ServeOptions};
use arguments::{ImageChoice, ImageCommand, LatencyProfile, LocalCommand, LocalUpArguments, Vms};
use logs::logs;
use report::command::unless_interrupted;
use report::output;
use report::{Failure, Reporter};
use settled::{Settled, last};

pub(super) use settled::ensure_running;

/// What helps when an image's build was interrupted.
pub(super) const RUN_AGAIN: &str = "run the same command again";

/// Runs the command.
pub(super) async fn run(command: LocalCommand) -> Result<(), Failure> {
    match command {
        LocalCommand::Up(arguments) => up(&arguments).await,
        LocalCommand::Status(arguments) => status(&arguments).await,
        LocalCommand::Logs { follow } => logs(follow).await,
        LocalCommand::Down { suspend } => down(suspend).await,
        LocalCommand::Reset { yes } => reset(yes).await,
        LocalCommand::Image(ImageCommand::Build) => build_image().await,
        LocalCommand::Serve(arguments) => serve(arguments).await,
    }
}

async fn up(arguments: &LocalUpArguments) -> Result<(), Failure> {
    let directory = local::directory()?;
    let last = last(&directory)?;
    let mut named = arguments.clone();
    if let Some(ImageChoice::File(path)) = &named.image {
        named.image = Some(ImageChoice::File(local::examine_image(path).await?.path));
    }
    let wanted = Settled::of(&named, &last);
    if let Some(emulator) = Emulator::find(&directory).await? {
        if wanted != Settled::of(&last, &last) {
            let message =
                "the local emulator runs already, with other options; `azure-coreos-cluster local down` first";
            return Err(Failure::Usage(message.into()));
        }
        return output::print(&format!("the local emulator runs already: {}\n", emulator.base));
    }
    let (arguments, reporter) = (wanted.arguments(), Reporter::new(None));
    let prepared = async { Ok(local::prepare(&directory, &arguments, &reporter).await?) };
    // Nothing runs yet whose status could be asked for.
    unless_interrupted(RUN_AGAIN, prepared).await?;
    let emulator = local::start(&directory, &arguments, &reporter).await?;
    output::print(&format!("local emulator: {}\n{}", emulator.base, wanted.note()))
}

/// Runs the daemon until it is asked to end.
pub(super) async fn serve(arguments: LocalUpArguments) -> Result<(), Failure> {
    let settled = Settled::of(&arguments, &arguments);
    let options = ServeOptions {
        machines: settled.vms == Vms::Qemu,
        azure_latency: settled.latency == LatencyProfile::Azure,
        time_scale: settled.time_scale,
        machine_memory_mib: settled.vm_memory_mib,
        image: match settled.image {
            ImageChoice::Built => None,
            ImageChoice::File(path) => Some(path),
        },
        boot_timeout: Duration::from_secs(settled.boot_timeout_minutes.saturating_mul(60)),
    };
    local::serve(options, report::command::ended_by_signal()).await.map_err(Failure::from)
}

async fn running() -> Result<Emulator, Failure> {
    let directory = local::directory()?;
    match Emulator::find(&directory).await? {
        Some(emulator) => Ok(emulator),
        None => Err(Failure::Unhealthy {
            reasons: vec!["the local emulator does not run".into()],
            hint: "azure-coreos-cluster local up".into(),
        }),
    }
}

async fn status(arguments: &OutputArguments) -> Result<(), Failure> {
    let emulator = running().await?;
    let status = emulator.status().await?;
    let discovery = local::discovery_url(&local::directory()?);
    output::result(arguments.output, &status, &status_text(&emulator.base, discovery.as_deref(), &status))
}

fn status_text(base: &str, discovery: Option<&str>, status: &EmulatorStatus) -> String {
    let mut text = format!("local emulator: {base}\n");
    if status.vms == MachineKind::None {
        text.push_str("  without machines (--vms none): nothing runs or answers\n");
    }
    if let Some(url) = discovery {
        let _ = writeln!(text, "  discovery  {url} (as machines reach it)");
    }
    for machine in &status.machines {
        let _ = writeln!(text, "  machine  {:<32} {}", machine.name, machine.power_state.as_deref().unwrap_or("-"));
    }
    for Listener { public, bound, rule, healthy_machines, .. } in &status.listeners {
        let rule = rule.rsplit('/').next().unwrap_or_default();
        let state = match bound {
            None => format!("{rule}, not open"),
            Some(bound) => {
                let substitute = if public == bound { String::new() } else { format!("(listens on {bound}) ") };
                format!("{substitute}{rule}, {} machines answer", healthy_machines.len())
            }
        };
        let _ = writeln!(text, "  port     {public} {state}");
    }
    text
}

async fn down(suspend: bool) -> Result<(), Failure> {
    let directory = local::directory()?;
    let suspended = match Emulator::find(&directory).await? {
        Some(emulator) if suspend => suspended(&emulator).await?,
        _ => 0,
    };
    let was_running = local::stop(&directory).await?;
    output::print(&match (was_running, suspended) {
        (false, _) => "the local emulator does not run\n".to_owned(),
        (true, 0) => "local emulator stopped; resources and disks stay\n".to_owned(),
        (true, count) => format!(
            "local emulator stopped; resources and disks stay, and the memory of {count} machines: `azure-coreos-cluster local up` \
             lets them go on\n"
        ),
    })
}

/// Suspends the machines; how many.
async fn suspended(emulator: &Emulator) -> Result<usize, Failure> {
    let suspension = emulator.suspend().await?;
    if suspension.failed.is_empty() {
        return Ok(suspension.suspended.len());
    }
    Err(Failure::Unhealthy {
        reasons: suspension
            .failed
            .into_iter()
            .map(|machine| format!("machine `{}` cannot be suspended and runs on: {}", machine.name, machine.reason))
            .collect(),
        hint: "azure-coreos-cluster local down --suspend, or without --suspend".into(),
    })
}

async fn reset(yes: bool) -> Result<(), Failure> {
    let directory = local::directory()?;
    let has_resources = directory.resources().metadata().is_ok_and(|file| file.len() > 0);
    if has_resources && !yes {
        let what = format!(
            "every resource of the local emulator in `{}`, and every machine's disks",
            directory.root().display()
        );
        let nobody_here = format!(
            "nobody is here to confirm: this removes {what}; `azure-coreos-cluster local reset --yes` does it without asking"
        );
        report::confirm_removal(&format!("remove {what}?"), nobody_here).await?;
    }
    local::stop(&directory).await?;
    let left = local::folder::remove(&directory)?;
    output::print(&match left.as_slice() {
        [] => "local emulator: stopped, everything removed\n".to_owned(),
        left => format!(
            "local emulator: stopped, everything of its own removed; `{}` stays, with what is not the emulator's: {}\n",
            directory.root().display(),
            local::folder::named(left)
        ),
    })
}

async fn build_image() -> Result<(), Failure> {
    let reporter = reporter(&OutputArguments { output: report::OutputFormat::Text, events: None })?;
    let image = local::build_image(&reporter).await?;
    output::print(&format!("{}\n", image.disk.display()))
}
