//! `local …`: the emulator's daemon and its image.

use std::fmt::Write as _;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::time::Duration;

use anyhow::Context as _;
use azure_local::directory::Directory;
use clap::{Parser, ValueEnum};
use serde_json::Value;

use super::arguments::{ImageCommand, LatencyProfile, LocalCommand, LocalUpArguments, OutputArguments, Vms};
use super::prepare::reporter;
use crate::local::{self, Emulator, ServeOptions};
use report::output;
use report::{Failure, Reporter};

/// How often `logs --follow` looks for more.
const FOLLOW_INTERVAL: Duration = Duration::from_millis(300);

/// Runs the command.
pub(super) async fn run(command: LocalCommand) -> Result<(), Failure> {
    match command {
        LocalCommand::Up(arguments) => up(&arguments).await,
        LocalCommand::Status(arguments) => status(&arguments).await,
        LocalCommand::Logs { follow } => logs(follow).await,
        LocalCommand::Down => down().await,
        LocalCommand::Reset => reset().await,
        LocalCommand::Image(ImageCommand::Build) => build_image().await,
        LocalCommand::Serve(arguments) => serve(arguments).await,
    }
}

async fn up(arguments: &LocalUpArguments) -> Result<(), Failure> {
    let directory = local::directory()?;
    let last = last(&directory)?;
    let wanted = Settled::of(arguments, &last)?;
    if let Some(emulator) = Emulator::find(&directory).await {
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
            "`{}` holds options that this version does not know: {}; `azure-coreos-cluster local reset` forgets them, with \
             all resources",
            directory.root().join("arguments").display(),
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
            boot_timeout_minutes: named.boot_timeout.or(last.boot_timeout).unwrap_or(40),
        })
    }

    /// As `local serve` takes them.
    fn arguments(&self) -> Vec<String> {
        [
            ("--vms", word(&self.vms)),
            ("--latency", word(&self.latency)),
            ("--time-scale", self.time_scale.to_string()),
            ("--vm-memory", self.vm_memory_mib.to_string()),
            ("--boot-timeout", self.boot_timeout_minutes.to_string()),
        ]
        .into_iter()
        .flat_map(|(flag, value)| [flag.to_owned(), value])
        .collect()
    }

    /// What is easily forgotten about an emulator without machines.
    fn note(&self) -> &'static str {
        match self.vms {
            Vms::Qemu => "",
            Vms::None => {
                "  without machines (--vms none): nothing runs or answers; --vms qemu, after `local down`, changes that\n"
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
        boot_timeout: Duration::from_secs(settled.boot_timeout_minutes.saturating_mul(60)),
    };
    local::serve(options, report::command::ended_by_signal()).await.map_err(Failure::Other)
}

async fn running() -> Result<Emulator, Failure> {
    let directory = local::directory()?;
    match Emulator::find(&directory).await {
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

fn status_text(base: &str, discovery: Option<&str>, status: &Value) -> String {
    let mut text = format!("local emulator: {base}\n");
    let has_machines = status["vms"] != "none";
    if !has_machines {
        text.push_str("  without machines (--vms none): nothing runs or answers\n");
    }
    if let Some(url) = discovery {
        let _ = writeln!(text, "  discovery  {url} (as machines reach it)");
    }
    let items = |key: &str| status[key].as_array().cloned().unwrap_or_default();
    for machine in items("machines") {
        let field = |key: &str| machine[key].as_str().unwrap_or("-").to_owned();
        let _ = writeln!(text, "  machine  {:<32} {}", field("name"), field("power_state"));
    }
    for listener in items("listeners") {
        let field = |key: &str| listener[key].as_str().map(str::to_owned);
        let public = field("public").unwrap_or_default();
        let rule = field("rule").unwrap_or_default();
        let rule = rule.rsplit('/').next().unwrap_or_default();
        let state = match field("bound") {
            None => format!("{rule}, not open"),
            Some(bound) => {
                let healthy = listener["healthy_machines"].as_array().map_or(0, Vec::len);
                let substitute = if public == bound { String::new() } else { format!("(listens on {bound}) ") };
                format!("{substitute}{rule}, {healthy} machines answer")
            }
        };
        let _ = writeln!(text, "  port     {public} {state}");
    }
    text
}

async fn logs(follow: bool) -> Result<(), Failure> {
    let path = local::directory()?.log();
    let mut file = std::fs::File::open(&path).with_context(|| format!("opening `{}`", path.display()))?;
    let mut position = 0;
    loop {
        let mut text = Vec::new();
        file.seek(SeekFrom::Start(position)).map_err(anyhow::Error::new)?;
        position += file.read_to_end(&mut text).map_err(anyhow::Error::new)? as u64;
        output::print(&String::from_utf8_lossy(&text))?;
        if !follow {
            return Ok(());
        }
        tokio::time::sleep(FOLLOW_INTERVAL).await;
    }
}

async fn down() -> Result<(), Failure> {
    let was_running = local::stop(&local::directory()?).await?;
    let text = if was_running {
        "local emulator stopped; resources and disks stay\n"
    } else {
        "the local emulator does not run\n"
    };
    output::print(text)
}

async fn reset() -> Result<(), Failure> {
    let directory = local::directory()?;
    check_is_emulators(&directory)?;
    local::stop(&directory).await?;
    match std::fs::remove_dir_all(directory.root()) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            return Err(Failure::Other(
                anyhow::Error::new(error).context(format!("removing `{}`", directory.root().display())),
            ));
        }
        _ => {}
    }
    output::print("local emulator: stopped, everything removed\n")
}

/// Whoever names a folder of their own must not lose it.
fn check_is_emulators(directory: &Directory) -> Result<(), Failure> {
    let root = directory.root();
    let mut entries = match std::fs::read_dir(root) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        entries => report::access(entries, root, "listing")?,
    };
    // One that never came up leaves its log alone.
    let emulators = [directory.token(), directory.resources(), directory.log()];
    if entries.next().is_none() || emulators.iter().any(|file| file.is_file()) {
        return Ok(());
    }
    Err(Failure::Usage(format!(
        "`{}` is no emulator's folder: there is no `token`, `resources.jsonl` or `daemon.log` in it, so nothing was \
         removed; AZURE_LOCAL_DIR names the folder",
        root.display()
    )))
}

async fn build_image() -> Result<(), Failure> {
    let cache = local::image_cache()?;
    let reporter = reporter(&OutputArguments { output: report::OutputFormat::Text, events: None })?;
    let says = reporter.clone();
    let build = move || azure_local::image::build(&cache, &mut |text: &str| says.note(text));
    let image = tokio::task::spawn_blocking(build).await.map_err(anyhow::Error::new)??;
    output::print(&format!("{}\n", image.disk.display()))
}
