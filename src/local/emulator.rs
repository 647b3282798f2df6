//! A running emulator: its address, its token, and what it tells besides ARM.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use azure_core::credentials::Secret;
use azure_core::http::policies::Policy;
use azure_core::http::{Method, Request, Url};
use azure_local::directory::Directory;
use serde::de::DeserializeOwned;
use tokio::time::timeout;

use super::folder;
use super::proof::{Challenge, PATIENCE};
use super::status::{EmulatorStatus, Listener, MachineKind, Suspension};
use super::token::LocalTokenPolicy;
use crate::arm::{http_client, read_body};

/// Its lists are far smaller, in bytes.
const LARGEST_ANSWER: usize = 64 << 20;
/// It answers from memory; its host may be busy with machines that start.
const LONGEST_ANSWER: Duration = Duration::from_secs(60);
/// The memory of every machine is written to the disk.
const LONGEST_SUSPENSION: Duration = Duration::from_secs(900);

/// A running emulator.
#[derive(Clone, Debug)]
pub struct Emulator {
    /// `http://127.0.0.1:<port>`.
    pub base: String,
    pub token: Secret,
}

impl Emulator {
    /// The emulator of this folder, when it answers; an error when the folder may not be looked into.
    pub async fn find(directory: &Directory) -> anyhow::Result<Option<Self>> {
        let read = |file: PathBuf| folder::read(directory, &file);
        let (Some(base), Some(token)) = (read(directory.endpoint())?, read(directory.token())?) else {
            return Ok(None);
        };
        let emulator = Self { base: base.trim().to_owned(), token: Secret::new(token.trim().to_owned()) };
        Ok(match timeout(PATIENCE, emulator.prove()).await {
            Ok(Ok(())) => Some(emulator),
            Ok(Err(error)) => {
                tracing::debug!("{error:#}");
                None
            }
            Err(_) => None,
        })
    }

    /// How its requests are signed.
    pub fn authorization(&self) -> Arc<dyn Policy> {
        Arc::new(LocalTokenPolicy::new(&self.base, self.token.clone()))
    }

    /// Makes sure that the daemon that wrote the token listens there, before it gets the token.
    async fn prove(&self) -> anyhow::Result<()> {
        let challenge = Challenge::new(&self.base)?;
        let request = challenge.request()?;
        let response = http_client(request.url()).execute_request(&request).await?;
        challenge.check(&self.token, response).await
    }

    /// What it says about itself, its machines and ports.
    pub async fn status(&self) -> anyhow::Result<EmulatorStatus> {
        self.ask(Method::Get, "/azure-local/status", LONGEST_ANSWER).await
    }

    /// Whether there are machines behind its virtual machines.
    pub async fn has_machines(&self) -> anyhow::Result<bool> {
        Ok(self.status().await?.vms != MachineKind::None)
    }

    /// Every public port.
    pub async fn listeners(&self) -> anyhow::Result<Vec<Listener>> {
        self.ask(Method::Get, "/azure-local/listeners", LONGEST_ANSWER).await
    }

    /// Keeps on disk what its machines have in memory, and ends them; what cannot be kept goes on running.
    pub async fn suspend(&self) -> anyhow::Result<Suspension> {
        self.ask(Method::Post, "/azure-local/suspend", LONGEST_SUSPENSION).await
    }

    async fn ask<T: DeserializeOwned>(&self, method: Method, path: &str, patience: Duration) -> anyhow::Result<T> {
        let url: Url = format!("{}{path}", self.base).parse()?;
        let mut request = Request::new(url, method);
        request.insert_header("authorization", format!("Bearer {}", self.token.secret()));
        let asking = || format!("asking the local emulator at {}{path}", self.base);
        let answering = async {
            self.prove().await?;
            let response = http_client(request.url()).execute_request(&request).await?;
            anyhow::ensure!(response.status().is_success(), "HTTP status {}", response.status());
            let body = read_body(response, LARGEST_ANSWER).await?;
            let body = body.with_context(|| format!("it answers with more than {LARGEST_ANSWER} bytes"))?;
            let read = serde_path_to_error::deserialize(&mut serde_json::Deserializer::from_slice(&body));
            anyhow::Ok(read.context("its answer cannot be read")?)
        };
        let answer = timeout(patience, answering).await;
        answer.with_context(|| format!("no answer within {} s", patience.as_secs())).flatten().with_context(asking)
    }
}
