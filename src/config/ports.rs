//! Which ports of the load balancer are open: those of a platform's bundle, and one a node for SSH.

use std::collections::BTreeSet;

use super::ClusterInput;
use crate::platform::bundle::Bundle;
use crate::spec::{ClusterSpec, OpenPort, Origin, Problems};

/// The bundle that `--deis` means.
const DEFAULT_PLATFORM: &str = "platform";

/// The ports of the platform that is asked for, else those of the earlier run.
pub(super) fn open(input: &ClusterInput, earlier: Option<&ClusterSpec>, problems: &mut Problems) -> Vec<OpenPort> {
    let shipped = || Bundle::shipped_named(DEFAULT_PLATFORM).map(|bundle| bundle.open_ports(input.nohttps));
    let ports = match (&input.platform, input.deis) {
        (Some(Ok(bundle)), _) => bundle.open_ports(input.nohttps),
        (Some(Err(mistakes)), _) => {
            problems.extend(mistakes.clone());
            return Vec::new();
        }
        (None, Some(true)) => shipped().unwrap_or_default(),
        (None, Some(false)) => Vec::new(),
        (None, None) => {
            let earlier = earlier.map(|earlier| earlier.open_ports.clone()).unwrap_or_default();
            earlier.into_iter().filter(|port| !(port.tls && input.nohttps)).collect()
        }
    };
    if input.nohttps && ports.is_empty() {
        let message = "takes what carries TLS out of the platform's ports, so it needs `--platform` or `--deis`";
        problems.add(Origin::Flag("--nohttps"), message);
    }
    ports
}

/// Names of ports that were open in any earlier run and are not now.
pub(super) fn closed(open_ports: &[OpenPort], earlier: Option<&ClusterSpec>) -> Vec<String> {
    let Some(earlier) = earlier else { return Vec::new() };
    let before = earlier.open_ports.iter().map(|port| &port.name).chain(&earlier.closed_ports);
    let closed: BTreeSet<&String> = before.filter(|name| open_ports.iter().all(|port| port.name != **name)).collect();
    closed.into_iter().cloned().collect()
}

/// The SSH ports end below the last port there is, and keep clear of the platform's.
pub(super) fn check_ssh(first: u16, count: u32, open_ports: &[OpenPort], problems: &mut Problems) {
    let origin = || Origin::Flag("--ssh");
    let last = u32::from(first) + count - 1;
    if first == 0 {
        problems.add(origin(), "must be 1 to 65535, found 0");
        return;
    }
    if last > u32::from(u16::MAX) {
        problems.add(origin(), format!("{count} nodes need ports {first} to {last}; ports end at {}", u16::MAX));
        return;
    }
    for port in open_ports.iter().filter(|port| (u32::from(first)..=last).contains(&u32::from(port.port))) {
        problems.add(
            origin(),
            format!("the SSH ports {first} to {last} include {}, which is the port of `{}`", port.port, port.name),
        );
    }
}

#[cfg(test)]
mod tests {
    use super::super::resolve;
    use super::*;
    use crate::pki::generate_ssh_key_pair;
    use crate::spec::SshPublicKey;

    fn key() -> SshPublicKey {
        generate_ssh_key_pair("test").unwrap().public.parse().unwrap()
    }

    fn input(name: &str) -> ClusterInput {
        ClusterInput { name: name.into(), ..ClusterInput::default() }
    }

    #[test]
    fn ports_come_from_the_platform() {
        let ports = |input: &ClusterInput, earlier: Option<&ClusterSpec>| {
            let spec = resolve(input, earlier, &key()).unwrap();
            spec.open_ports.iter().map(|port| port.port).collect::<Vec<_>>()
        };
        let caprover = || Some(Ok(Bundle::shipped_named("caprover").unwrap()));
        let deis = ClusterInput { deis: Some(true), ..input("mycluster") };
        let earlier = resolve(&deis, None, &key()).unwrap();
        for (platform, deis, nohttps, afresh, later) in [
            (None, None, false, vec![], vec![80, 443, 2222]),
            (None, Some(true), false, vec![80, 443, 2222], vec![80, 443, 2222]),
            (None, Some(true), true, vec![80, 2222], vec![80, 2222]),
            (None, Some(false), false, vec![], vec![]),
            (caprover(), None, false, vec![80, 443, 3000, 996], vec![80, 443, 3000, 996]),
            (caprover(), None, true, vec![80, 3000, 996], vec![80, 3000, 996]),
        ] {
            let input = ClusterInput { platform, deis, nohttps, ..input("mycluster") };
            assert_eq!(ports(&input, None), afresh, "{deis:?} {nohttps}");
            assert_eq!(ports(&input, Some(&earlier)), later, "{deis:?} {nohttps} again");
        }
        let without = ClusterInput { nohttps: true, ..input("mycluster") };
        assert_eq!(ports(&without, Some(&earlier)), [80, 2222], "a port can be closed later");
    }

    #[test]
    fn ssh_ports_keep_clear_of_open_ports() {
        let input = ClusterInput { ssh: Some(2221), deis: Some(true), ..input("mycluster") };
        let problems = resolve(&input, None, &key()).unwrap_err();
        let expected = "`--ssh`: the SSH ports 2221 to 2223 include 2222, which is the port of `builder`";
        assert_eq!(problems.to_string(), expected);
    }
}
