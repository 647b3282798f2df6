//! Where the emulator keeps what must outlive a process: one folder, named here and nowhere else.

use std::path::{Path, PathBuf};

/// The emulator's folder. Everything in it belongs to the emulator and is removed by `reset`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Directory {
    root: PathBuf,
}

impl Directory {
    /// The folder at `root`; nothing is created.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    /// The folder itself.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Holds the base URL of the running daemon, such as `http://127.0.0.1:40123`.
    pub fn endpoint(&self) -> PathBuf {
        self.root.join("endpoint")
    }

    /// Holds the bearer token that every request must carry; mode 0600.
    pub fn token(&self) -> PathBuf {
        self.root.join("token")
    }

    /// Held locked by the running daemon; its content is the daemon's process id.
    pub fn process_id(&self) -> PathBuf {
        self.root.join("daemon.pid")
    }

    /// The daemon's log.
    pub fn log(&self) -> PathBuf {
        self.root.join("daemon.log")
    }

    /// The resources, one JSON document a line; mode 0600.
    pub fn resources(&self) -> PathBuf {
        self.root.join("resources.jsonl")
    }

    /// Holds the address of etcd's discovery service as machines reach it, such as `http://198.18.0.2:39045`.
    pub fn discovery(&self) -> PathBuf {
        self.root.join("discovery")
    }

    /// The discovery service's tokens and members.
    pub fn discovery_state(&self) -> PathBuf {
        self.root.join("discovery.json")
    }

    /// One folder per virtual machine: disks, console, first-boot configuration, sockets.
    pub fn machines(&self) -> PathBuf {
        self.root.join("machines")
    }
}
