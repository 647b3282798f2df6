//! The command lines of `local`, as data and help text only.

use std::ffi::OsString;
use std::path::PathBuf;

use azure_local::latency::TimeScale;
use clap::{Args, Subcommand, ValueEnum, value_parser};

use crate::cli::arguments::OutputArguments;

/// Commands about the local emulator.
#[derive(Debug, Subcommand)]
pub(in crate::cli) enum LocalCommand {
    /// Start it
    Up(LocalUpArguments),
    /// Show its machines and ports
    Status(OutputArguments),
    /// Print its log
    Logs {
        /// Go on printing as the log grows
        #[arg(short, long)]
        follow: bool,
    },
    /// Stop it and its machines; their disks and all resources stay
    Down {
        /// Keep what the machines have in memory, too: after `local up` they go on where they were
        #[arg(long)]
        suspend: bool,
    },
    /// Stop it and forget everything
    Reset {
        /// Do not ask
        #[arg(long)]
        yes: bool,
    },
    /// The image that machines start from
    #[command(subcommand)]
    Image(ImageCommand),
    /// Run the emulator in the foreground
    #[command(hide = true)]
    Serve(LocalUpArguments),
}

/// Commands about the emulator's image.
#[derive(Debug, Subcommand)]
pub(in crate::cli) enum ImageCommand {
    /// Make it from Debian packages, once
    Build,
}

/// How the emulator runs. What is not named is as it was the last time.
#[derive(Clone, Debug, Args)]
pub(in crate::cli) struct LocalUpArguments {
    /// What a VM resource becomes [default: as the last time, at first qemu]
    #[arg(long, value_enum)]
    pub vms: Option<Vms>,
    /// How long operations take [default: as the last time, at first none]
    #[arg(long, value_enum)]
    pub latency: Option<LatencyProfile>,
    /// Factor for the profile's times, 0.001 to 1000; 0.1 is ten times faster [default: as the last time, at first 1]
    #[arg(long, value_name = "FACTOR")]
    pub time_scale: Option<TimeScale>,
    /// Memory of each machine, 256 to 1048576 MiB [default: as the last time, at first 1024]
    #[arg(long, value_name = "MiB", value_parser = value_parser!(u32).range(256..=1_048_576))]
    pub vm_memory: Option<u32>,
    /// A Flatcar disk (raw, qcow2, VHD) that new machines start from; `built` is the image that `local image build` makes [default: as
    /// the last time, at first built]
    #[arg(long, value_name = "FILE")]
    pub image: Option<ImageChoice>,
    /// Minutes, 1 to 1440, after which a machine that does not answer on SSH has failed [default: as the last time, at first 40]
    #[arg(long, value_name = "MINUTES", value_parser = value_parser!(u64).range(1..=1440))]
    pub boot_timeout: Option<u64>,
}

/// What machines start from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::cli) enum ImageChoice {
    /// The image of `local image build`.
    Built,
    /// A disk of the user's.
    File(PathBuf),
}

impl From<OsString> for ImageChoice {
    /// A file of that name is `./built`.
    fn from(text: OsString) -> Self {
        if text == "built" { Self::Built } else { Self::File(text.into()) }
    }
}

/// What a VM resource becomes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum Vms {
    /// A real virtual machine
    Qemu,
    /// Nothing: the control plane alone
    None,
}

/// How long the emulator's operations take.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum LatencyProfile {
    /// No longer than they need
    None,
    /// As long as on Azure
    Azure,
}
