//! The support archive: everything that helps others to find out what is wrong with a cluster, without its secrets.

mod archive;
mod collect;
mod redactor;
mod table;

pub(crate) use archive::Archive;

use anyhow::Context as _;

use super::Diagnosis;
use crate::Platform;
use archive::Entry;
use redactor::Redactor;

const README: &str = "\
What `platformctl doctor --bundle-logs` collected. doctor.json is its diagnosis; nodes/ has each node's states and the end of
its journal, logs/ the end of each container's output, swarm/ what the managers know.

Secrets were taken out where they were recognised: values of settings and of apps' configuration, swarm tokens, private keys,
passwords in addresses, authorization headers. Look through it before you give it to others: programs write into their logs
what they like.
";

/// Collects from the nodes that answer, takes secrets out, and writes the archive; returns its size in bytes.
pub(crate) async fn write(platform: &Platform, diagnosis: &Diagnosis, archive: Archive) -> anyhow::Result<u64> {
    let reachable = platform.cluster.only(|node| !diagnosis.unreachable.iter().any(|name| name == node.name()));
    let collected = collect::collect(&Platform::new(reachable)).await;
    let redactor = Redactor::new(collected.secrets);
    let findings = serde_json::to_string_pretty(&diagnosis.findings).context("writing the diagnosis as JSON")?;
    let entry = |path: &str, content: String| Entry { path: path.into(), content };
    let mut entries = vec![
        entry("README.txt", README.to_owned()),
        entry("version.txt", format!("platformctl {}\n", env!("CARGO_PKG_VERSION"))),
        entry("doctor.json", findings),
    ];
    entries.extend(collected.entries);
    for entry in entries.iter_mut().skip(1) {
        entry.content = redactor.redact(&entry.content);
    }
    archive.finish(&format!("{}-support", platform.cluster.name()), &entries)
}
