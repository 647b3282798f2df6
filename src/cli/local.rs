//! `local …`: the emulator's daemon and its image.

use std::fmt::Write as _;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::time::Duration;

use anyhow::Context as _;
use serde_json::Value;

use super::arguments::{ImageCommand, LatencyProfile, LocalCommand, LocalUpArguments, OutputArguments, Vms};
use clap::ValueEnum;

use super::prepare::reporter;
use crate::local::{self, Emulator, ServeOptions};
use report::output;
use report::{Failure, Reporter};

/// How often `logs --follow` looks for more.
const FOLLOW_INTERVAL: Duration = Duration::from_millis(300);

/// Runs the command.
pub async fn run(command: LocalCommand) -> Result<(), Failure> {
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
    check(arguments)?;
    let directory = local::directory()?;
    let passed = [
        "--vms".into(),
        word(&arguments.vms),
        "--latency".into(),
        word(&arguments.latency),
        "--time-scale".into(),
        arguments.time_scale.to_string(),
        "--vm-memory".into(),
        arguments.vm_memory.to_string(),
        "--boot-timeout".into(),
        arguments.boot_timeout.to_string(),
    ];
    if let Some(emulator) = Emulator::find(&directory).await {
        if local::last_arguments(&directory).is_some_and(|last| last != passed) {
            let message =
                "the local emulator runs already, with other options; `azure-coreos-cluster local down` first";
            return Err(Failure::Usage(message.into()));
        }
        return output::print(&format!("the local emulator runs already: {}\n", emulator.base));
    }
    let emulator = local::start(&directory, &passed, &Reporter::new(None)).await?;
    output::print(&format!("local emulator: {}\n", emulator.base))
}

/// An argument's value as it is written on the command line.
fn word(value: &impl ValueEnum) -> String {
    value.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
}

fn check(arguments: &LocalUpArguments) -> Result<(), Failure> {
    if !(arguments.time_scale > 0.0 && arguments.time_scale.is_finite()) {
        return Err(Failure::Usage(format!("`--time-scale` must be greater than 0, found {}", arguments.time_scale)));
    }
    Ok(())
}

/// Runs the daemon until it is asked to end.
pub async fn serve(arguments: LocalUpArguments) -> Result<(), Failure> {
    check(&arguments)?;
    let options = ServeOptions {
        machines: arguments.vms == Vms::Qemu,
        azure_latency: arguments.latency == LatencyProfile::Azure,
        time_scale: arguments.time_scale,
        machine_memory_mib: arguments.vm_memory,
        boot_timeout: Duration::from_secs(arguments.boot_timeout * 60),
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
    if let Some(url) = discovery {
        let _ = writeln!(text, "  discovery  {url} (as machines reach it)");
    }
    let items = |key: &str| status[key].as_array().cloned().unwrap_or_default();
    for machine in items("machines") {
        let field = |key: &str| machine[key].as_str().unwrap_or("-").to_owned();
        let _ = writeln!(text, "  machine  {:<32} {}", field("name"), field("power_state"));
    }
    for listener in items("listeners") {
        let field = |key: &str| listener[key].as_str().unwrap_or("-").to_owned();
        let (public, bound) = (field("public"), field("bound"));
        let rule = field("rule").rsplit('/').next().unwrap_or_default().to_owned();
        let healthy = listener["healthy_machines"].as_array().map_or(0, Vec::len);
        let substitute = if public == bound { String::new() } else { format!(" (listens on {bound})") };
        let _ = writeln!(text, "  port     {public}{substitute} {rule}, {healthy} machines answer");
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

async fn build_image() -> Result<(), Failure> {
    let cache = local::image_cache()?;
    let reporter = reporter(&OutputArguments { output: report::OutputFormat::Text, events: None })?;
    let says = reporter.clone();
    let build = move || azure_local::image::build(&cache, &mut |text: &str| says.note(text));
    let image = tokio::task::spawn_blocking(build).await.map_err(anyhow::Error::new)??;
    output::print(&format!("{}\n", image.disk.display()))
}
