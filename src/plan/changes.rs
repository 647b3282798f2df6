//! What a run means to those who use the cluster, in words: what it opens, closes, adds, takes away, and what acts on new
//! machines only. Pure; `plan` and the command that creates show it.

use super::step::{Action, Plan, StepKey};
use crate::spec::{OpenPort, Protocol, SettledSpec};

/// The changes from one spec to the next.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// One sentence each, without a full stop.
    pub others: Vec<String>,
    /// Those that take something away from who uses it now; they want a yes.
    pub taken_away: Vec<String>,
}

impl Changes {
    /// All of them, those that take away first.
    pub fn iter(&self) -> impl Iterator<Item = &String> {
        self.taken_away.iter().chain(&self.others)
    }
}

/// What differs between an earlier run's spec and this one's, and what the plan replaces.
pub fn changes(earlier: Option<&SettledSpec>, spec: &SettledSpec, plan: &Plan) -> Changes {
    let mut changes = Changes::default();
    for step in &plan.steps {
        if let (StepKey::VirtualMachine(_), Action::Replace { reason }) = (step.key, &step.action) {
            changes.taken_away.push(format!("{}: {reason}", step.id));
        }
    }
    ports(earlier, spec, &mut changes);
    let Some(earlier) = earlier else { return changes };
    for source in earlier.ssh_sources.iter().filter(|source| !spec.ssh_sources.contains(source)) {
        changes.taken_away.push(format!("no longer lets `{source}` reach SSH"));
    }
    for source in spec.ssh_sources.iter().filter(|source| !earlier.ssh_sources.contains(source)) {
        changes.others.push(format!("lets `{source}` reach SSH"));
    }
    match spec.node_count.saturating_sub(earlier.node_count) {
        0 => {}
        1 => changes.others.push(format!("adds a machine: {}", spec.machine_name(earlier.node_count))),
        more => changes.others.push(format!(
            "adds {more} machines: {} to {}",
            spec.machine_name(earlier.node_count),
            spec.machine_name(spec.node_count - 1)
        )),
    }
    if earlier.tags != spec.tags {
        changes.others.push("changes the tags of resources".into());
    }
    let of_machines = [
        ("size", earlier.vm_size != spec.vm_size, format!(" `{}`", spec.vm_size)),
        ("image", earlier.image != spec.image, format!(" `{}`", spec.image)),
        ("managed identity", earlier.identities != spec.identities, String::new()),
        ("NTP servers", earlier.ntp_servers != spec.ntp_servers, String::new()),
        ("templates", earlier.templates != spec.templates, String::new()),
        ("user-data format", earlier.user_data_format != spec.user_data_format, String::new()),
        (
            "user-data of your own",
            (&earlier.custom_data, earlier.custom_data_only) != (&spec.custom_data, spec.custom_data_only),
            String::new(),
        ),
    ];
    for (what, _, value) in of_machines.iter().filter(|(_, differs, _)| *differs) {
        changes.others.push(format!("{what}{value}: of new machines only; those that exist stay as they are"));
    }
    changes
}

fn ports(earlier: Option<&SettledSpec>, spec: &SettledSpec, changes: &mut Changes) {
    let before = earlier.map(|earlier| earlier.open_ports.as_slice()).unwrap_or_default();
    let same = |one: &OpenPort, other: &OpenPort| (one.port, one.protocol) == (other.port, other.protocol);
    for port in before.iter().filter(|port| !spec.open_ports.iter().any(|open| same(open, port))) {
        changes.taken_away.push(format!("closes {}", named(port)));
    }
    for port in &spec.open_ports {
        match before.iter().find(|open| same(open, port)) {
            None => changes.others.push(format!("opens {}", named(port))),
            Some(open) if (&open.probe, open.probed()) != (&port.probe, port.probed()) => {
                changes.others.push(format!("asks in another way who serves {}", named(port)));
            }
            Some(_) => {}
        }
    }
}

/// `443/tcp (https)`.
fn named(port: &OpenPort) -> String {
    let protocol = match port.protocol {
        Protocol::Tcp => "tcp",
        Protocol::Udp => "udp",
    };
    format!("{}/{protocol} ({})", port.port, port.name)
}
