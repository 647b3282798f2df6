//! One service.

use std::collections::BTreeMap;
use std::time::Duration;

use super::{Warnings, deploy, extensions, healthcheck, labels, mounts, networks, pairs, ports, unsupported};
use crate::compose::{
    ConfigUse, FileUse, Logging, RestartCondition, RestartPolicy, SecretUse, Service, Stack, Ulimit, parse_duration,
};
use diagnostics::yaml::{Fields, Node, Value};

/// Reads a service; `stack` has the file's networks, volumes, configs and secrets already.
pub(super) fn service(node: &Node<'_>, stack: &Stack, warnings: &Warnings) -> Option<Service> {
    let fields = node.fields()?;
    let has_build = fields.node().value().get("build").is_some();
    for (key, message) in unsupported::SERVICE_REFUSED {
        if let Some(node) = fields.take(key) {
            node.problem(*message);
        }
    }
    for (key, message) in unsupported::SERVICE_IGNORED {
        if let Some(node) = fields.take(key) {
            warnings.add(&node, message);
        }
    }
    depends_on(&fields, warnings);
    let mut service = Service { image: image(&fields, has_build), ..Service::default() };
    service.command = fields.take("command").and_then(|node| words(&node));
    service.entrypoint = fields.take("entrypoint").and_then(|node| words(&node));
    service.environment = fields.take("environment").map(|node| environment(&node)).unwrap_or_default();
    service.labels = labels(&fields);
    service.ports = fields.take("ports").map(|node| ports::of_service(&node, warnings)).unwrap_or_default();
    if let Some(node) = fields.take("expose") {
        node.scalars();
    }
    service.mounts = fields.take("volumes").map(|node| mounts::volumes(&node, stack, warnings)).unwrap_or_default();
    service.mounts.extend(fields.take("tmpfs").map(|node| mounts::tmpfs(&node)).unwrap_or_default());
    check_targets(&fields, &service);
    service.networks =
        fields.take("networks").map(|node| networks::of_service(&node, stack, warnings)).unwrap_or_default();
    let configs = files(&fields, "configs", stack.configs.keys().map(String::as_str).collect(), "/");
    service.configs = configs.into_iter().map(|(source, file)| ConfigUse { source, file }).collect();
    let secrets = files(&fields, "secrets", stack.secrets.keys().map(String::as_str).collect(), "");
    service.secrets = secrets.into_iter().map(|(source, file)| SecretUse { source, file }).collect();
    service.healthcheck = fields.take("healthcheck").and_then(|node| healthcheck::healthcheck(&node));
    if let Some(node) = fields.take("platform") {
        service.placement.platform = platform(&node);
    }
    service.restart = fields.take("restart").and_then(|node| restart(&node)).unwrap_or_default();
    if let Some(node) = fields.take("deploy") {
        deploy::deploy(&node, &mut service, warnings);
    }
    process(&fields, &mut service);
    host(&fields, &mut service);
    service.logging = fields.take("logging").and_then(|node| logging(&node));
    service.extensions = extensions(&fields);
    if let Some(node) = fields.take("profiles") {
        node.problem("there are no profiles here: leave services out that are not to run");
    }
    links(&fields, warnings);
    fields.finish();
    Some(service)
}

fn image(fields: &Fields<'_>, has_build: bool) -> String {
    let node = if has_build { fields.take("image") } else { fields.required("image") };
    let image = node.as_ref().and_then(Node::string).unwrap_or_default();
    if let Some(node) = node
        && (image.is_empty() || image.contains(char::is_whitespace))
    {
        node.problem("must be an image such as `registry:2.8.3`");
    }
    image
}

fn process(fields: &Fields<'_>, service: &mut Service) {
    let text = |key| fields.take(key).and_then(|node| node.scalar());
    let flag = |key| fields.take(key).and_then(|node| node.boolean());
    let list = |key| fields.take(key).and_then(|node| node.scalars()).unwrap_or_default();
    service.user = text("user");
    service.groups = list("group_add");
    service.working_dir = text("working_dir");
    service.stop_signal = text("stop_signal");
    service.stop_grace_period = duration(fields, "stop_grace_period");
    service.init = flag("init");
    service.read_only = flag("read_only").unwrap_or_default();
    service.tty = flag("tty").unwrap_or_default();
    service.stdin_open = flag("stdin_open").unwrap_or_default();
    service.cap_add = list("cap_add");
    service.cap_drop = list("cap_drop");
    service.ulimits = fields.take("ulimits").map(|node| ulimits(&node)).unwrap_or_default();
    service.sysctls = fields.take("sysctls").and_then(|node| pairs(&node)).unwrap_or_default();
}

fn host(fields: &Fields<'_>, service: &mut Service) {
    let one_or_more = |key| fields.take(key).and_then(|node| node.scalar_or_scalars()).unwrap_or_default();
    service.hostname = fields.take("hostname").and_then(|node| node.string());
    service.extra_hosts = fields.take("extra_hosts").map(|node| extra_hosts(&node)).unwrap_or_default();
    service.dns = one_or_more("dns");
    service.dns_search = one_or_more("dns_search");
    service.dns_options = fields.take("dns_opt").and_then(|node| node.scalars()).unwrap_or_default();
}

/// A list of words, or a line that is split as a shell does.
fn words(node: &Node<'_>) -> Option<Vec<String>> {
    match node.value() {
        Value::Sequence(_) => node.scalars(),
        _ => {
            let line = node.scalar()?;
            let words = shlex::split(&line);
            if words.is_none() {
                node.problem("has a quote that does not end");
            }
            words
        }
    }
}

/// A mapping, or a list of `NAME=value`; a name without a value would be read from a machine's environment.
fn environment(node: &Node<'_>) -> BTreeMap<String, String> {
    let unset = |node: &Node<'_>, name: &str| {
        node.problem(format!("`{name}` has no value, and none is taken from your environment: write `{name}: value`"));
    };
    let mut variables = BTreeMap::new();
    let mut set = |node: &Node<'_>, name: String, value: String| {
        if name.is_empty() {
            node.problem("a variable's name is missing");
        } else if variables.insert(name.clone(), value).is_some() {
            node.problem(format!("`{name}` is given twice"));
        }
    };
    if !matches!(node.value(), Value::Sequence(_)) {
        for (name, value) in node.entries().unwrap_or_default() {
            match value.is_null() {
                true => unset(&value, &name),
                false => value.scalar().into_iter().for_each(|text| set(&value, name.clone(), text)),
            }
        }
        return variables;
    }
    for item in node.items().unwrap_or_default() {
        let Some(text) = item.scalar() else { continue };
        match text.split_once('=') {
            Some((name, value)) => set(&item, name.to_owned(), value.to_owned()),
            None => unset(&item, &text),
        }
    }
    variables
}

/// `configs:` or `secrets:` of a service: keys, or mappings with a target.
fn files(fields: &Fields<'_>, key: &'static str, known: Vec<&str>, folder: &str) -> Vec<(String, FileUse)> {
    let mut files = Vec::new();
    for item in fields.take(key).and_then(|node| node.items()).unwrap_or_default() {
        let file = |source: &str| FileUse {
            target: format!("{folder}{source}"),
            uid: "0".into(),
            gid: "0".into(),
            mode: 0o444,
        };
        let read = match item.value() {
            Value::Mapping(_) => item.fields().and_then(|fields| {
                let source = fields.required("source").and_then(|node| node.string());
                let target = fields.take("target").and_then(|node| node.string());
                let uid = fields.take("uid").and_then(|node| node.scalar());
                let gid = fields.take("gid").and_then(|node| node.scalar());
                let mode = fields.take("mode").and_then(|node| mounts::file_mode(&node));
                fields.finish();
                let source = source?;
                let default = file(&source);
                let file = FileUse {
                    target: target.unwrap_or(default.target),
                    uid: uid.unwrap_or(default.uid),
                    gid: gid.unwrap_or(default.gid),
                    mode: mode.unwrap_or(default.mode),
                };
                Some((source, file))
            }),
            _ => item.string().map(|source| {
                let file = file(&source);
                (source, file)
            }),
        };
        let Some((source, file)) = read else { continue };
        if !known.contains(&source.as_str()) {
            item.problem(format!("`{source}` is not among the file's `{key}`"));
        }
        files.push((source, file));
    }
    files
}

/// Two things at one path of the container.
fn check_targets(fields: &Fields<'_>, service: &Service) {
    let mut targets = std::collections::BTreeSet::new();
    for mount in &service.mounts {
        if !targets.insert(mount.target.trim_end_matches('/')) {
            fields.node().problem(format!("two mounts have the target `{}`", mount.target));
        }
    }
}

fn platform(node: &Node<'_>) -> Option<(String, String)> {
    let text = node.string()?;
    match text.split_once('/') {
        Some((os, architecture)) => {
            Some((os.to_owned(), architecture.split('/').next().unwrap_or_default().to_owned()))
        }
        None => {
            node.problem(format!("must be `OS/ARCHITECTURE` such as `linux/amd64`, found `{text}`"));
            None
        }
    }
}

/// Compose's older word for `deploy.restart_policy`.
fn restart(node: &Node<'_>) -> Option<RestartPolicy> {
    let text = node.scalar()?;
    let policy = |condition, max_attempts| {
        Some(RestartPolicy { condition: Some(condition), max_attempts, ..RestartPolicy::default() })
    };
    match text.split_once(':').unwrap_or((&text, "")) {
        ("always" | "unless-stopped", "") => policy(RestartCondition::Any, None),
        ("no" | "false", "") => policy(RestartCondition::None, None),
        ("on-failure", "") => policy(RestartCondition::OnFailure, None),
        ("on-failure", times) if times.parse::<u32>().is_ok() => {
            policy(RestartCondition::OnFailure, times.parse().ok())
        }
        _ => {
            node.problem(format!(
                "must be one of `no`, `always`, `on-failure[:times]`, `unless-stopped`, found `{text}`"
            ));
            None
        }
    }
}

fn depends_on(fields: &Fields<'_>, warnings: &Warnings) {
    if let Some(node) = fields.take("depends_on") {
        warnings.add(
            &node,
            "is ignored: Swarm starts services together; a service must go on trying until what it needs answers",
        );
    }
}

/// Services of one network find each other by name anyway; other names would be lost.
fn links(fields: &Fields<'_>, warnings: &Warnings) {
    for item in fields.take("links").and_then(|node| node.items()).unwrap_or_default() {
        let Some(text) = item.scalar() else { continue };
        match text.split_once(':') {
            Some((service, alias)) if service != alias => item.problem(format!(
                "links have no names of their own here: give `{service}` the alias `{alias}` under its `networks`"
            )),
            _ => warnings.add(&item, "is ignored: services of one network find each other by name"),
        }
    }
}

/// `HOST:ADDRESS` or `HOST=ADDRESS`, or a mapping.
fn extra_hosts(node: &Node<'_>) -> Vec<(String, String)> {
    let one = |node: &Node<'_>, host: &str, address: &str| {
        let address = address.trim().trim_start_matches('[').trim_end_matches(']').to_owned();
        if address.parse::<std::net::IpAddr>().is_err() {
            node.problem(format!("`{address}` is not an IP address"));
        }
        (host.trim().to_owned(), address)
    };
    if matches!(node.value(), Value::Sequence(_)) {
        let items = node.items().unwrap_or_default();
        let texts = items.iter().filter_map(|item| Some((item, item.scalar()?)));
        return texts
            .filter_map(|(item, text)| match text.split_once('=').or_else(|| text.split_once(':')) {
                Some((host, address)) => Some(one(item, host, address)),
                None => {
                    item.problem(format!("must be `HOST:ADDRESS`, found `{text}`"));
                    None
                }
            })
            .collect();
    }
    let mut hosts = Vec::new();
    for (host, node) in node.entries().unwrap_or_default() {
        let addresses = node.scalar_or_scalars().unwrap_or_default();
        hosts.extend(addresses.iter().map(|address| one(&node, &host, address)));
    }
    hosts
}

fn ulimits(node: &Node<'_>) -> BTreeMap<String, Ulimit> {
    // -1 is without limit.
    const LIMIT: std::ops::RangeInclusive<i64> = -1..=i64::MAX;
    let mut ulimits = BTreeMap::new();
    for (name, node) in node.entries().unwrap_or_default() {
        let ulimit = match node.value() {
            Value::Mapping(_) => node.fields().and_then(|fields| {
                let soft = fields.required("soft").and_then(|node| node.integer(LIMIT));
                let hard = fields.required("hard").and_then(|node| node.integer(LIMIT));
                fields.finish();
                Some(Ulimit { soft: soft?, hard: hard? })
            }),
            _ => node.integer(LIMIT).map(|limit| Ulimit { soft: limit, hard: limit }),
        };
        if let Some(ulimit) = ulimit {
            ulimits.insert(name, ulimit);
        }
    }
    ulimits
}

fn logging(node: &Node<'_>) -> Option<Logging> {
    let fields = node.fields()?;
    let logging = Logging {
        driver: fields.take("driver").and_then(|node| node.string()),
        options: fields.take("options").and_then(|node| node.text_map()).unwrap_or_default(),
    };
    extensions(&fields);
    fields.finish();
    Some(logging)
}

/// A duration under a key.
pub(super) fn duration(fields: &Fields<'_>, key: &'static str) -> Option<Duration> {
    let node = fields.take(key)?;
    node.take(parse_duration(&node.scalar()?))
}

/// A number under a key, 0 or more.
pub(super) fn count(fields: &Fields<'_>, key: &'static str) -> Option<u32> {
    fields.take(key)?.integer(0..=i64::from(u32::MAX)).and_then(|count| u32::try_from(count).ok())
}
