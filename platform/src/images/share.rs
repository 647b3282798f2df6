//! Images from node to node, for nodes that come later: archives may be gone by then, and registries out of reach.

use std::collections::BTreeSet;
use std::time::Instant;

use bollard::Docker;
use bollard::errors::Error;
use futures::channel::mpsc;
use futures::{SinkExt as _, StreamExt as _, stream};
use tokio_util::bytes::Bytes;

use super::{TRANSFER_TIMEOUT, id_on, unpack};
use nodes::cluster::{DockerError, Node};
use report::{Event, Reporter};

/// Nodes that are given images together: whoever packs and unpacks answers late, and all of it travels by one line.
const MOST_AT_ONCE: usize = 2;
/// Pieces of an archive that are read before the last one is written.
const PIECES_AHEAD: usize = 4;

/// Gives each of `to` those images that one of `from` has; an image that a registry is to be asked for, by its digest, is
/// left to that. Returns, in words, what could not be given.
pub(crate) async fn share(from: &[Node], to: &[Node], images: &BTreeSet<String>, reporter: &Reporter) -> Vec<String> {
    let given = to.iter().enumerate().map(|(index, node)| {
        // Not all of them ask the same node first, and members of etcd last.
        let mut from = from.to_vec();
        let first = index % from.len().max(1);
        from.rotate_left(first);
        from.sort_by_key(Node::is_etcd_member);
        async move { give(&from, node, images, reporter).await }
    });
    let given: Vec<Vec<String>> = stream::iter(given).buffer_unordered(MOST_AT_ONCE).collect().await;
    given.into_iter().flatten().collect()
}

/// All that one node has travels together: layers that images have in common are in it once.
async fn give(from: &[Node], to: &Node, images: &BTreeSet<String>, reporter: &Reporter) -> Vec<String> {
    let mut missing = Vec::new();
    for image in images.iter().filter(|image| !image.contains('@')) {
        if !matches!(id_on(to, image).await, Ok(Some(_))) {
            missing.push(image.clone());
        }
    }
    let mut reasons = Vec::new();
    for source in from {
        let mut there = Vec::new();
        for image in &missing {
            if matches!(id_on(source, image).await, Ok(Some(_))) {
                there.push(image.clone());
            }
        }
        if there.is_empty() {
            continue;
        }
        let resource = format!("{} on {}", there.join(", "), to.name());
        reporter.event(Event::StepStarted { resource: resource.clone(), action: "copy" });
        let started = Instant::now();
        match copy(source, to, &there).await {
            Ok(()) => {
                let seconds = started.elapsed().as_secs_f64();
                reporter.event(Event::StepFinished { resource, action: "copy", seconds });
                missing.retain(|image| !there.contains(image));
            }
            Err(error) => {
                reasons.push(error.to_string());
                reporter.event(Event::StepFailed { resource, error: error.message() });
            }
        }
    }
    let why = reasons.pop().unwrap_or_else(|| "no node that answers has it".to_owned());
    missing.iter().map(|image| format!("image `{image}` for {}: {why}", to.name())).collect()
}

/// They travel by way of whoever calls this: nodes have no keys for each other.
async fn copy(from: &Node, to: &Node, images: &[String]) -> Result<(), DockerError> {
    let mut source = from.docker().await?;
    source.set_timeout(TRANSFER_TIMEOUT);
    let copied = to.ask(format!("copying images from {}", from.name()), |mut docker| {
        let archive = archive(source.clone(), images.to_vec());
        async move {
            docker.set_timeout(TRANSFER_TIMEOUT);
            unpack(&docker, archive).await
        }
    });
    copied.await
}

/// The images as Docker saves them, a few pieces at a time; nobody reading any more ends it.
fn archive(source: Docker, images: Vec<String>) -> mpsc::Receiver<Result<Bytes, Error>> {
    let (mut sender, receiver) = mpsc::channel(PIECES_AHEAD);
    tokio::spawn(async move {
        let names: Vec<&str> = images.iter().map(String::as_str).collect();
        let mut pieces = std::pin::pin!(source.export_images(&names));
        while let Some(piece) = pieces.next().await {
            if sender.send(piece).await.is_err() {
                return;
            }
        }
    });
    receiver
}
