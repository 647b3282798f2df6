//! The command line of `platform-controller`: from arguments to a program that serves until it is told to stop.

use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};
use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::acme::{Acme, AcmeSettings};
use crate::ask::ask;
use crate::caddy::Base;
use crate::certificate::names_of_chain;
use crate::certificates;
use crate::engine::Engine;
use crate::etcd::Etcd;
use crate::follow::{self, Rendering};
use crate::outbound::Trust;
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
    /// How etcd is reached, which keeps domains' certificates: variables as nodes have them in /etc/environment [default: there are no
    /// certificates]
    #[arg(long, value_name = "FILE")]
    etcd: Option<PathBuf>,
    /// Order certificates for the apps' domains: the authority writes to this address, and its terms are agreed to
    #[arg(long, value_name = "ADDRESS", requires = "etcd", requires = "acme_directory")]
    acme_email: Option<String>,
    /// Directory of the authority that they are ordered from
    #[arg(long, value_name = "URL", requires = "acme_email")]
    acme_directory: Option<String>,
    /// Who signed the certificate of the directory's server, PEM [default: the authorities that browsers trust]
    #[arg(long, value_name = "FILE", requires = "acme_email")]
    acme_trust: Option<PathBuf>,
    /// Certificate chain that routers have anyhow, PEM; what it covers is not ordered
    #[arg(long, value_name = "FILE", requires = "acme_email")]
    covered_by: Option<PathBuf>,
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
    let mut problems = Problems::new();
    let base = read_file(&mut problems, &arguments.base, |text| {
        let base = Base::read(text);
        if arguments.etcd.is_some() { base.and_then(Base::takes_certificates) } else { base }
    });
    let etcd = arguments
        .etcd
        .as_ref()
        .map(|path| problems.take(file(path), Etcd::new(path).map_err(|error| format!("{error:#}"))));
    let settings = acme_settings(&arguments, &mut problems);
    let (Some(base), true) = (base, problems.is_empty()) else { return Err(problems.into()) };
    let etcd = etcd.flatten();

    let listen = arguments.listen;
    let listener =
        TcpListener::bind(listen).await.map_err(|error| anyhow::anyhow!("listening on {listen}: {error}"))?;
    let (sender, state) = follow::begin();
    let rendering = Rendering { base, prefix: arguments.labels, resolvers: arguments.resolver };
    let (known, certificates) = watch::channel(None);
    if let (Some(etcd), Some(settings)) = (&etcd, settings) {
        let acme = Acme::new(etcd.clone(), settings, state.clone(), certificates.clone())?;
        tokio::spawn(acme.run());
    }
    match etcd.clone() {
        Some(etcd) => drop(tokio::spawn(certificates::follow(etcd, known))),
        None => drop(known.send_replace(Some([].into()))),
    }
    tokio::spawn(follow::follow(Engine::new(&arguments.docker), rendering, certificates, sender));
    tracing::info!("routers may ask {listen}");
    let served = axum::serve(listener, server::pages(state, etcd)).with_graceful_shutdown(ended_by_signal()).await;
    served.map_err(|error| anyhow::anyhow!("serving on {listen}: {error}").into())
}

/// From whom certificates are ordered; none when they are not.
fn acme_settings(arguments: &ServeArguments, problems: &mut Problems) -> Option<AcmeSettings> {
    let (Some(email), Some(directory)) = (&arguments.acme_email, &arguments.acme_directory) else { return None };
    if !directory.starts_with("https://") {
        problems.add(Origin::Flag("--acme-directory"), format!("`{directory}` does not start with `https://`"));
    }
    let trust = match &arguments.acme_trust {
        None => Some(Trust::public()),
        Some(path) => {
            read_file(problems, path, |text| Trust::only(text.as_bytes()).map_err(|error| format!("{error:#}")))
        }
    };
    let covered = match &arguments.covered_by {
        None => Some(Vec::new()),
        Some(path) => read_file(problems, path, names_of_chain),
    };
    Some(AcmeSettings { email: email.clone(), directory: directory.clone(), trust: trust?, covered: covered? })
}

fn file(path: &Path) -> Origin {
    Origin::File { path: path.display().to_string(), line: None }
}

/// What a file's text is read into; what is wrong is added to the problems.
fn read_file<T, E: std::fmt::Display>(
    problems: &mut Problems,
    path: &Path,
    read: impl FnOnce(&str) -> Result<T, E>,
) -> Option<T> {
    match given_file::read_text(path) {
        Ok(text) => problems.take(file(path), read(&text)),
        Err(error) => problems.take(file(path), Err(error)),
    }
}
