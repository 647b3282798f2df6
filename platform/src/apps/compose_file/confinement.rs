//! What the file of an app may not reach: the platform, the machines, and other apps. Whoever wrote the file is not the
//! one who runs the cluster; `ComposeFile::read` asks before anything of it is deployed.

use crate::apps::AppName;
use crate::apps::name::{APP_LABEL, NAMESPACE_PREFIX as APPS};
use crate::apps::release::RELEASE_LABEL;
use crate::bundle::AppRouting;
use crate::compose::{MountKind, NAMESPACE_LABEL, Network, Service, Stack, Volume};
use crate::swarm::COMPONENT_LABEL;

/// Keys from the file's root, and what is wrong there and helps.
pub(super) type Trespass = (Vec<String>, String);

/// Docker's own: <https://docs.docker.com/engine/network/drivers/>, and those of the routing mesh.
const DOCKERS_NETWORKS: [&str; 6] = ["bridge", "docker_gwbridge", "host", "ingress", "nat", "none"];
/// Docker takes an id where a name is expected: 25 characters of the swarm's, 64 of a machine's.
const ID_LENGTHS: [usize; 2] = [25, 64];
/// Of an overlay network: the rest chooses what the swarm chooses, such as the number by which networks are kept apart.
const NETWORK_OPTIONS: [&str; 2] = ["com.docker.network.driver.mtu", "encrypted"];
/// What the driver `local` mounts that is no part of the machine: <https://docs.docker.com/reference/cli/docker/volume/create/>.
const VOLUME_TYPES: [&str; 4] = ["cifs", "nfs", "nfs4", "tmpfs"];
/// Folders of the machine that hold the machine itself, its keys, etcd or Docker.
const SYSTEM: [&str; 16] = [
    "bin", "boot", "dev", "etc", "home", "lib", "lib32", "lib64", "opt", "proc", "root", "run", "sbin", "sys", "usr",
    "var",
];
/// Of these, what may be read.
const READABLE: [&str; 4] = ["/etc/localtime", "/etc/ssl/certs", "/etc/timezone", "/usr/share/zoneinfo"];
/// With one of these a container is no border: <https://man7.org/linux/man-pages/man7/capabilities.7.html>.
const CAPABILITIES: [&str; 12] = [
    "ALL",
    "BPF",
    "DAC_READ_SEARCH",
    "MAC_ADMIN",
    "MAC_OVERRIDE",
    "PERFMON",
    "SYS_ADMIN",
    "SYS_BOOT",
    "SYS_MODULE",
    "SYS_PTRACE",
    "SYS_RAWIO",
    "SYS_TIME",
];
/// What the swarm puts into texts, and no user has written: <https://docs.docker.com/reference/cli/docker/service/create/#template>.
const PLACEHOLDERS: [&str; 7] =
    [".Node.Hostname", ".Node.ID", ".Service.ID", ".Service.Name", ".Task.ID", ".Task.Name", ".Task.Slot"];

/// Everything in the file of `app` that reaches for what is not its own; `public` is its public service.
pub(super) fn trespasses(stack: &Stack, public: &str, app: &AppName, reached: &AppRouting) -> Vec<Trespass> {
    let mut found = Vec::new();
    let mut add = |path: &[&str], message: String| {
        let path: Vec<String> = path.iter().map(|key| (*key).to_owned()).collect();
        found.push((path.clone(), format!("`{}`: {message}", path.join("."))));
    };
    for (key, network) in &stack.networks {
        let path = ["networks", key.as_str()];
        if let Some(why) = of_network(key, network, app, reached) {
            add(&path, why);
        }
        for option in network.driver_options.keys().filter(|option| !NETWORK_OPTIONS.contains(&option.as_str())) {
            add(
                &["networks", key, "driver_opts", option],
                format!("the swarm chooses this; an app may set {}: leave it out", NETWORK_OPTIONS.join(", ")),
            );
        }
    }
    for (key, volume) in &stack.volumes {
        let path = ["volumes", key.as_str()];
        if let Some(why) = of_volume(key, volume, app, reached) {
            add(&path, why);
        }
    }
    for key in stack.secrets.keys() {
        add(
            &["secrets", key],
            format!(
                "the swarm's secrets are the platform's: set a value with `platformctl apps config {app} set NAME=…` and \
                 name it `${{NAME}}` under `environment`"
            ),
        );
    }
    for (key, service) in &stack.services {
        let joined = service.networks.keys().map(|network| (network, name_in_swarm(stack, network)));
        let shared: Vec<&String> =
            joined.filter(|(_, name)| name.is_some_and(|name| reached.is_shared(name))).map(|(key, _)| key).collect();
        for network in &shared {
            let network_use = &service.networks[*network];
            for alias in &network_use.aliases {
                add(
                    &["services", key, "networks", network, "aliases"],
                    format!(
                        "`{alias}`: the platform and other apps are on this network and would take the service for one of \
                         theirs: leave `aliases` out; services of this app find each other on its own network"
                    ),
                );
            }
            for option in network_use.driver_options.keys() {
                add(
                    &["services", key, "networks", network, "driver_opts", option],
                    "the platform and other apps are on this network: leave it out".to_owned(),
                );
            }
        }
        if key == public || !shared.is_empty() {
            for why in service.hostname.iter().filter_map(|name| of_hostname(name, app, reached)) {
                add(&["services", key, "hostname"], why);
            }
        }
        of_service(key, service, reached, &mut add);
    }
    found
}

/// The name in the swarm of a network that is not the file's own.
fn name_in_swarm<'a>(stack: &'a Stack, key: &'a str) -> Option<&'a str> {
    match stack.networks.get(key)? {
        Network { name: Some(name), .. } => Some(name),
        Network { external: true, .. } => Some(key),
        Network { .. } => None,
    }
}

fn of_network(key: &str, network: &Network, app: &AppName, reached: &AppRouting) -> Option<String> {
    let name = network.name.as_deref().or(network.external.then_some(key))?;
    if DOCKERS_NETWORKS.contains(&name) {
        return Some(format!(
            "`{name}` is Docker's own network, and is closed to apps: leave it out; `ports` say where the router finds the app"
        ));
    }
    if reached.is_shared(name) {
        return match network.external {
            true => None,
            false => Some(format!("`{name}` exists already: write `external: true`")),
        };
    }
    let open: Vec<String> =
        reached.open_networks.iter().chain([&reached.network]).map(|name| format!("`{name}`")).collect();
    of_name(name, app, reached, "network", &format!("of the platform's networks apps may join {}", open.join(", ")))
}

fn of_volume(key: &str, volume: &Volume, app: &AppName, reached: &AppRouting) -> Option<String> {
    let name = volume.name.as_deref().or(volume.external.then_some(key));
    let own = "leave `name` and `external` out, and the app has a volume of its own";
    if let Some(why) = name.and_then(|name| of_name(name, app, reached, "volume", own)) {
        return Some(why);
    }
    let options = &volume.driver_options;
    if volume.driver.as_deref().is_some_and(|driver| driver != "local") || options.is_empty() {
        return None;
    }
    let kind = options.get("type").map_or("none", String::as_str);
    let is_bound = options.get("o").is_some_and(|o| o.split(',').any(|word| ["bind", "rbind"].contains(&word.trim())));
    if !VOLUME_TYPES.contains(&kind) || is_bound {
        let types = VOLUME_TYPES.join(", ");
        let device = options.get("device").map_or_else(String::new, |device| format!(" of `{device}`"));
        return Some(format!(
            "`driver_opts` would mount a part of the machine{device}: types that may be mounted are {types}; without \
             `driver_opts` the volume is a folder of its own"
        ));
    }
    None
}

/// A name in the swarm of something that is shared by this name.
fn of_name(name: &str, app: &AppName, reached: &AppRouting, what: &str, instead: &str) -> Option<String> {
    if name.starts_with(&format!("{}_", reached.bundle)) {
        return Some(format!("`{name}` is a {what} of the platform and closed to apps: {instead}"));
    }
    if name.starts_with(APPS) && !name.starts_with(&format!("{}_", app.namespace())) {
        return Some(format!(
            "`{name}` would be a {what} of another app (names of theirs begin with `{APPS}`): choose another name, or {instead}"
        ));
    }
    let is_id = ID_LENGTHS.contains(&name.len()) && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit());
    is_id.then(|| format!("`{name}` may be the id of any {what}: write its name"))
}

/// Docker answers questions for the host name of a container as it does for its aliases.
fn of_hostname(name: &str, app: &AppName, reached: &AppRouting) -> Option<String> {
    let lower = name.to_ascii_lowercase();
    let refused = if !has_only_placeholders(name) {
        format!("only {} may stand in `{{{{…}}}}`", PLACEHOLDERS.join(", "))
    } else if reached.components.contains(&lower) || lower.starts_with(&format!("{}_", reached.bundle)) {
        "a service of the platform has this name".to_owned()
    } else if lower.starts_with(APPS) && lower != app.namespace() {
        "another app may have this name".to_owned()
    } else if without_placeholders(name).contains('.') {
        "other names have dots".to_owned()
    } else {
        return None;
    };
    Some(format!(
        "`{name}`: the platform and other apps would find this service under that name: {refused}; leave `hostname` out"
    ))
}

fn of_service(key: &str, service: &Service, reached: &AppRouting, add: &mut dyn FnMut(&[&str], String)) {
    for label in service.service_labels.keys() {
        let is_route = reached.labels.key(label).is_some();
        if is_route || [COMPONENT_LABEL, APP_LABEL, RELEASE_LABEL, NAMESPACE_LABEL].contains(&label.as_str()) {
            let instead = match is_route {
                true => "`platformctl apps domains` and `platformctl apps routing` say which requests go where",
                false => "the platform sets it itself",
            };
            add(&["services", key, "deploy", "labels", label], format!("{instead}: leave the label out"));
        }
    }
    for capability in &service.cap_add {
        let bare = capability.to_ascii_uppercase();
        if CAPABILITIES.contains(&bare.strip_prefix("CAP_").unwrap_or(&bare)) {
            add(
                &["services", key, "cap_add"],
                format!("with `{capability}` a process would reach the machine and all apps on it: leave it out"),
            );
        }
    }
    for mount in &service.mounts {
        if let MountKind::Bind { source, .. } = &mount.kind
            && let Some(why) = of_bind(source, mount.read_only)
        {
            add(&["services", key, "volumes"], format!("`{source}`: {why}"));
        }
    }
}

/// A folder of the machine.
fn of_bind(source: &str, is_read_only: bool) -> Option<String> {
    const INSTEAD: &str = "use a named volume, or a folder such as `/srv/…` or `/mnt/…`";
    let parts: Vec<&str> = source.split('/').filter(|part| !part.is_empty() && *part != ".").collect();
    if source.contains("{{") || parts.contains(&"..") {
        return Some(format!("must say which folder it is, without `..` and `{{{{`: {INSTEAD}"));
    }
    if parts.last().is_some_and(|last| last.starts_with("docker") && last.ends_with(".sock")) {
        return Some(format!("whoever has Docker's socket has the machine and all apps: {INSTEAD}"));
    }
    let path = format!("/{}", parts.join("/"));
    if READABLE.iter().any(|readable| path == *readable || path.starts_with(&format!("{readable}/"))) {
        return (!is_read_only).then(|| format!("may be read only: write `{path}:…:ro`"));
    }
    match parts.first() {
        None => Some(format!("is the whole machine: {INSTEAD}")),
        Some(first) if SYSTEM.contains(first) => {
            Some(format!("`/{first}` holds what the machine or the platform lives on: {INSTEAD}"))
        }
        Some(_) => None,
    }
}

fn has_only_placeholders(text: &str) -> bool {
    !without_placeholders(text).contains("{{")
}

/// The text without what the swarm fills in.
fn without_placeholders(text: &str) -> String {
    let mut left = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("{{") {
        left.push_str(before);
        match after.split_once("}}") {
            Some((inside, after)) if PLACEHOLDERS.contains(&inside.trim()) => rest = after,
            _ => {
                left.push_str("{{");
                rest = after;
            }
        }
    }
    left + rest
}
