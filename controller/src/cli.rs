//! The command line of `platform-controller`: from arguments to a program that serves until it is told to stop.

use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};
use tokio::net::TcpListener;

use crate::ask::ask;
use crate::caddy::Base;
use crate::engine::Engine;
use crate::follow::{self, Rendering};
use crate::server;
use diagnostics::{Origin, Problems, given_file};
use report::Failure;
use report::command::{ended_by_signal, to_its_end, usage};
use routing::LabelPrefix;

/// The platform's service on the cluster.
#[derive(Debug, Parser)]
#[command(name = "platform-controller", version, arg_required_else_help = true, max_term_width = 110)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Follow the swarm's services, and serve the routers' configuration
    Serve(ServeArguments),
    /// Print a page of a controller: `/health`, `/routers` (who asked when), `/routes.json`
    Ask(AskArguments),
}

#[derive(Debug, Args)]
struct AskArguments {
    /// The page
    #[arg(value_name = "PATH")]
    path: String,
    /// Where the controller listens
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:2080")]
    of: SocketAddr,
}

#[derive(Debug, Args)]
struct ServeArguments {
    /// Address that routers ask
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "0.0.0.0:2080")]
    listen: SocketAddr,
    /// Configuration that routers start from, with one route that has `"@id": "apps"`
    #[arg(long, value_name = "FILE")]
    base: PathBuf,
    /// What names of the labels begin with by which services ask for routes
    #[arg(long, value_name = "PREFIX")]
    labels: LabelPrefix,
    /// Docker's socket
    #[arg(long, value_name = "FILE", default_value = "/var/run/docker.sock")]
    docker: PathBuf,
    /// Whom routers ask for tasks' addresses, instead of their machine's own resolver
    #[arg(long, value_name = "ADDRESS:PORT")]
    resolver: Vec<SocketAddr>,
}

/// Runs `platform-controller` with these arguments, the program's name first.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    match Arguments::try_parse_from(arguments) {
        Ok(Arguments { command: Command::Serve(arguments) }) => to_its_end("info", serve(arguments)),
        Ok(Arguments { command: Command::Ask(AskArguments { path, of }) }) => to_its_end("warn", ask(of, &path)),
        Err(error) => usage(error),
    }
}

async fn serve(arguments: ServeArguments) -> Result<(), Failure> {
    let ServeArguments { listen, base: path, labels, docker, resolver } = arguments;
    let mut problems = Problems::new();
    let origin = Origin::File { path: path.display().to_string(), line: None };
    let base = match given_file::read_text(&path) {
        Ok(text) => problems.take(origin, Base::read(&text)),
        Err(error) => problems.take(origin, Err::<Base, _>(error)),
    };
    let Some(base) = base else { return Err(problems.into()) };
    let listener =
        TcpListener::bind(listen).await.map_err(|error| anyhow::anyhow!("listening on {listen}: {error}"))?;
    let (sender, state) = follow::begin();
    let rendering = Rendering { base, prefix: labels, resolvers: resolver };
    tokio::spawn(follow::follow(Engine::new(&docker), rendering, sender));
    tracing::info!("routers may ask {listen}");
    let served = axum::serve(listener, server::pages(state)).with_graceful_shutdown(ended_by_signal()).await;
    served.map_err(|error| anyhow::anyhow!("serving on {listen}: {error}").into())
}
