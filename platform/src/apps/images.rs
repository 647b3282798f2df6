//! The images of a release on all nodes, and by which reference each is the same everywhere and for ever: its digest
//! when it came from a registry, else its id, for which no node asks a stranger's registry.

use std::collections::{BTreeMap, BTreeSet};

use futures::future::join_all;

use super::image;
use super::image_on_node::{OnNode, push, tag};
use crate::Platform;
use crate::images::{self, Archive, MissingImage};
use diagnostics::{Origin, Problems};
use nodes::cluster::{DockerError, Node};
use report::mark::DEGRADED;
use report::{Event, Failure, Reporter};

/// An image that every node has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Found {
    /// What the swarm is given.
    pub pinned: String,
    /// TCP ports that it exposes.
    pub exposed: Vec<u16>,
}

/// Where images come from and go to.
pub(super) struct Images<'a> {
    pub platform: &'a Platform,
    pub reporter: &'a Reporter,
}

impl Images<'_> {
    /// Gives every node that answers each image, and says how to name it. Images are as users write them.
    pub(super) async fn provide(
        &self,
        wanted: &BTreeSet<&str>,
        archive: Option<&Archive>,
    ) -> Result<BTreeMap<String, Found>, Failure> {
        let references = references(wanted)?;
        let nodes = self.nodes().await?;
        if let Some(archive) = archive {
            for reference in references.values() {
                self.unpack(&nodes, archive, reference).await?;
            }
        }
        let mut provided = BTreeMap::new();
        for (text, reference) in references {
            let on_nodes =
                join_all(nodes.iter().map(|node| self.provide_on(node, &reference, archive.is_some()))).await;
            let mut found = Vec::new();
            let mut missing = Vec::new();
            for (node, on_node) in nodes.iter().zip(on_nodes) {
                match on_node {
                    Ok(on_node) => found.push((node.name(), on_node)),
                    Err(error) => missing.push(missing_image(&text, node, error)),
                }
            }
            if !missing.is_empty() {
                return Err(unavailable(missing));
            }
            provided.insert(text.clone(), one_for_all(&text, &reference, &found)?);
        }
        Ok(provided)
    }

    /// Gives every node that answers what an earlier release ran: pinned references.
    pub(super) async fn provide_again(&self, pinned: &BTreeMap<String, String>) -> Result<(), Failure> {
        let nodes = self.nodes().await?;
        let mut missing = Vec::new();
        for (text, reference) in pinned {
            let on_nodes = join_all(nodes.iter().map(|node| async move {
                match OnNode::find(node, reference).await {
                    Ok(Some(_)) => Ok(()),
                    // Docker's own words say that it is gone.
                    Ok(None) if reference.starts_with("sha256:") => {
                        OnNode::demand(node, reference, text).await.map(drop)
                    }
                    Ok(None) => self.pull(node, reference, text).await,
                    Err(error) => Err(error),
                }
            }));
            for (node, on_node) in nodes.iter().zip(on_nodes.await) {
                missing.extend(on_node.err().map(|error| missing_image(text, node, error)));
            }
        }
        if missing.is_empty() { Ok(()) } else { Err(unavailable(missing)) }
    }

    /// Nodes that answer; those that do not can have no task either.
    async fn nodes(&self) -> Result<Vec<Node>, Failure> {
        let (nodes, errors) = self.platform.cluster.connect().await;
        if nodes.is_empty() {
            return Err(self.platform.cluster.unreachable(errors));
        }
        for (node, error) in errors {
            self.reporter.note(format!("{DEGRADED} {node} does not answer, so it is left out: {error}"));
        }
        Ok(nodes)
    }

    async fn provide_on(&self, node: &Node, reference: &str, loaded: bool) -> Result<OnNode, DockerError> {
        let present = OnNode::find(node, reference).await?;
        // A tag of a registry may have a newer content by now; what an archive brought is what is wanted.
        let is_wanted = reference.contains('@') || (loaded && !image::is_own(reference));
        match present {
            // What has no digest never came from a registry, so there is none to ask.
            Some(present) if is_wanted || present.digests.is_empty() => Ok(present),
            Some(present) => match self.pull(node, reference, reference).await {
                Ok(()) => Ok(OnNode::find(node, reference).await?.unwrap_or(present)),
                Err(error) if error.unreachable().is_some() => Err(error),
                // The registry is not there now; the image is.
                Err(_) => Ok(present),
            },
            None => {
                self.pull(node, reference, reference).await?;
                OnNode::demand(node, reference, reference).await
            }
        }
    }

    async fn pull(&self, node: &Node, reference: &str, text: &str) -> Result<(), DockerError> {
        let what = format!("{} on {}", image::title(text), node.name());
        self.step(&what, "pull", images::pull(node, reference)).await
    }

    async fn step<T>(
        &self,
        what: &str,
        action: &'static str,
        work: impl Future<Output = Result<T, DockerError>>,
    ) -> Result<T, DockerError> {
        let started = std::time::Instant::now();
        self.reporter.event(Event::StepStarted { resource: what.to_owned(), action });
        let result = work.await;
        self.reporter.event(match &result {
            Ok(_) => {
                Event::StepFinished { resource: what.to_owned(), action, seconds: started.elapsed().as_secs_f64() }
            }
            Err(error) => Event::StepFailed { resource: what.to_owned(), error: error.message() },
        });
        result
    }

    /// Makes `reference` out of an archive: on all nodes, or in the cluster's own registry.
    async fn unpack(&self, nodes: &[Node], archive: &Archive, reference: &str) -> Result<(), Failure> {
        let packed = packed_name(archive, reference)?;
        let id = archive.id_of(&packed).cloned().unwrap_or_default();
        let one = nodes.get(..1).unwrap_or_default();
        let load = |node: Node| {
            let (packed, id) = (packed.clone(), id.clone());
            async move {
                let present = OnNode::find(&node, &packed).await?;
                if present.is_none_or(|present| present.id != id) {
                    let what = format!("{packed} on {}", node.name());
                    self.step(&what, "load", images::load(&node, archive)).await?;
                }
                if packed == reference { Ok(()) } else { tag(&node, &packed, reference).await }
            }
        };
        let targets = if image::is_own(reference) { one } else { nodes };
        for loaded in join_all(targets.iter().cloned().map(load)).await {
            loaded?;
        }
        if let (true, [node]) = (image::is_own(reference), one) {
            let what = format!("{} from {}", image::title(reference), node.name());
            self.step(&what, "push", push(node, reference)).await.map_err(|error| {
                if error.unreachable().is_some() {
                    return Failure::from(error);
                }
                Failure::Unhealthy {
                    reasons: vec![error.to_string()],
                    hint: "the cluster's own registry must run: platformctl status registry".into(),
                }
            })?;
        }
        Ok(())
    }
}

/// The reference of each image, or every mistake in them.
fn references(wanted: &BTreeSet<&str>) -> Result<BTreeMap<String, String>, Failure> {
    let mut problems = Problems::new();
    let mut references = BTreeMap::new();
    for text in wanted {
        if let Some(reference) = problems.take(Origin::Flag("IMAGE"), image::reference(text)) {
            references.insert((*text).to_owned(), reference);
        }
    }
    if problems.is_empty() { Ok(references) } else { Err(problems.into()) }
}

/// The name in the archive that stands for `reference`: the same name, else the only one.
fn packed_name(archive: &Archive, reference: &str) -> Result<String, Failure> {
    let wanted = image::without_own_registry(reference);
    let names: Vec<&str> = archive.names().collect();
    let same = names.iter().find(|name| [wanted, reference].contains(name));
    match (same, names.as_slice()) {
        (Some(name), _) | (None, [name]) => Ok((*name).to_owned()),
        (None, several) => {
            let mut problems = Problems::new();
            let message = format!("`{}` holds no `{wanted}`, but {}", archive.path().display(), several.join(", "));
            problems.add(Origin::Flag("--archive"), message);
            Err(problems.into())
        }
    }
}

/// The one reference of an image that nodes have.
fn one_for_all(text: &str, reference: &str, found: &[(&str, OnNode)]) -> Result<Found, Failure> {
    let exposed = found.first().map(|(_, on_node)| on_node.exposed.clone()).unwrap_or_default();
    if let Some(pinned) = found.iter().find_map(|(_, on_node)| image::pinned(reference, &on_node.digests)) {
        return Ok(Found { pinned, exposed });
    }
    let ids: BTreeSet<&str> = found.iter().map(|(_, on_node)| on_node.id.as_str()).collect();
    match ids.into_iter().collect::<Vec<_>>().as_slice() {
        [id] => Ok(Found { pinned: (*id).to_owned(), exposed }),
        several => {
            let of = |id: &&str| {
                let nodes: Vec<&str> =
                    found.iter().filter(|(_, on_node)| on_node.id == **id).map(|(node, _)| *node).collect();
                format!("{} on {}", short(id), nodes.join(", "))
            };
            let listed: Vec<String> = several.iter().map(of).collect();
            Err(Failure::Unhealthy {
                reasons: vec![format!("image `{text}` is not the same on all nodes: {}", listed.join("; "))],
                hint: "--archive FILE loads one and the same on all nodes; registry/NAME:TAG is one for all".into(),
            })
        }
    }
}

/// An id as Docker shows it.
fn short(id: &str) -> &str {
    let hex = id.strip_prefix("sha256:").unwrap_or(id);
    hex.get(..12).unwrap_or(hex)
}

fn missing_image(text: &str, node: &Node, error: DockerError) -> MissingImage {
    MissingImage { image: text.to_owned(), node: node.name().to_owned(), error }
}

/// One line for nodes that say the same of an image.
fn unavailable(missing: Vec<MissingImage>) -> Failure {
    if let Some(lost) = missing.iter().find(|missing| missing.error.unreachable().is_some()) {
        return lost.error.clone().into();
    }
    let mut said: BTreeMap<(String, String), Vec<String>> = BTreeMap::new();
    for MissingImage { image, node, error } in missing {
        said.entry((image, error.message())).or_default().push(node);
    }
    let line = |((image, words), nodes): ((String, String), Vec<String>)| {
        format!("image `{image}` is not there for {}: {words}", nodes.join(", "))
    };
    Failure::Unhealthy {
        reasons: said.into_iter().map(line).collect(),
        hint: "check the name; nodes must reach the image's registry without signing in, or take it from \
               --archive FILE (as `docker save` writes it); registry/NAME:TAG is the cluster's own registry"
            .into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_reference_for_all_nodes() {
        let on = |id: &str, digests: &[&str]| OnNode {
            id: id.into(),
            digests: digests.iter().map(|digest| (*digest).to_owned()).collect(),
            exposed: vec![8000],
        };
        for (found, expected) in [
            (vec![("n0", on("sha256:aa", &[])), ("n1", on("sha256:aa", &[]))], Ok("sha256:aa")),
            (vec![("n0", on("sha256:aa", &[])), ("n1", on("sha256:aa", &["x@sha256:ff"]))], Ok("x:1@sha256:ff")),
            (vec![("n0", on("sha256:aa", &["y@sha256:ff"]))], Ok("sha256:aa")),
            (
                vec![("n0", on("sha256:aa", &[])), ("n1", on("sha256:bb", &[])), ("n2", on("sha256:aa", &[]))],
                Err("image `x:1` is not the same on all nodes: aa on n0, n2; bb on n1"),
            ),
        ] {
            match (one_for_all("x:1", "x:1", &found), expected) {
                (Ok(found), Ok(expected)) => assert_eq!((found.pinned.as_str(), found.exposed), (expected, vec![8000])),
                (Err(failure), Err(expected)) => {
                    assert!(failure.to_string().contains(expected) && failure.exit_code() == 8, "{failure}");
                }
                (found, _) => panic!("{found:?}"),
            }
        }
    }
}
