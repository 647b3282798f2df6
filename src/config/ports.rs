//! Which ports of the load balancer are open: those of a platform's bundle, and one a node for SSH.

use std::cmp::Ordering;
use std::collections::BTreeSet;

use super::parameter::{DEIS, NOHTTPS, NUM_NODES, OPEN, PLATFORM, SSH};
use super::resolver::Resolver;
use crate::spec::{ClusterSpec, LAST_FRONT_PORT, OpenPort, Protocol};

/// What a port of the machines is for, when the world must not reach it, or reaches it in another way.
fn reserved(port: u16) -> Option<String> {
    match (port, nodes::ports::owner(port)?) {
        (nodes::ports::SSH, owner) => {
            Some(format!("{owner}, which each has a public port of its own for (`--ssh`, `--ssh-source`)"))
        }
        (_, owner) => Some(format!("{owner}'s own, for the machines among themselves")),
    }
}

/// The ports of the platform that is asked for, else those of the earlier run.
///
/// Also whether those that carry TLS are left out.
pub(super) fn open(resolver: &mut Resolver) -> (Vec<OpenPort>, bool) {
    let asked = resolver.switch(&NOHTTPS);
    let without_tls = asked.unwrap_or_else(|| resolver.earlier.is_some_and(|earlier| earlier.without_tls));
    let deis = resolver.switch(&DEIS);
    let earlier = resolver.earlier.map(|earlier| earlier.open_ports.clone()).unwrap_or_default();
    let (earlier_extra, earlier): (Vec<OpenPort>, Vec<OpenPort>) = earlier.into_iter().partition(|port| port.extra);
    let input = resolver.input;
    let mut ports = match (which(resolver, deis), &input.platform_ports, deis) {
        (Which::Platform, Some(Ok(ports)), _) => ports.clone(),
        (Which::Platform, Some(Err(mistakes)), _) => {
            resolver.problems.extend(mistakes.clone());
            resolver.mark_unreadable(&PLATFORM);
            Vec::new()
        }
        (Which::Deis, _, Some(true)) => input.default_platform_ports.clone(),
        (Which::Deis, ..) => Vec::new(),
        _ => earlier,
    };
    ports.retain(|port| !(port.tls && without_tls));
    if asked == Some(true) && ports.is_empty() && !resolver.is_unreadable(&PLATFORM) {
        let message = "takes what carries TLS out of the platform's ports, so it needs `--platform` or `--deis`";
        resolver.problem(&NOHTTPS, message);
    }
    for port in ports.iter().filter(|port| port.port > LAST_FRONT_PORT) {
        let message =
            format!("port {} of `{}`: a load balancer's ports end at {LAST_FRONT_PORT}", port.port, port.name);
        resolver.problem(&PLATFORM, message);
    }
    for port in resolver.list(&OPEN).unwrap_or(earlier_extra) {
        if let Some(what) = reserved(port.port) {
            resolver.problem(&OPEN, format!("port {} of the machines is {what}", port.port));
            continue;
        }
        match ports.iter().find(|open| (open.port, open.protocol) == (port.port, port.protocol)) {
            Some(open) => resolver.problem(&OPEN, format!("port {} is open already, as `{}`", port.port, open.name)),
            None => ports.push(port),
        }
    }
    (ports, without_tls)
}

/// What says which ports are open.
enum Which {
    Platform,
    Deis,
    Nothing,
}

/// Both are an answer to the same question: the upper layer's counts, and within one layer there must be only one.
fn which(resolver: &mut Resolver, deis: Option<bool>) -> Which {
    match (resolver.given(&PLATFORM), resolver.given(&DEIS)) {
        (Some(platform), Some(flag)) => match platform.origin.rank().cmp(&flag.origin.rank()) {
            Ordering::Greater => Which::Platform,
            Ordering::Less => Which::Deis,
            Ordering::Equal if deis == Some(true) => {
                resolver.problem(&PLATFORM, "`--deis` is `--platform platform` and port 2222; give one of them");
                Which::Nothing
            }
            Ordering::Equal => Which::Platform,
        },
        (Some(_), None) => Which::Platform,
        (None, Some(_)) => Which::Deis,
        (None, None) => Which::Nothing,
    }
}

/// Names of ports that were open in any earlier run and are not now.
pub(super) fn closed(open_ports: &[OpenPort], earlier: Option<&ClusterSpec>) -> Vec<String> {
    let Some(earlier) = earlier else { return Vec::new() };
    let before = earlier.open_ports.iter().map(|port| &port.name).chain(&earlier.closed_ports);
    let closed: BTreeSet<&String> = before.filter(|name| open_ports.iter().all(|port| port.name != **name)).collect();
    closed.into_iter().cloned().collect()
}

/// The SSH ports end with the last port that a load balancer has, and keep clear of the platform's.
pub(super) fn check_ssh(resolver: &mut Resolver, first: u16, count: u32, open_ports: &[OpenPort]) {
    if [&SSH, &NUM_NODES].into_iter().any(|parameter| resolver.is_unreadable(parameter)) {
        return;
    }
    let last = u32::from(first) + count - 1;
    if last > u32::from(LAST_FRONT_PORT) {
        let message = format!("{count} nodes need ports {first} to {last}; ports end at {LAST_FRONT_PORT}");
        resolver.problem(&SSH, message);
        return;
    }
    let made = resolver.earlier.is_some();
    let over_tcp = open_ports.iter().filter(|port| port.protocol == Protocol::Tcp);
    for port in over_tcp.filter(|port| (u32::from(first)..=last).contains(&u32::from(port.port))) {
        let message =
            format!("the SSH ports {first} to {last} include {}, which is the port of `{}`", port.port, port.name);
        let hint = match made {
            true => {
                format!("--ssh stays as the cluster was made with; where port {} is closed, there is room", port.port)
            }
            false => match free_start(count, open_ports) {
                Some(first) => format!("choose another --ssh, such as {first}"),
                None => format!("no {count} ports in a row are left; open fewer"),
            },
        };
        resolver.problem_with_hint(&SSH, message, hint);
    }
}

/// The first port at or after the default with which `count` ports in a row begin that nothing else has.
fn free_start(count: u32, open_ports: &[OpenPort]) -> Option<u16> {
    let taken: BTreeSet<u32> =
        open_ports.iter().filter(|port| port.protocol == Protocol::Tcp).map(|port| u32::from(port.port)).collect();
    let mut first = u32::from(super::network::DEFAULT_FIRST_SSH_PORT);
    while let Some(last_taken) = taken.range(first..first + count).next_back() {
        first = last_taken + 1;
    }
    u16::try_from(first).ok().filter(|_| first + count - 1 <= u32::from(LAST_FRONT_PORT))
}

#[cfg(test)]
mod tests {
    use super::super::parameter::Parameter;
    use super::super::{ClusterInput, resolve};
    use super::*;
    use crate::pki::generate_ssh_key_pair;
    use crate::spec::{PortProbe, SshPublicKey};
    use diagnostics::Origin;

    fn key() -> SshPublicKey {
        generate_ssh_key_pair("test").unwrap().public.parse().unwrap()
    }

    fn input(flags: &[(&Parameter, &str)]) -> ClusterInput {
        let default_platform_ports =
            platform_ports(&[("web", 80, false), ("https", 443, true), ("builder", 2222, false)]);
        ClusterInput { default_platform_ports, ..ClusterInput::flags("mycluster", flags) }
    }

    fn platform_ports(ports: &[(&str, u16, bool)]) -> Vec<OpenPort> {
        ports.iter().map(|&(name, port, tls)| OpenPort::of_platform(name, port, PortProbe::Tcp, 4, tls)).collect()
    }

    fn caprover(mut input: ClusterInput, origin: Origin) -> ClusterInput {
        input.values.insert(&PLATFORM, vec!["caprover".into()], origin);
        let ports = platform_ports(&[
            ("web", 80, false),
            ("https", 443, true),
            ("captain", 3000, false),
            ("registry", 996, false),
        ]);
        ClusterInput { platform_ports: Some(Ok(ports)), ..input }
    }

    fn ports(input: &ClusterInput, earlier: Option<&ClusterSpec>) -> Vec<u16> {
        resolve(input, earlier, &key()).unwrap().open_ports.iter().map(|port| port.port).collect()
    }

    #[test]
    fn ports_come_from_the_platform() {
        let (deis, nohttps) = ((&DEIS, "true"), (&NOHTTPS, "true"));
        let with_caprover = |flags: &[_]| caprover(input(flags), Origin::Flag(PLATFORM.flag));
        let earlier = resolve(&input(&[deis]), None, &key()).unwrap();
        for (input, afresh, later) in [
            (input(&[]), vec![], vec![80, 443, 2222]),
            (input(&[deis]), vec![80, 443, 2222], vec![80, 443, 2222]),
            (input(&[deis, nohttps]), vec![80, 2222], vec![80, 2222]),
            (input(&[(&DEIS, "false")]), vec![], vec![]),
            (with_caprover(&[]), vec![80, 443, 3000, 996], vec![80, 443, 3000, 996]),
            (with_caprover(&[nohttps]), vec![80, 3000, 996], vec![80, 3000, 996]),
        ] {
            assert_eq!(ports(&input, None), afresh, "{input:?}");
            assert_eq!(ports(&input, Some(&earlier)), later, "{input:?} again");
        }
        assert_eq!(ports(&input(&[nohttps]), Some(&earlier)), [80, 2222], "a port can be closed later");
        let closed = resolve(&input(&[deis, nohttps]), None, &key()).unwrap();
        for (flags, later) in [
            (vec![], vec![80, 2222]),
            (vec![deis], vec![80, 2222]),
            (vec![(&NOHTTPS, "false"), deis], vec![80, 443, 2222]),
        ] {
            assert_eq!(ports(&input(&flags), Some(&closed)), later, "{flags:?}");
        }
    }

    #[test]
    fn the_upper_layer_says_which_platform() {
        let file = || Origin::File { path: "c.yaml".into(), line: None };
        assert_eq!(ports(&caprover(input(&[(&DEIS, "true")]), file()), None), [80, 443, 2222]);
        let both = caprover(input(&[(&DEIS, "true")]), Origin::Flag(PLATFORM.flag));
        let problems = resolve(&both, None, &key()).unwrap_err();
        assert_eq!(
            problems.to_string(),
            "`--platform`: `--deis` is `--platform platform` and port 2222; give one of them"
        );
    }

    #[test]
    fn other_ports_can_be_opened() {
        let deis = (&DEIS, "true");
        let earlier = resolve(&input(&[deis, (&OPEN, "8080:/health,53/udp:8053")]), None, &key()).unwrap();
        for (flags, expected) in [
            (vec![], vec![80, 443, 2222, 8080, 53]),
            (vec![(&OPEN, "9000")], vec![80, 443, 2222, 9000]),
            (vec![(&DEIS, "false")], vec![8080, 53]),
        ] {
            assert_eq!(ports(&input(&flags), Some(&earlier)), expected, "{flags:?}");
        }
        let problems = resolve(&input(&[(&OPEN, "22,2375,2376,2379,2374")]), None, &key()).unwrap_err();
        let told: Vec<&str> = problems.iter().map(|problem| problem.message.as_str()).collect();
        assert_eq!(
            told,
            [
                "port 22 of the machines is SSH, which each has a public port of its own for (`--ssh`, `--ssh-source`)",
                "port 2375 of the machines is Docker's own, for the machines among themselves",
                "port 2376 of the machines is Docker's own, for the machines among themselves",
                "port 2379 of the machines is etcd's own, for the machines among themselves",
            ]
        );
        let problems = resolve(&input(&[deis, (&OPEN, "80,8080,8080")]), None, &key()).unwrap_err();
        let told: Vec<&str> = problems.iter().map(|problem| problem.message.as_str()).collect();
        assert_eq!(told, ["port 80 is open already, as `web`", "port 8080 is open already, as `tcp-8080`"]);
    }

    /// A bundle's manifest is a stranger's: its ports are held by the same rule.
    #[test]
    fn a_platforms_ports_end_where_azures_do() {
        let last = OpenPort { port: 65_535, ..input(&[(&OPEN, "80")]).values.text(&OPEN).unwrap().parse().unwrap() };
        let mut input = input(&[(&PLATFORM, "theirs")]);
        input.platform_ports = Some(Ok(vec![last]));
        let problems = resolve(&input, None, &key()).unwrap_err();
        assert_eq!(problems.to_string(), "`--platform`: port 65535 of `tcp-80`: a load balancer's ports end at 65534");
    }

    #[test]
    fn ssh_ports_keep_clear_of_open_ports() {
        let problems = resolve(&input(&[(&SSH, "2221"), (&DEIS, "true")]), None, &key()).unwrap_err();
        let expected = "`--ssh`: the SSH ports 2221 to 2223 include 2222, which is the port of `builder`";
        assert_eq!(problems.to_string(), expected);
    }

    #[test]
    fn the_ssh_port_of_the_hint_is_free() {
        for (open, count, free) in [
            ("22001", "3", Some("22002")),
            ("22004", "6", Some("22005")),
            ("22001,22005,22003/udp:80", "3", Some("22002")),
            ("22001,22004", "3", Some("22005")),
            ("22001,65000", "40", Some("22002")),
        ] {
            let flags = [(&OPEN, open), (&NUM_NODES, count)];
            let problems = resolve(&input(&flags), None, &key()).unwrap_err();
            let hint = problems.iter().find_map(|problem| problem.hint.clone()).unwrap();
            let first = hint.strip_prefix("choose another --ssh, such as ");
            assert_eq!(first, free, "{open} {count}");
            let flags = [(&OPEN, open), (&NUM_NODES, count), (&SSH, first.unwrap())];
            assert!(resolve(&input(&flags), None, &key()).is_ok(), "{open} {count} {hint}");
        }
        let every_fifty: Vec<OpenPort> = platform_ports(&[("web", 80, false)])
            .into_iter()
            .flat_map(|web| (22_001..=LAST_FRONT_PORT).step_by(50).map(move |port| OpenPort { port, ..web.clone() }))
            .collect();
        assert_eq!(free_start(50, &every_fifty), None);
        assert_eq!(free_start(49, &every_fifty), Some(22_002));
    }
}
