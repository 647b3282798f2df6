//! `discovery serve`: etcd's discovery service; and what a cluster's discovery URL is held against before it is made.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context as _;
use clap::{Args, Subcommand};
use url::Url;

use super::prepare::Asked;
use crate::config::parameter::DISCOVERY_SERVICE_URL;
use crate::discovery::{self, DiscoveryError, ServiceOptions};
use crate::local::from_this_host;
use crate::spec::DiscoveryUrl;
use diagnostics::{Origin, Problems};
use report::mark::{DEGRADED, GOOD};
use report::output;
use report::{Failure, Reporter};

/// Shorter than what proxies give a connection that is silent.
const LONGEST_WAIT: Duration = Duration::from_secs(50);

/// Commands about etcd's discovery.
#[derive(Debug, Subcommand)]
pub(super) enum DiscoveryCommand {
    /// Run etcd's discovery service, version 2, in the foreground
    Serve(DiscoveryServeArguments),
}

/// Arguments of `discovery serve`.
#[derive(Debug, Args)]
pub(super) struct DiscoveryServeArguments {
    /// Address and port to listen on; port 0 is a free one
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:8087")]
    pub address: SocketAddr,
    /// What the tokens' URLs begin with, where members reach the service [default: the address that was asked]
    #[arg(long, value_name = "URL")]
    pub public_url: Option<Url>,
    /// Keep tokens and members in FILE over restarts
    #[arg(long, value_name = "FILE")]
    pub state: Option<PathBuf>,
}

/// Runs the service until it is asked to end.
pub(super) async fn run(command: DiscoveryCommand) -> Result<(), Failure> {
    let DiscoveryCommand::Serve(arguments) = command;
    if let Some(url) = &arguments.public_url
        && (!matches!(url.scheme(), "http" | "https") || url.query().is_some() || url.fragment().is_some())
    {
        return Err(Failure::Usage(format!(
            "`--public-url` must be like https://discovery.example.com, found `{url}`"
        )));
    }
    if let Some(file) = &arguments.state {
        discovery::check_state(file)?;
    }
    let listener = tokio::net::TcpListener::bind(arguments.address).await;
    let listener = listener.map_err(|error| {
        Failure::Usage(format!("`--address`: listening on {}: {error}; port 0 takes a free one", arguments.address))
    })?;
    let address = listener.local_addr().context("reading the listener's address")?;
    let public_url = arguments.public_url.map(|url| url.as_str().trim_end_matches('/').to_owned());
    let base = public_url.clone().unwrap_or_else(|| format!("http://{address}"));
    output::line(&format!("discovery service: {base}/new?size=3"))?;
    let options = ServiceOptions { listener, public_url, state: arguments.state, longest_wait: LONGEST_WAIT };
    discovery::serve(options, report::command::ended_by_signal()).await.map_err(Failure::from)
}

/// Reads the token of a cluster that is still to be made; does nothing for any other.
pub(super) async fn check_token(asked: &Asked, reporter: &Reporter) -> Result<(), Failure> {
    if asked.may_have_machines() {
        return Ok(());
    }
    if let Some(DiscoveryUrl::Token(url)) = &asked.spec.discovery_url {
        warn_of_loopback(url, reporter);
        discovery::check(url, asked.spec.etcd_member_count, from_this_host)
            .await
            .map_err(|error| failure(asked, error))?;
    }
    Ok(())
}

/// Says that creation would ask for a token.
pub(super) fn note_request(asked: &Asked, reporter: &Reporter) {
    if let Some(url @ DiscoveryUrl::Service { .. }) = &asked.spec.discovery_url {
        reporter.note(format!(
            "{GOOD} discovery: creation asks {url} for a token for {} members",
            asked.spec.etcd_member_count
        ));
    }
}

/// The new token of a cluster that is to be made, from the service that its spec names; none where it names none.
pub(super) async fn request_token(asked: &Asked, reporter: &Reporter) -> Result<Option<DiscoveryUrl>, Failure> {
    let Some(DiscoveryUrl::Service { new, .. }) = &asked.spec.discovery_url else { return Ok(None) };
    let answer = discovery::new_token(new, asked.spec.etcd_member_count, from_this_host).await;
    let token = answer.map_err(|error| failure(asked, error))?;
    reporter.note(format!("{GOOD} discovery: {token}"));
    warn_of_loopback(token.url(), reporter);
    Ok(Some(token))
}

fn warn_of_loopback(url: &Url, reporter: &Reporter) {
    let host = url.host_str().unwrap_or_default();
    let is_loopback = host.trim_matches(['[', ']']).parse::<IpAddr>().is_ok_and(|address| address.is_loopback());
    if is_loopback || host == "localhost" {
        reporter.note(format!(
            "{DEGRADED} discovery: `{host}` is each machine itself, so etcd's members would not find the service there; \
             `discovery serve --address 0.0.0.0:8087 --public-url URL` names where they do"
        ));
    }
}

fn failure(asked: &Asked, error: DiscoveryError) -> Failure {
    match error {
        DiscoveryError::Unreachable { doing, cause } => Failure::Unreachable {
            doing,
            cause,
            hint: "leave --discovery-service-url out (or add --no-discovery-url): etcd forms by a list then; \
                   or run a service: azure-coreos-cluster discovery serve"
                .into(),
        },
        DiscoveryError::Unsuitable { found, hint } => {
            let given = asked.values.get(&DISCOVERY_SERVICE_URL);
            let origin = given.map_or(Origin::Flag(DISCOVERY_SERVICE_URL.flag), |given| given.origin.clone());
            let mut problems = Problems::new();
            problems.add_with_hint(origin, found, hint);
            problems.into()
        }
    }
}
