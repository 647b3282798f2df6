//! One image as one node's Docker has it.

use std::time::Duration;

use bollard::errors::Error;
use bollard::models::ImageInspect;
use bollard::query_parameters::{PushImageOptionsBuilder, TagImageOptionsBuilder};
use futures::TryStreamExt as _;

use super::{image, port};
use nodes::cluster::{DockerError, Node};

/// A large image into a registry whose disk is slow.
const PUSH_TIMEOUT: Duration = Duration::from_secs(30 * 60);

/// An image on one node.
#[derive(Clone, Debug)]
pub(super) struct OnNode {
    pub id: String,
    pub digests: Vec<String>,
    /// TCP ports that it exposes.
    pub exposed: Vec<u16>,
}

impl OnNode {
    /// The image, if the node has it.
    pub(super) async fn find(node: &Node, reference: &str) -> Result<Option<Self>, DockerError> {
        match Self::demand(node, reference, reference).await {
            Ok(found) => Ok(Some(found)),
            Err(error) if error.is_not_found() => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The image, which users call `text`; Docker's own words when it is not there.
    pub(super) async fn demand(node: &Node, reference: &str, text: &str) -> Result<Self, DockerError> {
        let doing = format!("looking for image `{text}`");
        let found = node.ask(&doing, |docker| async move { docker.inspect_image(reference).await }).await?;
        Self::read(found).map_err(|lacking| DockerError::new(node.name(), &doing, lacking))
    }

    fn read(found: ImageInspect) -> Result<Self, Error> {
        let lacking = || Error::DockerStreamError { error: "Docker's answer has no `Id` of the image".into() };
        Ok(Self {
            id: found.id.filter(|id| !id.is_empty()).ok_or_else(lacking)?,
            digests: found.repo_digests.unwrap_or_default(),
            exposed: port::exposed(&found.config.and_then(|config| config.exposed_ports).unwrap_or_default()),
        })
    }
}

/// Gives an image that the node has another name.
pub(super) async fn tag(node: &Node, source: &str, reference: &str) -> Result<(), DockerError> {
    let (repository, tag) = image::repository_and_tag(reference);
    let options = TagImageOptionsBuilder::default().repo(repository).tag(tag.unwrap_or("latest")).build();
    let tagged = node.ask(format!("tagging image `{source}` as `{reference}`"), |docker| {
        let options = options.clone();
        async move { docker.tag_image(source, Some(options)).await }
    });
    tagged.await
}

/// Pushes an image to the registry that its name says.
pub(super) async fn push(node: &Node, reference: &str) -> Result<(), DockerError> {
    let (repository, tag) = image::repository_and_tag(reference);
    let options = PushImageOptionsBuilder::default().tag(tag.unwrap_or("latest")).build();
    let pushed = node.ask(format!("pushing image `{reference}`"), |mut docker| {
        let options = options.clone();
        async move {
            docker.set_timeout(PUSH_TIMEOUT);
            docker.push_image(repository, Some(options), None).try_for_each(|_| async { Ok(()) }).await
        }
    });
    pushed.await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_without_an_id_is_none() {
        let read = |json: &str| OnNode::read(serde_json::from_str(json).unwrap());
        assert_eq!(read(r#"{"Id":"sha256:aa"}"#).unwrap().id, "sha256:aa");
        for json in ["{}", r#"{"Id":""}"#, r#"{"RepoDigests":["x@sha256:ff"]}"#] {
            assert!(read(json).unwrap_err().to_string().contains("has no `Id`"), "{json}");
        }
    }
}
