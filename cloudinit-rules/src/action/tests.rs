//! What user-data comes to, step by step.

use super::*;

/// Each step in a few words.
fn told(user_data: &str) -> Vec<String> {
    let tell = |action: &Action| match action {
        Action::SetHostname(name) => format!("hostname {name}"),
        Action::SetUpAccount(user) => format!("account {}", user.name),
        Action::AuthorizeKeys { user, keys } => format!("keys {user} {}", keys.join(",")),
        Action::WriteFile(file) => {
            format!("file {} {:o} {} {}", file.path, file.permissions, file.owner, file.content.escape_ascii())
        }
        Action::WriteHosts => "hosts".to_owned(),
        Action::SetUpdates(settings) => format!("updates {settings:?}"),
        Action::SetEnvironment(address) => format!("environment {address}"),
        Action::Mask(path) => format!("mask {path}"),
        Action::Unmask(path) => format!("unmask {path}"),
        Action::Enable { unit, is_runtime } => format!("enable {unit} {is_runtime}"),
        Action::Reload => "reload".to_owned(),
        Action::RestartNetworkd => "networkd".to_owned(),
        Action::Command { unit, command } => format!("{command} {unit}"),
        Action::CommandOfUpdates { unit, command } => format!("{command} {unit}, if there"),
        Action::RunScript(text) => format!("script {text}"),
        Action::Stop(why) => format!("stop: {why}"),
        Action::PassOver(what) => format!("pass over {what}"),
    };
    let steps = steps(user_data, "10.0.0.4");
    let mut told: Vec<String> = steps.first.iter().map(tell).collect();
    for part in &steps.parts {
        told.extend(part.iter().map(tell));
    }
    // The same in every cloud-config that comes to its units, and told once.
    let is_last_unmasked = |told: &String| told == "unmask /run/systemd/system/locksmithd.service";
    if let Some(last) = told.iter().position(is_last_unmasked) {
        let section = |name: &&str| format!("unmask /run/systemd/system/{name}");
        let sections: Vec<String> = UNITS_OF_SECTIONS.iter().map(section).collect();
        let placed = usize::from(told[last - 1].starts_with("file /run/systemd/system/locksmithd.service.d/"));
        let first = last - placed - 3;
        assert_eq!(told[first..last - placed], sections[..3], "{user_data}");
        told.remove(last);
        told.drain(first..first + 3);
    }
    told
}

#[test]
fn rule_by_rule() {
    let long = format!("hostname {}", "n".repeat(63));
    let environment = "environment 10.0.0.4";
    let unit = |text: &str| format!("coreos: {{units: [{text}]}}");
    for (text, expected) in [
        (String::new(), vec![environment]),
        ("hostname: node.example.com".into(), vec!["hostname node", environment]),
        (format!("hostname: {}", "n".repeat(80)), vec![&*long, environment]),
        (
            "ssh_authorized_keys: [a]\nusers: [{name: core, passwd: x, ssh_authorized_keys: [b, a]}]".into(),
            vec!["keys core a,b", "account core", environment],
        ),
        (
            "users: [{name: ann, ssh_authorized_keys: [k]}, {gecos: x}]".into(),
            vec!["account ann", "keys ann k", "pass over a user without a name", environment],
        ),
        (
            "users: [{name: ann, coreos_ssh_import_github: ann}]".into(),
            vec!["pass over keys of `ann` that are to be fetched", "account ann", environment],
        ),
        (
            "write_files: [{path: etc/../a//b, content: $private_ipv4}, {path: /c, permissions: 4755, owner: core}]"
                .into(),
            vec!["file /a/b 644  10.0.0.4", "file /c 755 core ", environment],
        ),
        ("write_files: [{path: /etc//environment, content: A=1}]".into(), vec!["file /etc/environment 644  A=1"]),
        (
            "write_files: [{path: etc/environment, content: A=1}]".into(),
            vec!["file /etc/environment 644  A=1", environment],
        ),
        (
            "write_files: [{path: /a, permissions: '+600'}, {path: /b, permissions: '37777777777'}]".into(),
            vec!["file /a 600  ", "stop: no permissions of `/b`: `37777777777`", environment],
        ),
        (
            "write_files: [{path: /a, permissions: rw}, {path: /}]".into(),
            vec!["stop: no permissions of `/a`: `rw`", "stop: no path of a file: `/`", environment],
        ),
        ("manage_etc_hosts: localhost".into(), vec!["hosts", environment]),
        ("manage_etc_hosts: all".into(), vec!["stop: `manage_etc_hosts` is not `localhost`: `all`"]),
        ("coreos: {update: {reboot_strategy: best-effort}}".into(), vec!["stop: no reboot strategy: `best-effort`"]),
        (
            "coreos: {update: {reboot_strategy: off, group: beta}}".into(),
            vec![
                r#"updates [("REBOOT_STRATEGY", "off"), ("GROUP", "beta")]"#,
                environment,
                "mask /run/systemd/system/locksmithd.service",
                "stop locksmithd.service, if there",
                "restart update-engine.service, if there",
            ],
        ),
        (
            "coreos: {locksmith: {window_length: 1h, endpoint: http://a}}".into(),
            vec![
                environment,
                "file /run/systemd/system/locksmithd.service.d/20-cloudinit.conf 644  [Service]\\nEnvironment=\\\"LOCKSMITHD_ENDPOINT=http://a\\\"\\nEnvironment=\\\"LOCKSMITHD_REBOOT_WINDOW_LENGTH=1h\\\"\\n",
                "reload",
            ],
        ),
        (
            "coreos: {flannel: {interface: eth0, ip_masq: true}}".into(),
            vec!["file /run/flannel/options.env 644  FLANNELD_IP_MASQ=true\\nFLANNELD_IFACE=eth0", environment],
        ),
        (
            "coreos: {oem: {id: a, name: A B}}".into(),
            vec![
                "file /etc/oem-release 644  ID=a\\nVERSION_ID=\\nNAME=\\\"A B\\\"\\nHOME_URL=\\\"\\\"\\nBUG_REPORT_URL=\\\"\\\"\\n",
                environment,
            ],
        ),
        ("coreos: {etcd2: {name: a}, fleet: {x: y}, etcd: null}".into(), vec![environment]),
        (
            "coreos: {etcd2: [a]}".into(),
            vec!["stop: nothing of the user-data is applied: line 2: `coreos.etcd2` must be a mapping, found a list"],
        ),
        (
            unit("{name: locksmithd.service, mask: true, runtime: true}"),
            vec![environment, "mask /run/systemd/system/locksmithd.service"],
        ),
        (
            unit(
                "{name: a.service, content: x, command: restart, enable: true}, {name: b.service, mask: true, drop_ins: [{name: c.conf, content: y}, {name: d.conf}]}",
            ),
            vec![
                environment,
                "file /etc/systemd/system/a.service 644  x",
                "enable a.service false",
                "file /etc/systemd/system/b.service.d/c.conf 644  y",
                "mask /etc/systemd/system/b.service",
                "reload",
                "restart a.service",
            ],
        ),
        (
            unit(
                "{name: a.service, runtime: true, content: x, enable: true}, {name: b.network, content: y, command: start, enable: true}",
            ),
            vec![
                environment,
                "file /run/systemd/system/a.service 644  x",
                "unmask /run/systemd/system/a.service",
                "enable a.service true",
                "file /etc/systemd/network/b.network 644  y",
                "reload",
                "networkd",
            ],
        ),
        (
            unit("{command: start}, {name: a.service, command: kill}"),
            vec![environment, "pass over a unit without a name", "stop: no command for `a.service`: `kill`"],
        ),
        (
            "hostname: a\nusers: b".into(),
            vec!["stop: nothing of the user-data is applied: line 3: `users` must be a list, found `b`"],
        ),
    ] {
        assert_eq!(told(&format!("#cloud-config\n{text}\n")), expected, "{text}");
    }
}

#[test]
fn units_of_sections_are_unmasked() {
    let steps = steps("#cloud-config\ncoreos: {units: [{name: fleet.service, mask: true, runtime: true}]}\n", "");
    let [part] = steps.parts.as_slice() else { panic!("one part") };
    let paths = |action: &Action| match action {
        Action::Mask(path) => format!("mask {path}"),
        Action::Unmask(path) => format!("unmask {path}"),
        _ => "another".to_owned(),
    };
    let expected = [
        "mask /run/systemd/system/fleet.service",
        "unmask /run/systemd/system/etcd.service",
        "unmask /run/systemd/system/etcd2.service",
        "unmask /run/systemd/system/fleet.service",
        "unmask /run/systemd/system/locksmithd.service",
    ];
    assert_eq!(part.iter().map(paths).collect::<Vec<_>>(), expected, "and no address is none to write down");
}

#[test]
fn quoted_as_go_does() {
    for (text, quoted) in [
        ("Ann 'O\" \\", r#""Ann 'O\" \\""#),
        ("\u{7}\u{8}\u{b}\u{c}\n\r\t", r#""\a\b\v\f\n\r\t""#),
        ("\0\u{1b}\u{7f}", r#""\x00\x1b\x7f""#),
        ("ü \u{a0}\u{2028}\u{85}", r#""ü \u00a0\u2028\u0085""#),
    ] {
        assert_eq!(go_quoted(text), quoted, "{text:?}");
    }
}

#[test]
fn kinds_of_user_data() {
    const START: &str = "MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=X\n\n";
    let other = "pass over a part of another kind than cloud-config and script";
    let nothing = |why: &str| format!("stop: nothing of the user-data is applied: {why}");
    let part = |kind: &str, body: &str| format!("--X\nContent-Type: {kind}\n\n{body}\n");
    let file = |parts: &str| format!("{START}{parts}--X--\n");
    let script = "#!/bin/sh\necho $private_ipv4";
    let environment = "environment 10.0.0.4";
    let mut nested = "#!/bin/sh".to_owned();
    let mut nesting = Vec::new();
    for depth in 0..9 {
        let inner = format!("--{depth}\nContent-Type: text/plain\n\n{nested}\n--{depth}--\n");
        nested = format!("Content-Type: multipart/mixed; boundary={depth}\n\n{inner}");
        nesting.push(nested.clone());
    }
    for (text, expected) in [
        (String::new(), vec![]),
        (script.to_owned(), vec!["script #!/bin/sh\necho 10.0.0.4".to_owned()]),
        (
            file(
                &[
                    part("text/cloud-config", "hostname: node"),
                    part("text/x-shellscript", script),
                    part("text/plain", "hi"),
                ]
                .concat(),
            ),
            ["hostname node", environment, "script #!/bin/sh\necho 10.0.0.4", other].map(str::to_owned).to_vec(),
        ),
        ("hello".to_owned(), vec![other.to_owned()]),
        (file(&part("text/x-shellscript", "echo")), vec![nothing("line 5: a script begins with `#!`")]),
        (file(&part("text/plain", script)), vec!["script #!/bin/sh\necho 10.0.0.4".to_owned()]),
        (
            file(&part("text/cloud-config", "hostname: a")),
            vec![nothing("coreos-cloudinit crashes at a cloud-config of fewer than 13 bytes")],
        ),
        (file("--X\n\nhi\n"), vec![nothing("line 5: the file has a part without a `Content-Type` that can be read")]),
        (file("--X\nContent-Type: image/png\nContent-Transfer-Encoding: base64\n\niVBORw0K\n"), vec![other.to_owned()]),
        (
            file("--X\nContent-Type: text/plain\nContent-Transfer-Encoding: base64\n\nIyH/\n"),
            vec![nothing("line 5: a part is not UTF-8")],
        ),
        (
            file("--X\nContent-Type: text/plain\nContent-Transfer-Encoding: base64\n\n%\n"),
            vec![nothing("line 5: a part is not base64")],
        ),
        // A part that says of itself that it has parts does not begin with headers.
        (
            file(&part("multipart/mixed; boundary=Y", "--Y\nContent-Type: text/plain\n\n#!/bin/sh\n--Y--")),
            vec![other.to_owned()],
        ),
        (nesting[7].clone(), vec!["script #!/bin/sh".to_owned()]),
        (nesting[8].clone(), vec![nothing("parts have parts, more than 8 deep")]),
    ] {
        assert_eq!(told(&text), expected, "{text}");
    }
}
