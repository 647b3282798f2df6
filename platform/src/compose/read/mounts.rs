//! Mounts of a service: `volumes` in both forms, and `tmpfs`.

use super::Warnings;
use crate::compose::{BindOptions, Mount, MountKind, Propagation, Stack, TmpfsOptions, VolumeOptions, parse_size};
use diagnostics::yaml::{Node, Value};

/// `volumes:` of a service.
pub(super) fn volumes(node: &Node<'_>, stack: &Stack, warnings: &Warnings) -> Vec<Mount> {
    let mut mounts = Vec::new();
    for item in node.items().unwrap_or_default() {
        let mount = match item.value() {
            Value::Mapping(_) => long(&item, warnings),
            _ => item.string().and_then(|text| short(&item, &text, warnings)),
        };
        let Some(mount) = mount else { continue };
        if let MountKind::Volume { source: Some(source), .. } = &mount.kind
            && !stack.volumes.contains_key(source)
        {
            item.problem(format!("volume `{source}` is not among the file's `volumes`"));
        }
        mounts.push(mount);
    }
    mounts
}

/// `tmpfs:` of a service: `PATH[:size=64m,mode=1777]`, one or a list.
pub(super) fn tmpfs(node: &Node<'_>) -> Vec<Mount> {
    let items = match node.value() {
        Value::Sequence(_) => node.items().unwrap_or_default(),
        _ => vec![node.clone()],
    };
    let mut mounts = Vec::new();
    for item in items {
        let Some(text) = item.string() else { continue };
        let (target, list) = text.split_once(':').unwrap_or((&text, ""));
        let mut options = TmpfsOptions::default();
        for option in list.split(',').filter(|option| !option.is_empty()) {
            match option.split_once('=') {
                Some(("size", size)) => options.size_bytes = item.take(parse_size(size)),
                Some(("mode", mode)) => options.mode = item.take(octal(mode)),
                _ => item.problem(format!("option `{option}` is none of `size=…`, `mode=…`")),
            }
        }
        check_target(&item, target);
        mounts.push(Mount { target: target.to_owned(), read_only: false, kind: MountKind::Tmpfs { options } });
    }
    mounts
}

/// `[SOURCE:]TARGET[:OPTIONS]`.
fn short(node: &Node<'_>, text: &str, warnings: &Warnings) -> Option<Mount> {
    let parts: Vec<&str> = text.split(':').collect();
    let (source, target, options) = match parts.as_slice() {
        [target] => (None, *target, ""),
        [source, target] => (Some(*source), *target, ""),
        [source, target, options] => (Some(*source), *target, *options),
        _ => {
            node.problem(format!("`{text}` is not `[SOURCE:]TARGET[:OPTIONS]`"));
            return None;
        }
    };
    check_target(node, target);
    let mut read_only = false;
    let mut no_copy = false;
    let mut propagation = None;
    for option in options.split(',').filter(|option| !option.is_empty()) {
        match option {
            "ro" => read_only = true,
            "rw" => read_only = false,
            "nocopy" => no_copy = true,
            "z" | "Z" | "cached" | "delegated" | "consistent" => {
                warnings.add(node, &format!("option `{option}` is ignored: it has no effect in a swarm"));
            }
            word => match PROPAGATIONS.iter().find(|(name, _)| *name == word) {
                Some((_, found)) => propagation = Some(*found),
                None => node.problem(format!("option `{word}` is none of `ro`, `rw`, `nocopy`, `rshared`, …")),
            },
        }
    }
    let kind = match source {
        Some(source) if source.starts_with(['/', '.', '~']) => {
            check_source(node, source);
            MountKind::Bind { source: source.to_owned(), options: BindOptions { propagation } }
        }
        source => MountKind::Volume { source: source.map(str::to_owned), options: VolumeOptions { no_copy } },
    };
    Some(Mount { target: target.to_owned(), read_only, kind })
}

const PROPAGATIONS: [(&str, Propagation); 6] = [
    ("private", Propagation::Private),
    ("rprivate", Propagation::RPrivate),
    ("shared", Propagation::Shared),
    ("rshared", Propagation::RShared),
    ("slave", Propagation::Slave),
    ("rslave", Propagation::RSlave),
];

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Volume,
    Bind,
    Tmpfs,
}

fn long(node: &Node<'_>, warnings: &Warnings) -> Option<Mount> {
    let fields = node.fields()?;
    let kind = fields
        .required("type")
        .and_then(|node| node.choice(&[("volume", Kind::Volume), ("bind", Kind::Bind), ("tmpfs", Kind::Tmpfs)]));
    let target = fields.required("target").and_then(|node| {
        let target = node.string()?;
        check_target(&node, &target);
        Some(target)
    });
    let source = fields.take("source");
    let read_only = fields.take("read_only").and_then(|node| node.boolean()).unwrap_or_default();
    if let Some(node) = fields.take("consistency") {
        warnings.add(&node, "is ignored: it has no effect in a swarm");
    }
    let of_bind = fields.take("bind");
    let of_volume = fields.take("volume");
    let of_tmpfs = fields.take("tmpfs");
    for (options, of) in [(&of_bind, Kind::Bind), (&of_volume, Kind::Volume), (&of_tmpfs, Kind::Tmpfs)] {
        if let (Some(options), Some(kind)) = (options, kind)
            && kind != of
        {
            options.problem("does not belong to a mount of this `type`");
        }
    }
    super::extensions(&fields);
    fields.finish();
    let kind = match kind? {
        Kind::Bind => {
            let options = of_bind.map(|node| bind_options(&node, warnings)).unwrap_or_default();
            let Some(source) = source else {
                node.problem("`source` is missing: the path on the node");
                return None;
            };
            let path = source.string()?;
            check_source(&source, &path);
            MountKind::Bind { source: path, options }
        }
        Kind::Volume => {
            let options = of_volume.map(|node| volume_options(&node)).unwrap_or_default();
            MountKind::Volume { source: source.and_then(|node| node.string()), options }
        }
        Kind::Tmpfs => {
            if let Some(source) = source {
                source.problem("memory has no source");
            }
            MountKind::Tmpfs { options: of_tmpfs.map(|node| tmpfs_options(&node)).unwrap_or_default() }
        }
    };
    Some(Mount { target: target?, read_only, kind })
}

fn bind_options(node: &Node<'_>, warnings: &Warnings) -> BindOptions {
    let Some(fields) = node.fields() else { return BindOptions::default() };
    let propagation = fields.take("propagation").and_then(|node| node.choice(&PROPAGATIONS));
    if let Some(node) = fields.take("create_host_path")
        && node.boolean() == Some(true)
    {
        warnings.add(&node, "is ignored: Swarm wants the path to exist on each node");
    }
    for key in ["selinux", "recursive"] {
        if let Some(node) = fields.take(key) {
            warnings.add(&node, "is ignored: it has no effect in a swarm");
        }
    }
    fields.finish();
    BindOptions { propagation }
}

fn volume_options(node: &Node<'_>) -> VolumeOptions {
    let Some(fields) = node.fields() else { return VolumeOptions::default() };
    let no_copy = fields.take("nocopy").and_then(|node| node.boolean()).unwrap_or_default();
    if let Some(node) = fields.take("subpath") {
        node.problem("a part of a volume is not mounted in a swarm: mount the whole volume");
    }
    fields.finish();
    VolumeOptions { no_copy }
}

fn tmpfs_options(node: &Node<'_>) -> TmpfsOptions {
    let Some(fields) = node.fields() else { return TmpfsOptions::default() };
    let size_bytes = fields.take("size").and_then(|node| node.take(parse_size(&node.scalar()?)));
    let mode = fields.take("mode").and_then(|node| file_mode(&node));
    fields.finish();
    TmpfsOptions { size_bytes, mode }
}

/// `0444`, which YAML 1.2 reads as a text, or `0o444`, which it reads as a number.
pub(super) fn file_mode(node: &Node<'_>) -> Option<u32> {
    match node.value() {
        Value::Number(number) => {
            let mode = number.as_u64().and_then(|number| u32::try_from(number).ok()).filter(|mode| *mode <= 0o7777);
            if mode.is_none() {
                node.problem("must be a file mode such as `0o444`");
            }
            mode
        }
        _ => {
            let text = node.string()?;
            node.take(octal(&text))
        }
    }
}

fn octal(text: &str) -> Result<u32, String> {
    let digits = text.strip_prefix("0o").unwrap_or(text);
    let mode = u32::from_str_radix(digits, 8).ok().filter(|mode| *mode <= 0o7777);
    mode.ok_or_else(|| format!("must be a file mode such as `0444`, found `{text}`"))
}

fn check_target(node: &Node<'_>, target: &str) {
    if !target.starts_with('/') {
        node.problem(format!("the path in the container must be absolute, found `{target}`"));
    }
}

fn check_source(node: &Node<'_>, source: &str) {
    if !source.starts_with('/') {
        node.problem(format!(
            "`{source}` would be a path of this machine, which the nodes do not have: use a config, a named volume, or an \
             absolute path of the nodes"
        ));
    }
}
