//! What a machine is after the interpreter's steps: those that a local machine takes.

use cloudinit_rules::action::{Action, User as Account, steps};

use super::state::{File, State, Unit, User};

/// Of a machine with the address 10.9.8.7.
pub(super) fn read(text: &str) -> State {
    let steps = steps(text, "10.9.8.7");
    let mut state = State::default();
    state.users.insert("core".into(), User::default());
    let mut units: std::collections::BTreeMap<String, Unit> = std::collections::BTreeMap::new();
    for action in steps.first.into_iter().chain(steps.parts.into_iter().flatten()) {
        match action {
            Action::SetHostname(name) => state.hostname = Some(name),
            Action::SetUpAccount(account) => {
                let user = state.users.entry(account.name.clone()).or_default();
                user.groups = account.groups.iter().cloned().collect();
                user.fields = fields(&account);
            }
            Action::AuthorizeKeys { user, keys } => {
                state.users.entry(user).or_default().keys = keys.into_iter().collect();
            }
            Action::WriteFile(file) => match file.path.strip_prefix("/etc/systemd/system/") {
                Some(place) => {
                    let content = String::from_utf8(file.content).unwrap();
                    match place.split_once(".d/") {
                        Some((unit, name)) => {
                            units.entry(unit.to_owned()).or_default().drop_ins.insert(name.to_owned(), content);
                        }
                        None => units.entry(place.to_owned()).or_default().content = Some(content),
                    }
                }
                None => {
                    let (user, group) = file.owner.split_once(':').unwrap_or((&file.owner, ""));
                    let named = |name: &str| (!name.is_empty()).then(|| name.to_owned());
                    let (user, group) = (named(user), named(group));
                    state.add_file(&file.path, File { content: file.content, mode: file.permissions, user, group });
                }
            },
            Action::Mask(path) => {
                if let Some(unit) = path.strip_prefix("/etc/systemd/system/") {
                    units.entry(unit.to_owned()).or_default().masked = true;
                }
            }
            Action::Enable { unit, is_runtime: false } => drop(units.entry(unit).or_default()),
            Action::Command { unit, command } => {
                let reads_again = unit.starts_with("systemd-") && command == "restart";
                units.entry(unit).or_default().runs |= ["start", "restart"].contains(&&*command) && !reads_again;
            }
            Action::SetUpdates(_)
            | Action::SetEnvironment(_)
            | Action::Unmask(_)
            | Action::Reload
            | Action::CommandOfUpdates { .. } => {}
            Action::Stop(why) | Action::PassOver(why) => panic!("{why}: {text}"),
            _ => panic!("no step of ours: {text}"),
        }
    }
    for (name, unit) in units {
        match name.strip_prefix("format-").and_then(|rest| rest.strip_suffix(".service")) {
            Some(label) => {
                let content = unit.content.unwrap();
                let device = content.split("blkid --probe ").nth(1).and_then(|rest| rest.split(' ').next()).unwrap();
                state.filesystems.insert((device.to_owned(), label.to_owned()));
            }
            None => state.add_unit(&name, unit),
        }
    }
    state
}

fn fields(account: &Account) -> std::collections::BTreeMap<String, String> {
    let texts = [
        ("passwd", &account.passwd),
        ("gecos", &account.gecos),
        ("homedir", &account.homedir),
        ("primary_group", &account.primary_group),
        ("shell", &account.shell),
    ];
    let flags = [
        ("no_create_home", account.no_create_home),
        ("no_user_group", account.no_user_group),
        ("system", account.system),
        ("no_log_init", account.no_log_init),
    ];
    let texts = texts.into_iter().filter(|(_, text)| !text.is_empty()).map(|(name, text)| (name, text.clone()));
    let flags = flags.into_iter().filter(|(_, flag)| *flag).map(|(name, _)| (name, "true".to_owned()));
    texts.chain(flags).map(|(name, text)| (name.to_owned(), text)).collect()
}
