//! References of images, as users write them and as Docker takes them.
//! <https://github.com/distribution/reference/blob/main/reference.go>

/// Where every node reaches the cluster's own registry.
const OWN_REGISTRY: &str = "127.0.0.1:5000/";
/// How users write it.
const OWN_PREFIX: &str = "registry/";
const LONGEST: usize = 255;

/// A text that names no image.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` names no image; write NAME:TAG, registry/NAME:TAG for the cluster's own registry, or HOST/NAME:TAG")]
pub(super) struct InvalidImage(String);

/// The reference that Docker takes: `registry/hello:1` is the cluster's own `127.0.0.1:5000/hello:1`; without a tag or
/// digest it is `:latest`.
pub(super) fn reference(text: &str) -> Result<String, InvalidImage> {
    let full = match text.strip_prefix(OWN_PREFIX) {
        Some(rest) => format!("{OWN_REGISTRY}{rest}"),
        None => text.to_owned(),
    };
    let (named, digest) = match full.split_once('@') {
        Some((named, digest)) => (named, Some(digest)),
        None => (full.as_str(), None),
    };
    let (repository, tag) = repository_and_tag(named);
    let (host, path) = host_and_path(repository);
    let hex = |text: &str| text.len() == 64 && text.chars().all(|c| c.is_ascii_digit() || ('a'..='f').contains(&c));
    let right = full.len() <= LONGEST
        && host.is_none_or(|host| {
            !host.is_empty() && host.chars().all(|c| c.is_ascii_alphanumeric() || ".-:[]".contains(c))
        })
        && path.split('/').all(is_component)
        && tag.is_none_or(is_tag)
        && digest.is_none_or(|digest| digest.strip_prefix("sha256:").is_some_and(hex));
    match (right, tag, digest) {
        (false, ..) => Err(InvalidImage(text.to_owned())),
        (true, None, None) => Ok(format!("{full}:latest")),
        _ => Ok(full),
    }
}

/// Whether the image is the cluster's own registry's.
pub(super) fn is_own(reference: &str) -> bool {
    reference.starts_with(OWN_REGISTRY)
}

/// A reference without the place of the cluster's own registry: `hello:1`.
pub(super) fn without_own_registry(reference: &str) -> &str {
    reference.strip_prefix(OWN_REGISTRY).unwrap_or(reference)
}

/// `reference` by digest, when one of the `digests` that Docker knows (`hello@sha256:…`) is of its repository; the tag
/// stays for people.
pub(super) fn pinned(reference: &str, digests: &[String]) -> Option<String> {
    if reference.contains('@') {
        return Some(reference.to_owned());
    }
    let (repository, _) = repository_and_tag(reference);
    let of_repository =
        |known: &&String| known.split_once('@').is_some_and(|(name, _)| familiar(name) == familiar(repository));
    let digest = digests.iter().find(of_repository)?.split_once('@')?.1;
    Some(format!("{reference}@{digest}"))
}

/// A reference as people read it: no digest, and the cluster's own registry by its name.
pub fn title(reference: &str) -> String {
    let named = reference.split_once('@').map_or(reference, |(named, _)| named);
    match named.strip_prefix(OWN_REGISTRY) {
        Some(rest) => format!("{OWN_PREFIX}{rest}"),
        None => named.to_owned(),
    }
}

/// Repository and tag of a reference without digest; a colon before the last slash is a port's.
pub(super) fn repository_and_tag(named: &str) -> (&str, Option<&str>) {
    match named.rsplit_once(':') {
        Some((repository, tag)) if !tag.contains('/') => (repository, Some(tag)),
        _ => (named, None),
    }
}

fn host_and_path(repository: &str) -> (Option<&str>, &str) {
    match repository.split_once('/') {
        Some((host, path)) if host.contains(['.', ':']) || host == "localhost" => (Some(host), path),
        _ => (None, repository),
    }
}

/// Docker Hub's long names in the short form that Docker shows.
fn familiar(repository: &str) -> &str {
    let rest = ["docker.io/", "index.docker.io/"].iter().find_map(|host| repository.strip_prefix(host));
    let rest = rest.unwrap_or(repository);
    rest.strip_prefix("library/").unwrap_or(rest)
}

fn is_component(text: &str) -> bool {
    let is_end = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    text.starts_with(is_end) && text.ends_with(is_end) && text.chars().all(|c| is_end(c) || "._-".contains(c))
}

fn is_tag(text: &str) -> bool {
    text.len() <= 128
        && text.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_')
        && text.chars().all(|c| c.is_ascii_alphanumeric() || "._-".contains(c))
}

#[cfg(test)]
mod tests {
    use super::*;

    const DIGEST: &str = "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";

    #[test]
    fn references() {
        let with_digest = format!("hello@{DIGEST}");
        for (text, expected) in [
            ("hello:1", Some("hello:1")),
            ("hello", Some("hello:latest")),
            ("registry/hello:1", Some("127.0.0.1:5000/hello:1")),
            ("registry/team/hello", Some("127.0.0.1:5000/team/hello:latest")),
            ("ghcr.io/team/hello:v1.2_3", Some("ghcr.io/team/hello:v1.2_3")),
            ("example.test:5000/hello", Some("example.test:5000/hello:latest")),
            (with_digest.as_str(), Some(with_digest.as_str())),
            ("", None),
            ("registry/", None),
            ("Hello:1", None),
            ("hello:", None),
            ("hello world", None),
            ("hello:1 --privileged", None),
            ("hello@sha256:12", None),
            ("a//b", None),
        ] {
            assert_eq!(reference(text).ok().as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn digests_of_the_same_repository_pin() {
        let pin = |repository: &str| format!("{repository}@{DIGEST}");
        for (reference, known, expected) in [
            ("hello:1", vec![pin("hello")], Some(format!("hello:1@{DIGEST}"))),
            ("docker.io/library/hello:1", vec![pin("hello")], Some(format!("docker.io/library/hello:1@{DIGEST}"))),
            (
                "127.0.0.1:5000/hello:1",
                vec![pin("hello"), pin("127.0.0.1:5000/hello")],
                Some(format!("127.0.0.1:5000/hello:1@{DIGEST}")),
            ),
            ("127.0.0.1:5000/hello:1", vec![pin("hello")], None),
            ("hello:1", vec![], None),
        ] {
            assert_eq!(pinned(reference, &known), expected, "{reference}");
        }
        assert_eq!(title(&format!("127.0.0.1:5000/hello:1@{DIGEST}")), "registry/hello:1");
    }
}
