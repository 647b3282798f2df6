//! A release of an app: what ran, or was to run, under one number.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Config;

/// The release's number on its services.
pub(super) const RELEASE_LABEL: &str = "platform.release";

/// A numbered release.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Release {
    /// Counts from 1.
    pub version: u32,
    /// RFC 3339.
    pub created_at: String,
    /// For people: `deployed hello:1`, `set GREETING`, `rolled back to v3`.
    pub what: String,
    pub state: ReleaseState,
    /// Why it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    pub content: Content,
}

/// How far a release is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReleaseState {
    /// Recorded, and not yet seen running.
    Pending,
    /// The one that runs.
    Running,
    /// Ran until a later one did.
    Replaced,
    /// Did not come up.
    Failed,
}

impl ReleaseState {
    /// As documents and people read it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Running => "running",
            Self::Replaced => "replaced",
            Self::Failed => "failed",
        }
    }
}

/// Everything that decides what a release runs; equal contents are the same release.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Content {
    pub source: Source,
    /// Each image as the source names it, and as the swarm gets it: by digest, so that it stays what it was.
    pub images: BTreeMap<String, String>,
    pub config: Config,
    /// The service that the router leads to.
    pub public: String,
    /// Where that service listens.
    pub port: u16,
}

/// What an app is made of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Source {
    /// One image, which is the service `web`.
    Image {
        image: String,
        #[serde(default, flatten)]
        options: ImageOptions,
    },
    /// A Compose file as it was given: variables are not filled in.
    Compose {
        /// Its name, for messages.
        file: String,
        text: String,
        /// The service that was named public.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        public: Option<String>,
        /// The port that was named.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        port: Option<u16>,
    },
}

/// What else can be said of an app that is one image.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImageOptions {
    /// Path that answers when the app is well.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub health: Option<String>,
    /// Most memory of a task.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory_bytes: Option<u64>,
    /// Most thousand millionths of a CPU of a task.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nano_cpus: Option<u64>,
}

impl Source {
    /// For people: the image, or the file.
    pub fn title(&self) -> &str {
        match self {
            Self::Image { image, .. } => image,
            Self::Compose { file, .. } => file,
        }
    }
}
