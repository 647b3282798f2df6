//! `discovery serve`: etcd's discovery service.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context as _;
use clap::{Args, Subcommand};
use url::Url;

use super::output;
use crate::discovery::{self, ServiceOptions};
use crate::report::Failure;

/// Shorter than what proxies give a connection that is silent.
const LONGEST_WAIT: Duration = Duration::from_secs(50);

/// Commands about etcd's discovery.
#[derive(Debug, Subcommand)]
pub enum DiscoveryCommand {
    /// Run etcd's discovery service, version 2, in the foreground
    Serve(DiscoveryServeArguments),
}

/// Arguments of `discovery serve`.
#[derive(Debug, Args)]
pub struct DiscoveryServeArguments {
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
pub async fn run(command: DiscoveryCommand) -> Result<(), Failure> {
    let DiscoveryCommand::Serve(arguments) = command;
    if let Some(url) = &arguments.public_url
        && (!matches!(url.scheme(), "http" | "https") || url.query().is_some() || url.fragment().is_some())
    {
        return Err(Failure::Usage(format!(
            "`--public-url` must be like https://discovery.example.com, found `{url}`"
        )));
    }
    let listener = tokio::net::TcpListener::bind(arguments.address).await;
    let listener = listener.with_context(|| format!("listening on {}", arguments.address))?;
    let address = listener.local_addr().context("reading the listener's address")?;
    let public_url = arguments.public_url.map(|url| url.as_str().trim_end_matches('/').to_owned());
    let base = public_url.clone().unwrap_or_else(|| format!("http://{address}"));
    output::line(&format!("discovery service: {base}/new?size=3"))?;
    let options = ServiceOptions { listener, public_url, state: arguments.state, longest_wait: LONGEST_WAIT };
    discovery::serve(options, super::ended_by_signal()).await.map_err(Failure::Other)
}
