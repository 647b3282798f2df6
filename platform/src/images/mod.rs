//! Container images on nodes: pulled from registries, or loaded from archives over SSH for clusters that reach none.
//! Every node gets every image before a service that needs it starts, so that a task that moves to another node starts
//! at once, with the registry up or not.

mod archive;
mod own;
mod share;

pub(crate) use archive::{Archive, ArchiveError};
pub(crate) use own::beside_the_program;
pub(crate) use share::share;

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use bollard::Docker;
use bollard::errors::Error;
use bollard::query_parameters::{CreateImageOptionsBuilder, ImportImageOptions};
use futures::future::join_all;
use futures::{Stream, TryStreamExt as _};
use tokio::sync::Semaphore;
use tokio_util::bytes::Bytes;
use tokio_util::io::ReaderStream;

use nodes::cluster::{DockerError, Node};
use report::{Event, Reporter};

/// A large image over a slow line.
const TRANSFER_TIMEOUT: Duration = Duration::from_secs(30 * 60);

/// An image that a node does not have and cannot get.
#[derive(Clone, Debug)]
pub(crate) struct MissingImage {
    pub image: String,
    pub node: String,
    pub error: DockerError,
}

/// The id of `image` on a node; none when it is not there.
pub(crate) async fn id_on(node: &Node, image: &str) -> Result<Option<String>, DockerError> {
    let found =
        node.ask(format!("looking for image `{image}`"), |docker| async move { docker.inspect_image(image).await });
    match found.await {
        Ok(found) => Ok(found.id),
        Err(error) if error.is_not_found() => Ok(None),
        Err(error) => Err(error),
    }
}

/// Gives every node every image: what is there stays, what an archive holds is loaded, the rest is pulled. All nodes at
/// once, but never most members of etcd: they answer late while they unpack, and the cluster's lock would be lost. Returns
/// what is missing then.
pub(crate) async fn provide(
    nodes: &[Node],
    images: &BTreeSet<String>,
    archives: &[Archive],
    reporter: &Reporter,
) -> Vec<MissingImage> {
    let members = Semaphore::new(members_at_once(nodes.iter().filter(|node| node.is_etcd_member()).count()));
    let provide_one = async |node: &Node| {
        // The semaphore is never closed.
        let _turn = if node.is_etcd_member() { members.acquire().await.ok() } else { None };
        provide_on(node, images, archives, reporter).await
    };
    let missing = join_all(nodes.iter().map(provide_one)).await;
    missing.into_iter().flatten().collect()
}

/// How many of so many members of etcd may be busy, so that most are not.
fn members_at_once(members: usize) -> usize {
    (members.saturating_sub(1) / 2).max(1)
}

async fn provide_on(
    node: &Node,
    images: &BTreeSet<String>,
    archives: &[Archive],
    reporter: &Reporter,
) -> Vec<MissingImage> {
    let mut missing = Vec::new();
    for image in images {
        let archive = archives.iter().find(|archive| archive.id_of(image).is_some());
        let provided = match id_on(node, image).await {
            Ok(Some(id)) if archive.is_none_or(|archive| archive.id_of(image) == Some(&id)) => Ok(()),
            Err(error) => Err(error),
            // Somebody else's image of that name is none of ours.
            Ok(_) if archive.is_none() && own::is_own(image) => {
                let said = Error::DockerResponseServerError { status_code: 404, message: own::where_from() };
                Err(DockerError::new(node.name(), &format!("looking for image `{image}`"), said))
            }
            Ok(_) => {
                let action = if archive.is_some() { "load" } else { "pull" };
                let what = match archive.and_then(|archive| archive.path().file_name()) {
                    Some(file) => file.to_string_lossy().into_owned(),
                    None => image.clone(),
                };
                let resource = format!("{what} on {}", node.name());
                reporter.event(Event::StepStarted { resource: resource.clone(), action });
                let started = Instant::now();
                let provided = match archive {
                    Some(archive) => load(node, archive).await,
                    None => pull(node, image).await,
                };
                match &provided {
                    Ok(()) => {
                        let seconds = started.elapsed().as_secs_f64();
                        reporter.event(Event::StepFinished { resource, action, seconds });
                    }
                    Err(error) => {
                        reporter.event(Event::StepFailed { resource, error: error.message() });
                    }
                }
                provided
            }
        };
        if let Err(error) = provided {
            missing.push(MissingImage { image: image.clone(), node: node.name().to_owned(), error });
        }
    }
    missing
}

/// Pulls an image from its registry.
pub(crate) async fn pull(node: &Node, image: &str) -> Result<(), DockerError> {
    // Docker takes a name without a tag for all tags.
    let options = CreateImageOptionsBuilder::default().from_image(&with_tag(image)).build();
    let pulled = node.ask(format!("pulling image `{image}`"), |mut docker| {
        let options = options.clone();
        async move {
            docker.set_timeout(TRANSFER_TIMEOUT);
            docker.create_image(Some(options), None, None).try_for_each(|_| async { Ok(()) }).await
        }
    });
    pulled.await
}

/// Loads all images of an archive.
pub(crate) async fn load(node: &Node, archive: &Archive) -> Result<(), DockerError> {
    let loaded = node.ask(format!("loading `{}`", archive.path().display()), |mut docker| async move {
        docker.set_timeout(TRANSFER_TIMEOUT);
        let file = tokio::fs::File::open(archive.path()).await?;
        unpack(&docker, ReaderStream::new(file)).await
    });
    loaded.await
}

/// Has Docker take all images of an archive, as it is read.
async fn unpack<E>(docker: &Docker, archive: impl Stream<Item = Result<Bytes, E>> + Send + 'static) -> Result<(), Error>
where
    E: Into<Box<dyn std::error::Error + Send + Sync>> + 'static,
{
    let options = ImportImageOptions::default();
    docker.import_image_stream(options, archive, None).try_for_each(|_| async { Ok(()) }).await
}

/// `image` with the tag `latest` when it has neither tag nor digest.
fn with_tag(image: &str) -> String {
    let last = image.rsplit('/').next().unwrap_or(image);
    if last.contains(':') || last.contains('@') { image.to_owned() } else { format!("{image}:latest") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn most_members_of_etcd_are_left_alone() {
        for (members, expected) in [(0, 1), (1, 1), (2, 1), (3, 1), (4, 1), (5, 2), (7, 3)] {
            assert_eq!(members_at_once(members), expected, "{members}");
        }
    }

    #[test]
    fn names_get_a_tag() {
        for (image, expected) in [
            ("hello", "hello:latest"),
            ("hello:1", "hello:1"),
            ("127.0.0.1:5000/hello", "127.0.0.1:5000/hello:latest"),
            ("127.0.0.1:5000/hello:2", "127.0.0.1:5000/hello:2"),
            ("hello@sha256:00", "hello@sha256:00"),
        ] {
            assert_eq!(with_tag(image), expected);
        }
    }
}
