//! What keeps a key of a cloud-config from acting that is right by itself: what coreos-cloudinit stopped at before it came there, or
//! the entry that it is in and that is passed over.

use cloudinit_rules::key::Consequence;

use crate::spec::cloud_config::CORE_USER;
use crate::userdata::keys::Judgement;
use diagnostics::yaml::Step;

/// When coreos-cloudinit comes to a key: stage, entry, step of the entry. `initialize/config.go:85` and `:222`
type Moment = (u8, usize, u8);

/// Before everything, and also where the hostname could not be set.
const KEYS_OF_CORE: Moment = (0, 0, 0);
const HOSTNAME: u8 = 1;
const USERS: u8 = 2;
const FILES: u8 = 3;
const SETTINGS: u8 = 4;
/// Contents, masks, and what is enabled.
const UNITS: u8 = 5;
const LOCKSMITH: u8 = 6;
const COMMANDS: u8 = 7;

/// For each key that was judged the one that keeps it from acting, by their places in what was judged.
pub(super) fn kept_by(judgement: &Judgement<'_>) -> Vec<Option<usize>> {
    let judged = &judgement.judged;
    let stops = judged.iter().enumerate().filter_map(|(index, one)| {
        let stop = match one.mistake.as_ref()?.consequence {
            Consequence::PassedOver => return None,
            Consequence::NothingApplied => KEYS_OF_CORE,
            Consequence::NoFiles => (FILES, 0, 0),
            Consequence::StopsThere => stop(one.node.steps(), judgement),
        };
        Some((stop, index))
    });
    let first = stops.min();
    let keeper = |(index, steps): (usize, &[Step])| {
        let entry = judgement.lost.iter().find(|(entry, cause)| *cause != index && steps.starts_with(entry));
        let stopped = first.filter(|(stop, cause)| *cause != index && moment(steps, judgement) >= *stop);
        entry.map(|(_, cause)| *cause).or(stopped.map(|(_, cause)| cause))
    };
    judged.iter().map(|one| one.node.steps()).enumerate().map(keeper).collect()
}

fn moment(steps: &[Step], judgement: &Judgement<'_>) -> Moment {
    let entry = entry(steps);
    match [key(steps, 0), key(steps, 1)] {
        ["hostname", _] => (HOSTNAME, 0, 0),
        ["users", _] if key(steps, 2) == "ssh_authorized_keys" && is_core(judgement, entry) => KEYS_OF_CORE,
        ["users", _] => (USERS, entry, 0),
        ["write_files", _] => (FILES, entry, 0),
        ["manage_etc_hosts", _] | ["coreos", "update" | "oem" | "flannel"] => (SETTINGS, 0, 0),
        ["coreos", "units"] => match key(steps, 3) {
            "enable" => (UNITS, entry, 1),
            "command" => (COMMANDS, entry, 0),
            "name" if has_command_alone(judgement, entry) => (COMMANDS, entry, 0),
            _ => (UNITS, entry, 0),
        },
        ["coreos", "locksmith"] => (LOCKSMITH, 0, 0),
        _ => KEYS_OF_CORE,
    }
}

/// Where it stops at a key: at a unit's name when systemd is asked for the unit.
fn stop(steps: &[Step], judgement: &Judgement<'_>) -> Moment {
    let entry = entry(steps);
    match [key(steps, 0), key(steps, 1), key(steps, 3)] {
        ["coreos", "units", "name"] if judgement.value["coreos"]["units"][entry]["enable"] == true => (UNITS, entry, 1),
        ["coreos", "units", "name"] => (COMMANDS, entry, 0),
        _ => moment(steps, judgement),
    }
}

fn key(steps: &[Step], at: usize) -> &str {
    match steps.get(at) {
        Some(Step::Key(key)) => key,
        _ => "",
    }
}

/// The element of the document's only list on the way.
fn entry(steps: &[Step]) -> usize {
    let index = |step: &Step| if let Step::Index(index) = step { Some(*index) } else { None };
    steps.iter().find_map(index).unwrap_or_default()
}

fn is_core(judgement: &Judgement<'_>, user: usize) -> bool {
    judgement.value["users"][user]["name"] == CORE_USER
}

fn has_command_alone(judgement: &Judgement<'_>, unit: usize) -> bool {
    let is_of_unit = |steps: &[Step]| {
        [key(steps, 0), key(steps, 1)] == ["coreos", "units"] && entry(steps) == unit && steps.len() > 3
    };
    let mut keys = judgement.judged.iter().map(|one| one.node.steps()).filter(|steps| is_of_unit(steps));
    keys.all(|steps| ["name", "command"].contains(&key(steps, 3)))
}
