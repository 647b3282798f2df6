//! Where a run begins: what an emulator and a cluster's directory hold, kept once and put back before each run, which is much
//! quicker than the commands that lead there.

use std::os::unix::fs::DirBuilderExt as _;

use tempfile::TempDir;

use crate::directory::copy;
use crate::sandbox::Sandbox;

/// What the emulator knows.
const RESOURCES: &str = "azure-local/resources.jsonl";

pub(crate) struct Beginning {
    folder: TempDir,
    cluster: String,
}

impl Beginning {
    /// Keeps what there is, of a cluster that may not have a directory yet.
    pub(crate) fn keep(sandbox: &Sandbox, cluster: &str) -> Self {
        let beginning = Self { folder: tempfile::tempdir().unwrap(), cluster: cluster.to_owned() };
        copy(&sandbox.path(RESOURCES), &beginning.folder.path().join("resources.jsonl"));
        if sandbox.cluster(cluster).exists() {
            copy(&sandbox.cluster(cluster), &beginning.folder.path().join("cluster"));
        }
        beginning
    }

    /// Brings all of it back, and nothing else, under an emulator of its own.
    pub(crate) fn put_back(&self, sandbox: &mut Sandbox, emulator: &[&str]) {
        sandbox.kill_emulator();
        for folder in ["azure-local", "state"] {
            let folder = sandbox.path(folder);
            if folder.exists() {
                std::fs::remove_dir_all(folder).unwrap();
            }
        }
        std::fs::create_dir(sandbox.path("azure-local")).unwrap();
        copy(&self.folder.path().join("resources.jsonl"), &sandbox.path(RESOURCES));
        let (kept, cluster) = (self.folder.path().join("cluster"), sandbox.cluster(&self.cluster));
        if kept.exists() {
            std::fs::DirBuilder::new().recursive(true).mode(0o700).create(cluster.parent().unwrap()).unwrap();
            copy(&kept, &cluster);
        }
        sandbox.start_emulator(emulator);
    }
}
