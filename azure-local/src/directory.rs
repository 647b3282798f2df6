//! Where the emulator keeps what must outlive a process: one folder, named here and nowhere else.

use std::path::{Path, PathBuf};

/// The emulator's folder. What is named here belongs to the emulator and is removed by `reset`.
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

    /// Holds the UDP port of the machines' time server.
    pub fn time_server(&self) -> PathBuf {
        self.root.join("time-server")
    }

    /// The options that its daemon was started with last, one a line.
    pub fn arguments(&self) -> PathBuf {
        self.root.join("arguments")
    }

    /// Every file that an emulator makes here, with those that it renames into place. What it makes besides is in
    /// [`Self::machines`].
    pub fn files(&self) -> Vec<PathBuf> {
        let replaced = [self.endpoint(), self.token(), self.resources()];
        let beside = [
            self.process_id(),
            self.log(),
            self.discovery(),
            self.discovery_state(),
            self.time_server(),
            self.arguments(),
        ];
        let temporary = ["endpoint.new", "token.new", "resources.jsonl.new"].map(|name| self.root.join(name));
        replaced.into_iter().chain(beside).chain(temporary).collect()
    }

    /// The machines' disks, in a folder that is there once machines could run.
    pub fn disks(&self) -> PathBuf {
        self.machines().join("disks")
    }

    /// One folder per virtual machine: disks, console, first-boot configuration, sockets.
    pub fn machines(&self) -> PathBuf {
        self.root.join("machines")
    }
}
