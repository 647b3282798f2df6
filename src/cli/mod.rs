//! The commands: each turns its arguments into calls of the library and a result on stdout. The only module besides
//! `report` that prints, and the only one that knows the environment.

mod arguments;
mod config;
mod connection;
mod create;
mod destroy;
mod discovery;
mod finished;
mod first_failure;
mod fitting_keys;
mod list;
mod local;
mod lost_spec;
mod management_certificate;
mod own_emulator;
mod own_keys;
mod owner_tag;
mod parameters;
mod plan;
mod power;
mod preflight;
mod prepare;
mod reached;
mod ready;
mod scale;
mod serial_console;
mod sign_in;
mod status;
mod subscription;
mod templates;
mod user_data;
mod verb;
mod who_am_i;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::Parser as _;
use diagnostics::Environment;
use report::command::{failed, run, to_its_end, usage};

pub use parameters::open_ports;

use arguments::{Arguments, Command};
use local::arguments::LocalCommand;

/// Stands for `--local`.
const LOCAL_VARIABLE: &str = "AZURE_COREOS_CLUSTER_LOCAL";

/// Runs `azure-coreos-cluster` with these arguments, the program's name first.
pub fn azure_coreos_cluster(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    // The command line takes it for a flag; as other bytes than text it would be none.
    if let Err(problems) = Environment::read(&[LOCAL_VARIABLE]) {
        return failed(&problems.into());
    }
    let arguments = match Arguments::try_parse_from(arguments) {
        Ok(arguments) => arguments,
        Err(error) => return usage(error),
    };
    match arguments.command {
        Some(Command::Plan(arguments)) => run("run the same command again", plan::run(*arguments)),
        Some(Command::Preflight(arguments)) => run("run the same command again", preflight::run(arguments)),
        // They tell their events of an interruption themselves.
        Some(Command::Stop(arguments)) => to_its_end("off", power::stop(arguments)),
        Some(Command::Start(arguments)) => to_its_end("off", power::start(arguments)),
        Some(Command::Restart(arguments)) => to_its_end("off", power::restart(arguments)),
        Some(Command::Scale(arguments)) => to_its_end("off", scale::run(arguments)),
        Some(Command::Destroy(arguments)) => to_its_end("off", destroy::run(arguments)),
        Some(Command::Status(arguments)) => run("run the same command again", status::run(arguments)),
        Some(Command::List(arguments)) => run("run the same command again", list::run(arguments)),
        Some(Command::WhoAmI(arguments)) => run("run the same command again", who_am_i::run(arguments)),
        Some(Command::ManagementCertificate(arguments)) => {
            run("run the same command again", management_certificate::run(arguments))
        }
        Some(Command::Config(command)) => run("run the same command again", config::run(command)),
        Some(Command::UserData(arguments)) => run("run the same command again", user_data::run(arguments)),
        Some(Command::Templates(command)) => run("run the same command again", templates::run(command)),
        // Long waits are answered before it ends.
        Some(Command::Discovery(command)) => to_its_end("info", discovery::run(command)),
        // The daemon ends its machines in its own time when it is asked to end; its stderr is its log.
        Some(Command::Local(LocalCommand::Serve(arguments))) => to_its_end("info", local::serve(arguments)),
        Some(Command::Local(command @ LocalCommand::Image(_))) => run(local::RUN_AGAIN, local::run(command)),
        Some(Command::Local(command)) => run("azure-coreos-cluster local status", local::run(command)),
        Some(Command::Create(arguments)) => to_its_end("off", create::run(arguments.cluster, arguments.create)),
        None => match verb::refuse_misspelled(&arguments.cluster) {
            Ok(()) => to_its_end("off", create::run(arguments.cluster, arguments.create)),
            Err(failure) => failed(&failure),
        },
    }
}
