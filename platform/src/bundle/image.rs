//! Names of images that say which version they mean.

/// Says what is wrong with a name: `[HOST[:PORT]/]PATH:TAG`, `…@sha256:…`; a version must be there, and `latest` is none.
///
/// <https://pkg.go.dev/github.com/distribution/reference>
pub(super) fn check(image: &str) -> Result<(), String> {
    let (name, digest) = match image.split_once('@') {
        Some((name, digest)) => (name, Some(digest)),
        None => (image, None),
    };
    let start = name.rfind('/').map_or(0, |slash| slash + 1);
    let (path, tag) = match name[start..].split_once(':') {
        Some((last, tag)) => (&name[..start + last.len()], Some(tag)),
        None => (name, None),
    };
    let parts: Vec<&str> = path.split('/').collect();
    let (host, parts) = match parts.as_slice() {
        [host, rest @ ..] if !rest.is_empty() && (host.contains(['.', ':']) || *host == "localhost") => {
            (Some(*host), rest)
        }
        parts => (None, parts),
    };
    let is_part = |part: &&str| {
        part.starts_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit())
            && part.ends_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit())
            && part.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || "._-".contains(c))
    };
    let is_host = |host: &str| {
        let (name, port) = host.split_once(':').unwrap_or((host, "443"));
        !name.is_empty()
            && name.chars().all(|c| c.is_ascii_alphanumeric() || ".-".contains(c))
            && port.parse::<u16>().is_ok()
    };
    let is_tag = |tag: &str| {
        (1..=128).contains(&tag.len())
            && tag.chars().all(|c| c.is_ascii_alphanumeric() || "._-".contains(c))
            && !tag.starts_with(['.', '-'])
    };
    let is_digest = |digest: &str| {
        digest.strip_prefix("sha256:").is_some_and(|hex| hex.len() == 64 && hex.chars().all(|c| c.is_ascii_hexdigit()))
    };
    if !parts.iter().all(is_part)
        || !host.is_none_or(is_host)
        || !tag.is_none_or(is_tag)
        || !digest.is_none_or(is_digest)
    {
        return Err(format!("`{image}` is not an image's name such as `registry:2.8.3`"));
    }
    match (tag, digest) {
        (_, Some(_)) => Ok(()),
        (Some("latest"), None) => {
            Err(format!("`{image}`: `latest` is another image every day; name a version, such as `registry:2.8.3`"))
        }
        (Some(_), None) => Ok(()),
        (None, None) => Err(format!("`{image}` names no version; add one, such as `registry:2.8.3`")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_names_its_version() {
        let digest = format!("redis@sha256:{}", "a".repeat(64));
        let both = format!("example.test/redis:7@sha256:{}", "0".repeat(64));
        for (image, wrong) in [
            ("registry:2.8.3", None),
            ("balabit/syslog-ng:4.8.1", None),
            ("127.0.0.1:5000/team/hello:1", None),
            ("localhost/hello:1", None),
            (&*digest, None),
            (&*both, None),
            ("registry", Some("names no version")),
            ("127.0.0.1:5000/hello", Some("names no version")),
            ("registry:latest", Some("`latest`")),
            ("Registry:2", Some("is not an image's name")),
            ("a b:1", Some("is not an image's name")),
            ("a/:1", Some("is not an image's name")),
            ("a:", Some("is not an image's name")),
            ("redis@sha256:abc", Some("is not an image's name")),
            ("", Some("is not an image's name")),
        ] {
            match (check(image), wrong) {
                (Ok(()), None) => {}
                (Err(message), Some(wrong)) => assert!(message.contains(wrong), "{image}: {message}"),
                (found, _) => panic!("{image}: {found:?}"),
            }
        }
    }
}
