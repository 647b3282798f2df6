//! Whether etcd's members find each other by a service, and by which.

use super::parameter::{DISCOVERY_SERVICE_URL, NO_DISCOVERY_URL, NUM_NODES};
use super::resolver::Resolver;
use crate::spec::DiscoveryUrl;
use crate::spec::TemplateSet;

/// The template that tells members of each other.
const TEMPLATE: &str = "etcd-member.conf";

/// The discovery URL of a cluster with this many etcd members. A service that was asked for a token once is not asked
/// again.
pub(super) fn url(
    resolver: &mut Resolver,
    etcd_member_count: u32,
    custom_data_only: bool,
    templates: &TemplateSet,
) -> Option<DiscoveryUrl> {
    let earlier = resolver.earlier;
    let kept = earlier.and_then(|earlier| earlier.discovery_url.clone());
    let given = resolver.given(&DISCOVERY_SERVICE_URL).map(|given| given.origin.rank());
    if resolver.switch(&NO_DISCOVERY_URL) == Some(true) {
        let rank = resolver.origin(&NO_DISCOVERY_URL).rank();
        match given {
            Some(given) if given == rank => {
                resolver.problem(&NO_DISCOVERY_URL, "contradicts `--discovery-service-url`; leave one of them out");
            }
            Some(given) if given > rank => {}
            _ => return None,
        }
    }
    if given.is_none() {
        return kept;
    }
    let url: DiscoveryUrl = resolver.parsed(&DISCOVERY_SERVICE_URL)?;
    if custom_data_only {
        let message = "has no effect on the file of `--custom-data-only`; write it there";
        resolver.problem(&DISCOVERY_SERVICE_URL, message);
    }
    if !templates.text(TEMPLATE).contains("discovery_url") {
        let message = format!("has no effect on your template `{TEMPLATE}`, which does not use `discovery_url`");
        resolver.problem(&DISCOVERY_SERVICE_URL, message);
    }
    if let DiscoveryUrl::Service { size: Some(size), .. } = &url
        && *size != etcd_member_count
        && !resolver.is_unreadable(&NUM_NODES)
    {
        let message = format!("asks for {size} members, and this cluster has {etcd_member_count} etcd members");
        resolver.problem_with_hint(&DISCOVERY_SERVICE_URL, message, "leave `?size=` out");
    }
    match kept {
        Some(kept) if url.is_service() => Some(kept),
        _ => Some(url),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::parameter::{CUSTOM_DATA, CUSTOM_DATA_ONLY};
    use crate::config::{ClusterInput, InputFile, resolve};
    use crate::spec::{ClusterSpec, SshPublicKey};
    use diagnostics::Origin;

    const TOKEN: &str = "https://host/0123";

    fn key() -> SshPublicKey {
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIIJkE0lJ2MfWJVLZfsbKCGy8xNvTYVYvKB4nYKpV0Mcu".parse().unwrap()
    }

    /// The resolved URL, or the first mistake.
    fn resolved(input: &ClusterInput, earlier: Option<&ClusterSpec>) -> Result<Option<String>, String> {
        let spec = resolve(input, earlier, &key());
        spec.map(|spec| spec.discovery_url.map(String::from))
            .map_err(|problems| problems.iter().next().unwrap().message.clone())
    }

    fn file(name: &str) -> Origin {
        Origin::File { path: name.into(), line: None }
    }

    #[test]
    fn the_upper_layer_counts() {
        let (flag, environment) = (Origin::Flag("--x"), Origin::Environment("X".into()));
        for (url, switch, expected) in [
            (None, None, Ok(None)),
            (Some(flag.clone()), None, Ok(Some(TOKEN))),
            (Some(file("c.yaml")), Some(flag.clone()), Ok(None)),
            (Some(environment.clone()), Some(flag.clone()), Ok(None)),
            (Some(flag.clone()), Some(environment), Ok(Some(TOKEN))),
            (Some(flag.clone()), Some(flag), Err("contradicts")),
        ] {
            let mut input = ClusterInput::flags("mycluster", &[]);
            if let Some(origin) = &url {
                input.values.insert(&DISCOVERY_SERVICE_URL, vec![TOKEN.into()], origin.clone());
            }
            if let Some(origin) = &switch {
                input.values.insert(&NO_DISCOVERY_URL, vec!["true".into()], origin.clone());
            }
            match (resolved(&input, None), expected) {
                (Ok(found), Ok(expected)) => assert_eq!(found.as_deref(), expected, "{url:?} {switch:?}"),
                (Err(message), Err(part)) => assert!(message.contains(part), "{message}"),
                other => panic!("{url:?} {switch:?}: {other:?}"),
            }
        }
    }

    #[test]
    fn what_cannot_be_is_a_mistake() {
        for (flags, part) in [
            (vec![(&DISCOVERY_SERVICE_URL, "host/0123")], "discovery URL `host/0123` is no URL"),
            (vec![(&DISCOVERY_SERVICE_URL, "http://host/new?size=3"), (&NUM_NODES, "5")], "asks for 3 members"),
        ] {
            let message = resolved(&ClusterInput::flags("mycluster", &flags), None).unwrap_err();
            assert!(message.contains(part), "{message}");
        }
        let flags = [(&DISCOVERY_SERVICE_URL, TOKEN), (&CUSTOM_DATA_ONLY, "true")];
        let mut alone = ClusterInput::flags("mycluster", &flags);
        let script = InputFile { path: "x".into(), content: Ok(b"#!/bin/sh\n".to_vec()) };
        alone.files.insert(CUSTOM_DATA.key, script);
        assert!(resolved(&alone, None).unwrap_err().contains("has no effect on the file"));
        let mut templates = ClusterInput::flags("mycluster", &[(&DISCOVERY_SERVICE_URL, TOKEN)]);
        let own = [(TEMPLATE.to_owned(), "[Service]\n".to_owned())];
        templates.templates = Some(TemplateSet::with_overrides(own.into()));
        assert!(resolved(&templates, None).unwrap_err().contains("has no effect on your template"));
    }

    #[test]
    fn a_later_run_keeps_the_token() {
        let with = |flags| ClusterInput::flags("mycluster", flags);
        let mut earlier = resolve(&with(&[]), None, &key()).unwrap();
        earlier.discovery_url = Some(TOKEN.parse().unwrap());
        for (flags, expected) in [
            (&[][..], Ok(Some(TOKEN))),
            (&[(&DISCOVERY_SERVICE_URL, "http://service")][..], Ok(Some(TOKEN))),
            (&[(&DISCOVERY_SERVICE_URL, TOKEN)][..], Ok(Some(TOKEN))),
            (&[(&DISCOVERY_SERVICE_URL, "https://host/4567")][..], Err("cannot become `https://host/4567`")),
            (&[(&NO_DISCOVERY_URL, "true")][..], Err("cannot become `none`")),
        ] {
            match (resolved(&with(flags), Some(&earlier)), expected) {
                (Ok(found), Ok(expected)) => assert_eq!(found.as_deref(), expected),
                (Err(message), Err(part)) => assert!(message.contains(part), "{message}"),
                other => panic!("{flags:?}: {other:?}"),
            }
        }
        let formed_by_a_list = resolve(&with(&[]), None, &key()).unwrap();
        let message = resolved(&with(&[(&DISCOVERY_SERVICE_URL, TOKEN)]), Some(&formed_by_a_list)).unwrap_err();
        assert!(message.contains("the cluster's discovery URL is `none` and cannot become"), "{message}");
    }
}
