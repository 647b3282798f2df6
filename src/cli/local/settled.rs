//! The emulator's options: what is named, else what held the last time, else the defaults.

use azure_local::directory::Directory;
use azure_local::latency::TimeScale;
use clap::{Parser, ValueEnum};

use super::arguments::{ImageChoice, LatencyProfile, LocalUpArguments, Vms};
use crate::local::{self, Emulator};
use report::{Failure, Mendable, Reporter, printable};

/// The options of the last time; all are absent when there was none.
pub(super) fn last(directory: &Directory) -> Result<LocalUpArguments, Failure> {
    #[derive(Parser)]
    #[command(no_binary_name = true)]
    struct Last {
        #[command(flatten)]
        options: LocalUpArguments,
    }
    let found = local::last_arguments(directory)?;
    let parsed = Last::try_parse_from(&found).map_err(|error| {
        let (file, why) = (directory.arguments(), error.to_string());
        let why = why.lines().next().unwrap_or_default().trim_start_matches("error: ");
        let message = format!(
            "`{}` holds options that this version does not take, `{}`: {}",
            file.display(),
            printable(&found.join(" ")),
            printable(why)
        );
        Mendable::usage(message, format!("rm '{}' forgets the options, and nothing else", file.display()))
    })?;
    Ok(parsed.options)
}

/// The running emulator; one is started, and the machines' image built, when none runs.
pub(in crate::cli) async fn ensure_running(reporter: &Reporter) -> Result<Emulator, Failure> {
    let directory = local::directory()?;
    if let Some(emulator) = Emulator::find(&directory).await? {
        return Ok(emulator);
    }
    // As it ran last: a cluster that was made without machines does not get them by looking at it.
    let last = last(&directory)?;
    let arguments = Settled::of(&last, &last).arguments();
    local::prepare(&directory, &arguments, reporter).await?;
    Ok(local::start(&directory, &arguments, reporter).await?)
}

/// Options of which none is open.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Settled {
    pub vms: Vms,
    pub latency: LatencyProfile,
    pub time_scale: TimeScale,
    pub vm_memory_mib: u32,
    pub image: ImageChoice,
    pub boot_timeout_minutes: u64,
}

impl Settled {
    /// What was named, else what held the last time, else the defaults.
    pub(super) fn of(named: &LocalUpArguments, last: &LocalUpArguments) -> Self {
        Self {
            vms: named.vms.or(last.vms).unwrap_or(Vms::Qemu),
            latency: named.latency.or(last.latency).unwrap_or(LatencyProfile::None),
            time_scale: named.time_scale.or(last.time_scale).unwrap_or(TimeScale::REAL),
            vm_memory_mib: named.vm_memory.or(last.vm_memory).unwrap_or(1024),
            image: named.image.clone().or_else(|| last.image.clone()).unwrap_or(ImageChoice::Built),
            boot_timeout_minutes: named.boot_timeout.or(last.boot_timeout).unwrap_or(40),
        }
    }

    /// As `local serve` takes them.
    pub(super) fn arguments(&self) -> Vec<String> {
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
    pub(super) fn note(&self) -> String {
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
