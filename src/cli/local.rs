//! `local …`: the emulator's daemon and its image.

use std::fmt::Write as _;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::time::Duration;

use azure_local::directory::Directory;
use clap::{Parser, ValueEnum};

use super::arguments::{
    ImageChoice, ImageCommand, LatencyProfile, LocalCommand, LocalUpArguments, OutputArguments, Vms,
};
use super::prepare::reporter;
use crate::local::{self, Emulator, EmulatorStatus, Listener, MachineKind, ServeOptions};
use report::mark::DEGRADED;
use report::output;
use report::{Failure, Reporter};

/// So much of the log's end is printed.
const LOG_END_BYTES: u64 = 1 << 20;
/// So much of it is in memory at once.
const LOG_PIECE_BYTES: u64 = 64 << 10;
/// How often `logs --follow` looks for more.
const FOLLOW_INTERVAL: Duration = Duration::from_millis(300);

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
    let wanted = Settled::of(&named, &last)?;
    if let Some(emulator) = Emulator::find(&directory).await? {
        if wanted != Settled::of(&last, &last)? {
            let message =
                "the local emulator runs already, with other options; `azure-coreos-cluster local down` first";
            return Err(Failure::Usage(message.into()));
        }
        return output::print(&format!("the local emulator runs already: {}\n", emulator.base));
    }
    let emulator = local::start(&directory, &wanted.arguments(), &Reporter::new(None)).await?;
    output::print(&format!("local emulator: {}\n{}", emulator.base, wanted.note()))
}

/// The options of the last time; all are absent when there was none.
fn last(directory: &Directory) -> Result<LocalUpArguments, Failure> {
    #[derive(Parser)]
    #[command(no_binary_name = true)]
    struct Last {
        #[command(flatten)]
        options: LocalUpArguments,
    }
    let found = local::last_arguments(directory)?;
    let parsed = Last::try_parse_from(&found).map_err(|_| {
        Failure::Usage(format!(
            "`{}` holds options that this version does not know: {}; `azure-coreos-cluster local reset --yes` forgets them, with \
             all resources",
            directory.arguments().display(),
            found.join(" ")
        ))
    })?;
    Ok(parsed.options)
}

/// Options of which none is open.
#[derive(Clone, Debug, PartialEq)]
struct Settled {
    vms: Vms,
    latency: LatencyProfile,
    time_scale: f64,
    vm_memory_mib: u32,
    image: ImageChoice,
    boot_timeout_minutes: u64,
}

impl Settled {
    /// What was named, else what held the last time, else the defaults.
    fn of(named: &LocalUpArguments, last: &LocalUpArguments) -> Result<Self, Failure> {
        let time_scale = named.time_scale.or(last.time_scale).unwrap_or(1.0);
        if !(time_scale > 0.0 && time_scale.is_finite()) {
            return Err(Failure::Usage(format!("`--time-scale` must be greater than 0, found {time_scale}")));
        }
        Ok(Self {
            vms: named.vms.or(last.vms).unwrap_or(Vms::Qemu),
            latency: named.latency.or(last.latency).unwrap_or(LatencyProfile::None),
            time_scale,
            vm_memory_mib: named.vm_memory.or(last.vm_memory).unwrap_or(1024),
            image: named.image.clone().or_else(|| last.image.clone()).unwrap_or(ImageChoice::Built),
            boot_timeout_minutes: named.boot_timeout.or(last.boot_timeout).unwrap_or(40),
        })
    }

    /// As `local serve` takes them.
    fn arguments(&self) -> Vec<String> {
        let image = match &self.image {
            ImageChoice::Built => None,
            ImageChoice::File(path) => Some(("--image", path.to_string_lossy().into_owned())),
        };
        [
            ("--vms", word(&self.vms)),
            ("--latency", word(&self.latency)),
            ("--time-scale", self.time_scale.to_string()),
            ("--vm-memory", self.vm_memory_mib.to_string()),
            ("--boot-timeout", self.boot_timeout_minutes.to_string()),
        ]
        .into_iter()
        .chain(image)
        .flat_map(|(flag, value)| [flag.to_owned(), value])
        .collect()
    }

    /// What is easily forgotten about an emulator without machines, or with machines of another image.
    fn note(&self) -> String {
        match (self.vms, &self.image) {
            (Vms::Qemu, ImageChoice::Built) => String::new(),
            (Vms::Qemu, ImageChoice::File(path)) => format!(
                "  new machines start from {}; --image built, after `local down`, goes back to the built one\n",
                path.display()
            ),
            (Vms::None, _) => {
                "  without machines (--vms none): nothing runs or answers; --vms qemu, after `local down`, changes that\n"
                    .to_owned()
            }
        }
    }
}

/// An argument's value as it is written on the command line.
fn word(value: &impl ValueEnum) -> String {
    value.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
}

/// Runs the daemon until it is asked to end.
pub(super) async fn serve(arguments: LocalUpArguments) -> Result<(), Failure> {
    let settled = Settled::of(&arguments, &arguments)?;
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

/// Prints the end of the log, and with `follow` what comes after it. A log grows as long as its emulator runs, so that it is
/// read piece by piece.
async fn logs(follow: bool) -> Result<(), Failure> {
    let directory = local::directory()?;
    let path = directory.log();
    let file = local::folder::open_log(&directory)?;
    let length = file.metadata().map_err(anyhow::Error::new)?.len();
    let mut position = length.saturating_sub(LOG_END_BYTES);
    let mut is_first_line_cut = position > 0;
    if is_first_line_cut {
        let kib = LOG_END_BYTES >> 10;
        Reporter::new(None).note(format!(
            "{DEGRADED} the last {kib} KiB of {} KiB; all of it: {}",
            length >> 10,
            path.display()
        ));
    }
    loop {
        let mut piece = log_piece(&file, position).map_err(anyhow::Error::new)?;
        let is_end = (piece.len() as u64) < LOG_PIECE_BYTES;
        // A line that goes on in the next piece is printed with it.
        if let (false, Some(last)) = (is_end, piece.iter().rposition(|byte| *byte == b'\n')) {
            piece.truncate(last + 1);
        }
        position += piece.len() as u64;
        let cut = piece.iter().position(|byte| *byte == b'\n').filter(|_| is_first_line_cut).map_or(0, |end| end + 1);
        is_first_line_cut = false;
        output::print(&String::from_utf8_lossy(&piece[cut..]))?;
        if !is_end {
            continue;
        }
        if !follow {
            return Ok(());
        }
        tokio::time::sleep(FOLLOW_INTERVAL).await;
    }
}

fn log_piece(mut file: &std::fs::File, position: u64) -> std::io::Result<Vec<u8>> {
    file.seek(SeekFrom::Start(position))?;
    let mut piece = Vec::new();
    file.take(LOG_PIECE_BYTES).read_to_end(&mut piece)?;
    Ok(piece)
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
    let cache = local::image_cache()?;
    let reporter = reporter(&OutputArguments { output: report::OutputFormat::Text, events: None })?;
    let says = reporter.clone();
    let build = move || azure_local::image::build(&cache, &mut |text: &str| says.note(text));
    let image = tokio::task::spawn_blocking(build).await.map_err(anyhow::Error::new)??;
    output::print(&format!("{}\n", image.disk.display()))
}
