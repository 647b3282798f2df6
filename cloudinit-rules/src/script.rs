//! Turns steps into a script of bash's that takes them in a guest, at every boot: all it needs is what a systemd machine has.
//! It says where it stops and how it ended, on standard output and by its status.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::action::{Action, File, Steps, User, go_quoted};

/// What the steps are made of.
const FUNCTIONS: &str = include_str!("script.sh");

/// The script of these steps. `root` stands before every path; empty on a machine.
pub fn script(steps: &Steps, root: &str) -> String {
    let mut script = format!("#!/bin/bash\nroot={}\n{FUNCTIONS}\n", word(root).unwrap_or_default());
    for action in &steps.first {
        script.push_str(&group(std::slice::from_ref(action)));
    }
    script.push_str("[ $failed -eq 0 ] || exit 1\n");
    for part in &steps.parts {
        script.push_str(&group(part));
    }
    script.push_str("[ $failed -ne 0 ] || say 'all steps are done'\nexit $failed\n");
    script
}

/// Steps of which each ends the group when it fails. Not in a condition, where a shell would go on.
fn group(actions: &[Action]) -> String {
    let steps: String = actions.iter().map(|action| named_step(action).unwrap_or_else(refusal)).collect();
    format!("(\nset -e\ntrap 'ended $?' EXIT\n{steps}:\n)\n[ $? -eq 0 ] || failed=1\n")
}

/// What no argument of a program can hold is where coreos-cloudinit stops too.
fn refusal() -> String {
    "doing=this\nstop 'a value has a NUL in it'\n".to_owned()
}

fn named_step(action: &Action) -> Option<String> {
    Some(format!("doing={}\n{}", word(&name(action))?, step(action)?))
}

/// How a step is called when it fails.
fn name(action: &Action) -> String {
    match action {
        Action::SetHostname(_) => "the hostname".to_owned(),
        Action::SetUpAccount(user) => format!("user {}", user.name),
        Action::AuthorizeKeys { user, .. } => format!("the keys of user {user}"),
        Action::WriteFile(file) => format!("file {}", file.path),
        Action::WriteHosts => "file /etc/hosts".to_owned(),
        Action::SetUpdates(_) => "file /etc/coreos/update.conf".to_owned(),
        Action::SetEnvironment(_) => "file /etc/environment".to_owned(),
        Action::Mask(path) => format!("mask {path}"),
        Action::Unmask(path) => format!("unmask {path}"),
        Action::Enable { unit, .. } => format!("enable {unit}"),
        Action::Reload => "daemon-reload".to_owned(),
        Action::RestartNetworkd => "restart systemd-networkd.service".to_owned(),
        Action::Command { unit, command } => format!("{command} {unit}"),
        Action::CommandOfUpdates { unit, command } => format!("{command} {unit}"),
        Action::RunScript(_) => "the script".to_owned(),
        Action::Stop(_) | Action::PassOver(_) => "this".to_owned(),
    }
}

fn step(action: &Action) -> Option<String> {
    Some(match action {
        Action::SetHostname(name) => format!("hostnamectl set-hostname {}\n", word(name)?),
        Action::SetUpAccount(user) => account(user)?,
        Action::AuthorizeKeys { user, keys } => {
            let lines: String = keys.iter().map(|key| format!("{}\n", key.trim())).collect();
            format!("authorize {}{}", word(user)?, input(lines.as_bytes()))
        }
        Action::WriteFile(File { path, content, permissions, owner }) => {
            let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
            let (folder, path, owner) = (word(folder)?, word(path)?, word(owner)?);
            format!("write_file {folder} {path} {permissions:04o} {owner}{}", input(content))
        }
        Action::WriteHosts => "write_hosts\n".to_owned(),
        Action::SetUpdates(settings) => {
            let mut settings: Vec<_> = settings.iter().collect();
            settings.sort();
            let words: Option<Vec<String>> =
                settings.iter().map(|(name, value)| Some(format!("{name} {}", word(value)?))).collect();
            format!("set_updates {}\n", words?.join(" "))
        }
        Action::SetEnvironment(address) => format!("set_environment {}\n", word(address)?),
        Action::Mask(path) => format!("mask {}\n", word(path)?),
        Action::Unmask(path) => format!("unmask {}\n", word(path)?),
        Action::Enable { unit, is_runtime } => {
            let runtime = if *is_runtime { " --runtime" } else { "" };
            format!("systemctl enable --quiet --force --no-reload{runtime} -- {}\n", word(unit)?)
        }
        Action::Reload => "systemctl daemon-reload\n".to_owned(),
        Action::RestartNetworkd => "systemctl restart systemd-networkd.service\n".to_owned(),
        Action::Command { unit, command } => format!("command_unit {command} {}\n", word(unit)?),
        Action::CommandOfUpdates { unit, command } => format!("command_updates {command} {unit}\n"),
        Action::RunScript(text) => format!("run_script{}", input(text.as_bytes())),
        Action::Stop(why) => format!("stop {}\n", word(why)?),
        Action::PassOver(what) => format!("say {}\n", word(&format!("passed over: {what}"))?),
    })
}

/// `system/user.go:32`
fn account(user: &User) -> Option<String> {
    let hash = if user.passwd.is_empty() { "*" } else { &user.passwd };
    let mut arguments = vec!["--password", hash];
    let (gecos, groups) = (go_quoted(&user.gecos), user.groups.join(","));
    let with_value = |arguments: &mut Vec<_>, name, value, is_given: bool| {
        if is_given {
            arguments.extend([name, value]);
        }
    };
    with_value(&mut arguments, "--comment", gecos.as_str(), !user.gecos.is_empty());
    with_value(&mut arguments, "--home-dir", user.homedir.as_str(), !user.homedir.is_empty());
    arguments.push(if user.no_create_home { "--no-create-home" } else { "--create-home" });
    with_value(&mut arguments, "--gid", user.primary_group.as_str(), !user.primary_group.is_empty());
    with_value(&mut arguments, "--groups", groups.as_str(), !user.groups.is_empty());
    let flags =
        [("--no-user-group", user.no_user_group), ("--system", user.system), ("--no-log-init", user.no_log_init)];
    arguments.extend(flags.into_iter().filter(|(_, is_given)| *is_given).map(|(name, _)| name));
    with_value(&mut arguments, "--shell", user.shell.as_str(), !user.shell.is_empty());
    arguments.push(&user.name);
    let arguments: Option<Vec<String>> = arguments.into_iter().map(word).collect();
    Some(format!("account {} {} {}\n", word(&user.name)?, word(&user.passwd)?, arguments?.join(" ")))
}

/// A word of the shell's; none when it has a NUL.
fn word(text: &str) -> Option<String> {
    (!text.contains('\0')).then(|| format!("'{}'", text.replace('\'', r"'\''")))
}

/// Bytes on the standard input of what stands before. No line of base64 is the word that ends it.
fn input(bytes: &[u8]) -> String {
    let encoded = STANDARD.encode(bytes);
    let mut lines = String::from(" <<'END'\n");
    let mut rest = encoded.as_str();
    while !rest.is_empty() {
        let (line, after) = rest.split_at(rest.len().min(76));
        lines.push_str(line);
        lines.push('\n');
        rest = after;
    }
    lines + "END\n"
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::action::steps;
    use std::fs;
    use std::os::unix::fs::{PermissionsExt as _, symlink};
    use std::path::Path;
    use std::process::Command;

    /// Programs that would change this machine only write down how they were called.
    const STAND_INS: [&str; 9] =
        ["hostnamectl", "systemctl", "systemd-run", "useradd", "chown", "chpasswd", "getent", "id", "uname"];

    struct Machine {
        folder: tempfile::TempDir,
    }

    impl Machine {
        fn new() -> Self {
            let machine = Self { folder: tempfile::tempdir().unwrap() };
            fs::create_dir_all(machine.path("root")).unwrap();
            fs::create_dir_all(machine.path("bin")).unwrap();
            for name in STAND_INS {
                let does = match name {
                    "getent" => "echo \"$2:x:500:500::/home/$2:/bin/bash\"",
                    "id" => "[ \"$3\" != ann ] && echo 500",
                    "uname" => "echo node",
                    "hostnamectl" => "[ \"$2\" != fails ]",
                    "chpasswd" => "cat >> \"$LOG\"; echo >> \"$LOG\"",
                    "systemctl" => {
                        "case \"$*\" in *fails*|*refuses*) [ \"$1\" = show ] && echo loaded;; esac
                         case \"$*\" in *fails*) exit 1;; *refuses*) exit 4;; *missing*) exit 5;; esac"
                    }
                    _ => "",
                };
                let is_told = !["getent", "id", "uname"].contains(&name);
                let tells = if is_told { format!("echo \"{name} $*\" >> \"$LOG\"") } else { String::new() };
                let path = machine.path("bin").join(name);
                fs::write(&path, format!("#!/bin/sh\n{tells}\n{does}\n")).unwrap();
                fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
            }
            machine
        }

        fn path(&self, name: &str) -> std::path::PathBuf {
            self.folder.path().join(name)
        }

        fn file(&self, path: &str) -> Vec<u8> {
            let path = self.path("root").join(path.trim_start_matches('/'));
            fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
        }

        /// Status, what was said, and the calls.
        fn boot(&self, user_data: &str) -> (Option<i32>, String, String) {
            self.boot_with(user_data, true)
        }

        fn boot_with(&self, user_data: &str, is_silent: bool) -> (Option<i32>, String, String) {
            let root = self.path("root");
            let script = script(&steps(user_data, "10.0.0.4"), root.to_str().unwrap());
            fs::write(self.path("script"), script).unwrap();
            fs::write(self.path("log"), "").unwrap();
            let search = format!("{}:/usr/bin:/bin", self.path("bin").display());
            let output = Command::new("/bin/bash")
                .arg(self.path("script"))
                .env("PATH", search)
                .env("LOG", self.path("log"))
                .output()
                .unwrap();
            assert!(!is_silent || output.stderr.is_empty(), "{user_data}: {}", output.stderr.escape_ascii());
            let log = fs::read_to_string(self.path("log")).unwrap();
            let log = log.replace(root.to_str().unwrap(), "");
            (output.status.code(), String::from_utf8(output.stdout).unwrap(), log)
        }
    }

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o7777
    }

    #[test]
    fn a_machine_is_set_up_and_set_up_again() {
        let machine = Machine::new();
        let root = machine.path("root");
        fs::create_dir_all(root.join("home/core/.ssh")).unwrap();
        fs::write(root.join("home/core/.ssh/authorized_keys"), "old").unwrap();
        fs::create_dir_all(root.join("etc/coreos")).unwrap();
        fs::write(root.join("etc/coreos/update.conf"), "GROUP=stable\n#x\r\nREBOOT_STRATEGYX\n").unwrap();
        fs::write(root.join("etc/environment"), "A=1\r\nCOREOS_PRIVATE_IPV4=old\nB=2").unwrap();
        fs::create_dir_all(root.join("run/systemd/system")).unwrap();
        symlink("/dev/null", root.join("run/systemd/system/b.service")).unwrap();
        let user_data = r#"#cloud-config
hostname: node.x
ssh_authorized_keys: ['key a', 'key b']
manage_etc_hosts: localhost
users:
- {name: core, passwd: '$6$x$y'}
- {name: ann, passwd: h, gecos: 'Ann ''O" ', groups: [a, b], system: true, no_create_home: true, shell: /bin/sh}
write_files:
- {path: /srv/it's/a b, content: AP8K, encoding: base64, permissions: 0600, owner: 'core:core'}
- {path: /srv/empty}
coreos:
  update: {reboot_strategy: off, group: it's&\beta}
  units:
  - {name: a.service, content: 'x', enable: true, command: start}
  - {name: b.service, runtime: true}
  - {name: fails.service, command: restart}
  - {name: c.service, mask: true}
"#;
        for boot in 0..2 {
            let (status, said, calls) = machine.boot(user_data);
            assert_eq!(status, Some(0), "{said}");
            assert_eq!(said, "user-data: restart of fails.service did not succeed\nuser-data: all steps are done\n");
            let temporary = |line: &&str| !line.contains("/cloudinit-temp");
            let calls: Vec<&str> = calls.lines().filter(temporary).collect();
            let expected = [
                "hostnamectl set-hostname node",
                "chown -R -- core:500 /home/core/.ssh",
                "chpasswd -e",
                "core:$6$x$y",
                r#"useradd --password h --comment "Ann 'O\" " --no-create-home --groups a,b --system --shell /bin/sh ann"#,
                "systemctl enable --quiet --force --no-reload -- a.service",
                "systemctl daemon-reload",
                "systemctl start -- a.service",
                "systemctl restart -- fails.service",
                "systemctl show --property=LoadState --value -- fails.service",
                "systemctl stop -- locksmithd.service",
                "systemctl restart -- update-engine.service",
            ];
            assert_eq!(calls, expected, "boot {boot}");
            assert_eq!(machine.file("/home/core/.ssh/authorized_keys"), b"key a\nkey b\nold\n");
            assert_eq!(machine.file("/srv/it's/a b"), b"\0\xff\n");
            assert_eq!(mode(&root.join("srv/it's/a b")), 0o600);
            assert_eq!((machine.file("/srv/empty"), mode(&root.join("srv/empty"))), (Vec::new(), 0o644));
            assert_eq!(fs::read_dir(root.join("srv/it's")).unwrap().count(), 1, "no temporary file stays");
            assert_eq!(machine.file("/etc/hosts"), b"127.0.0.1 node\n");
            let updates = "GROUP=it's&\\beta\n#x\nREBOOT_STRATEGY=off\n";
            assert_eq!(String::from_utf8(machine.file("/etc/coreos/update.conf")).unwrap(), updates);
            assert_eq!(machine.file("/etc/environment"), b"A=1\nCOREOS_PRIVATE_IPV4=10.0.0.4\nB=2\n");
            assert_eq!(machine.file("/etc/systemd/system/a.service"), b"x");
            assert!(!root.join("run/systemd/system/b.service").is_symlink(), "unmasked");
            assert_eq!(fs::read_link(root.join("etc/systemd/system/c.service")).unwrap(), Path::new("/dev/null"));
            assert!(root.join("run/systemd/system/locksmithd.service").is_symlink());
        }
    }

    #[test]
    fn what_fails_stops_what_comes_after_it() {
        for (user_data, says) in [
            ("#cloud-config\nusers: x\n", "user-data: nothing of the user-data is applied: line 2"),
            ("#cloud-config\nhostname: \"a\\0\"\n", "user-data: a value has a NUL in it"),
            (
                "#cloud-config\nwrite_files: [{path: /a}, {path: /b, permissions: x}, {path: /after}]\n",
                "user-data: no permissions of `/b`: `x`",
            ),
            (
                "#cloud-config\ncoreos: {units: [{name: missing.service, command: start}, {name: a.service, command: after}]}\n",
                "user-data: no unit to start: missing.service",
            ),
            // A unit that only others may start: systemd answers with an error instead of a job.
            (
                "#cloud-config\ncoreos: {units: [{name: refuses.service, command: start}, {name: a.service, command: after}]}\n",
                "user-data: systemd refuses to start refuses.service",
            ),
            (
                "#cloud-config\ncoreos: {units: [{name: missing.service, enable: true, command: after}]}\n",
                "user-data: stopped at enable missing.service; ",
            ),
        ] {
            let machine = Machine::new();
            let (status, said, calls) = machine.boot(user_data);
            assert_eq!(status, Some(1), "{user_data}: {said}");
            assert!(said.starts_with(says) && said.ends_with("; what comes after it is not done\n"), "{said}");
            assert!(!calls.contains("after") && !machine.path("root/after").exists(), "{calls}");
        }
    }

    #[test]
    fn keys_are_authorized_although_the_hostname_is_not_set() {
        let machine = Machine::new();
        let (status, said, calls) =
            machine.boot("#cloud-config\nhostname: fails\nssh_authorized_keys: [key]\nwrite_files: [{path: /after}]\n");
        assert_eq!(status, Some(1), "{said}");
        assert_eq!(said, "user-data: stopped at the hostname; what comes after it is not done\n");
        assert_eq!(calls, "hostnamectl set-hostname fails\nchown -R -- core:500 /home/core/.ssh\n");
        assert_eq!(machine.file("/home/core/.ssh/authorized_keys"), b"key\n");
        assert!(!machine.path("root/after").exists());
    }

    #[test]
    fn what_a_mask_meets() {
        let machine = Machine::new();
        let folder = machine.path("root/etc/systemd/system");
        fs::create_dir_all(folder.join("empty.service")).unwrap();
        fs::write(folder.join("file.service"), "x").unwrap();
        symlink("/nowhere", folder.join("dangling.service")).unwrap();
        let masks = |name: &str| format!("#cloud-config\ncoreos: {{units: [{{name: {name}.service, mask: true}}]}}\n");
        for (name, status) in [("empty", 0), ("file", 0), ("file", 0), ("new", 0), ("dangling", 1)] {
            let (found, said, _) = machine.boot_with(&masks(name), false);
            assert_eq!(found, Some(status), "{name}: {said}");
            let link = fs::read_link(folder.join(format!("{name}.service"))).unwrap();
            assert_eq!(link == Path::new("/dev/null"), status == 0, "{name}");
        }
    }

    #[test]
    fn a_script_runs_as_a_unit() {
        let machine = Machine::new();
        let (status, said, calls) = machine.boot("#!/bin/sh\necho 'END'\nEND\n");
        assert_eq!((status, said.as_str()), (Some(0), "user-data: all steps are done\n"));
        let unit = String::from_utf8(machine.file("/var/lib/coreos-cloudinit/scripts/unit-name")).unwrap();
        let name = unit.trim_start_matches("coreos-cloudinit-").trim_end_matches(".service");
        let path = format!("/var/lib/coreos-cloudinit/scripts/{name}");
        assert_eq!(calls, format!("systemd-run --quiet --no-block --unit={unit} /bin/bash {path}\n"));
        assert_eq!(machine.file(&path), b"#!/bin/sh\necho 'END'\nEND\n");
    }
}
