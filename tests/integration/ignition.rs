//! Every configuration that is rendered is accepted by the real `ignition-validate`, and what it refuses is refused.

use std::io::Write as _;
use std::process::{Command, Stdio};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use coreos_cluster::config::parameter::{
    COREOS_IMAGE, DATA_DISK, DATA_DISK_COUNT, NTP_SERVERS, NUM_NODES, Parameter, VM_SIZE,
};
use coreos_cluster::pki::{Authority, Material, NodeMaterial};
use coreos_cluster::spec::{Dialect, Overlay, SettledSpec};
use coreos_cluster::userdata::lint::lint;
use coreos_cluster::userdata::{self, Purpose};
use diagnostics::{Origin, Problem};
use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::golden::{asked, material, settled, spec};
use crate::sandbox::fixture;

/// Debian's package `ignition` brings it; `scripts/test` installs that.
fn validate(document: &str) -> Result<(), String> {
    let mut child = Command::new("ignition-validate")
        .arg("-")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("`ignition-validate` is installed");
    child.stdin.take().unwrap().write_all(document.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned() + &String::from_utf8_lossy(&output.stdout);
    // Warnings count: a key that Ignition does not know is a warning only.
    if output.status.success() && said.trim().is_empty() { Ok(()) } else { Err(said) }
}

fn real_material(spec: &SettledSpec) -> Material {
    let authority = Authority::generate(spec.name.as_str()).unwrap();
    let nodes = spec
        .nodes()
        .iter()
        .map(|node| (node.name.clone(), NodeMaterial::generate(&authority, node).unwrap()))
        .collect();
    Material::new(authority, nodes)
}

#[test]
fn every_configuration_is_accepted() {
    let (disk, disks) = ((&DATA_DISK, "100"), (&DATA_DISK_COUNT, "3"));
    type Flags<'a> = &'a [(&'a Parameter, &'a str)];
    let fedora = (&COREOS_IMAGE, "fcos:/CommunityGalleries/ours/Images/fcos");
    let cases: [(&str, Flags, Option<&str>); 12] = [
        ("defaults", &[], None),
        ("data disk", &[disk], None),
        ("data disks", &[disk, disks], None),
        ("nvme", &[disk, disks, (&VM_SIZE, "Standard_D2as_v6")], None),
        ("clients", &[(&NUM_NODES, "7")], None),
        ("ntp", &[(&NTP_SERVERS, "time.example.test")], None),
        ("cloud-config", &[], Some("overlay.yaml")),
        ("every key", &[disk], Some("every-key.yaml")),
        ("ignition", &[], Some("overlay.ign")),
        // Clevis, which is among them, is not on Flatcar.
        ("every key of ignition", &[fedora, disk], Some("every-key.ign")),
        ("fedora coreos alone", &[fedora], None),
        ("fedora coreos", &[fedora, disk, disks, (&NUM_NODES, "4")], Some("every-key.yaml")),
    ];
    for (name, flags, custom_data) in cases {
        let spec = spec(flags, custom_data);
        let material = real_material(&spec);
        for node in spec.nodes() {
            let document = userdata::render(&spec, &node, &material, Dialect::Ignition).unwrap();
            assert_eq!(validate(&document), Ok(()), "{name}: {}", node.name);
        }
    }
}

#[test]
fn the_validator_refuses_what_is_wrong() {
    for wrong in [
        r#"{"ignition": {"version": "9.9.9"}}"#,
        r#"{"ignition": {"version": "3.3.0"}, "storage": {"files": [{"path": "relative"}]}}"#,
        r#"{"ignition": {"version": "3.3.0"}, "systemd": {"units": [{"name": "x.service", "drop_ins": []}]}}"#,
    ] {
        assert!(validate(wrong).is_err(), "{wrong}");
    }
}

/// What Ignition writes: the bytes that a data URL stands for.
fn decoded(source: &str) -> Vec<u8> {
    match (source.strip_prefix("data:;base64,"), source.strip_prefix("data:,")) {
        (Some(packed), _) => STANDARD.decode(packed).unwrap(),
        (None, Some(escaped)) => {
            let mut bytes = Vec::new();
            let mut rest = escaped.bytes();
            while let Some(byte) = rest.next() {
                bytes.push(match byte {
                    b'%' => {
                        let digits = [rest.next().unwrap(), rest.next().unwrap()];
                        u8::from_str_radix(std::str::from_utf8(&digits).unwrap(), 16).unwrap()
                    }
                    byte => byte,
                });
            }
            bytes
        }
        (None, None) => panic!("{source}"),
    }
}

/// Lines as people write them into files, and whatever else a text can hold.
fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("#!/bin/sh\n[ -f /etc/x ] || exit 1\n".to_owned()),
        Just("[Match]\nName=eth1\n".to_owned()),
        "[ -~\n\t]{0,80}",
        "[\\[\\]{}<>\"'`|^%#?&+=:;,/ \\\\]{0,40}",
        vec(any::<char>(), 0..30).prop_map(String::from_iter),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_content_reaches_the_machine(texts in vec(text(), 1..12), blobs in vec(vec(any::<u8>(), 0..60), 1..12)) {
        let contents: Vec<Vec<u8>> = texts.iter().map(|text| text.clone().into_bytes()).chain(blobs.clone()).collect();
        let as_text = texts.iter().map(|text| json!({"content": text.replace('$', "S")}));
        let as_base64 = blobs.iter().map(|bytes| json!({"encoding": "base64", "content": STANDARD.encode(bytes)}));
        let files: Vec<Value> = as_text
            .chain(as_base64)
            .enumerate()
            .map(|(index, mut file)| {
                file["path"] = json!(format!("/opt/file{index}"));
                file
            })
            .collect();
        // JSON is YAML, but for what only escapes of YAML can say.
        let config = format!("#cloud-config\n{}\n", escaped(&json!({"write_files": files}).to_string()));
        let mut spec = asked(&[], None);
        spec.custom_data = Some(Overlay::parse("x", &config, Purpose::default()).unwrap());
        let spec = settled(spec);
        let material = material(&spec);
        let document = userdata::render(&spec, &spec.nodes()[0], &material, Dialect::Ignition).unwrap();
        prop_assert_eq!(validate(&document), Ok(()));
        let document: Value = serde_json::from_str(&document).unwrap();
        for (index, content) in contents.iter().enumerate() {
            let path = format!("/opt/file{index}");
            let files = document["storage"]["files"].as_array().unwrap();
            let file = files.iter().find(|file| file["path"] == path.as_str()).unwrap();
            let written = decoded(file["contents"]["source"].as_str().unwrap());
            let expected: Vec<u8> = match index < texts.len() {
                true => content.iter().map(|byte| if *byte == b'$' { b'S' } else { *byte }).collect(),
                false => content.clone(),
            };
            prop_assert_eq!(written, expected);
        }
    }
}

/// Everything that is not plain ASCII as an escape that YAML and JSON both know, or YAML alone.
fn escaped(json: &str) -> String {
    json.chars()
        .map(|character| match character {
            ' '..='~' => character.to_string(),
            character if u32::from(character) <= 0xffff => format!("\\u{:04x}", u32::from(character)),
            character => format!("\\U{:08x}", u32::from(character)),
        })
        .collect()
}

/// Each place of a document with a value of each other kind.
fn of_another_kind(document: &Value) -> Vec<(String, Value)> {
    fn places(value: &Value, pointer: &str, found: &mut Vec<String>) {
        if !pointer.is_empty() {
            found.push(pointer.to_owned());
        }
        match value {
            Value::Object(entries) => {
                entries.iter().for_each(|(key, value)| places(value, &format!("{pointer}/{key}"), found));
            }
            Value::Array(items) => {
                items.iter().enumerate().for_each(|(index, value)| places(value, &format!("{pointer}/{index}"), found));
            }
            _ => {}
        }
    }
    let mut found = Vec::new();
    places(document, "", &mut found);
    let kinds = [json!("words"), json!(7), json!(true), json!({}), json!([])];
    let is_same = |one: &Value, other: &Value| std::mem::discriminant(one) == std::mem::discriminant(other);
    let mut changed = Vec::new();
    for pointer in found {
        for kind in &kinds {
            let mut document = document.clone();
            let place = document.pointer_mut(&pointer).unwrap();
            if !is_same(place, kind) {
                *place = kind.clone();
                changed.push((pointer.clone(), document));
            }
        }
    }
    changed
}

/// The image on which every key acts.
const FEDORA_COREOS: Purpose = Purpose::Merged { dialect: Dialect::Ignition, fedora_coreos: true };

/// What the lint and the merge say: nothing, or the places and reasons.
fn judged(text: &str) -> (Vec<String>, Vec<String>) {
    let findings = lint("x", text.as_bytes()).unwrap().findings;
    let idle = findings.into_iter().filter(|finding| !finding.fedora_coreos.acts()).map(|finding| finding.key);
    let merged = Overlay::parse("x", text, FEDORA_COREOS).err();
    let placed = |problem: &Problem| match &problem.origin {
        Origin::File { line: Some(line), .. } => format!("line {line}: {}", problem.message),
        _ => problem.message.clone(),
    };
    (idle.collect(), merged.iter().flat_map(|problems| problems.iter().map(placed)).collect())
}

#[test]
fn no_key_of_ignition_takes_a_value_of_another_kind() {
    let document: Value = serde_json::from_str(&fixture("every-key.ign")).unwrap();
    assert_eq!(validate(&document.to_string()), Ok(()));
    assert_eq!(judged(&document.to_string()), (Vec::new(), Vec::new()));
    let changed = of_another_kind(&document);
    assert!(changed.len() > 400, "{}", changed.len());
    for (index, (pointer, document)) in changed.iter().enumerate() {
        let text = document.to_string();
        let place = pointer.trim_start_matches('/').split('/').next().unwrap();
        let problems = Overlay::parse("x", &text, FEDORA_COREOS).expect_err(pointer);
        assert!(problems.iter().any(|problem| problem.message.contains(place)), "{pointer}: {problems}");
        // Both ask the same judge, and a process for each would take longer than it tells.
        if index % 7 == 0 {
            let (lint, _) = judged(&text);
            // Without a version there is nothing more to say.
            let is_here = |key: &String| key.starts_with(place) || (place == "ignition" && key == "the file");
            assert!(lint.iter().any(is_here), "{pointer}: {lint:?}\n{text}");
            assert!(validate(&text).is_err(), "{pointer}: {text}");
        }
    }
}

/// Documents that differ from one that is right in one value, and whether Ignition takes them.
#[test]
fn lint_and_merge_judge_as_ignition_does() {
    let sum = "a".repeat(64);
    let cases: Vec<(&str, Value, bool)> = vec![
        ("/storage/files/0/path", json!("/etc//a"), false),
        ("/storage/files/0/path", json!("/etc/a/"), false),
        ("/storage/files/0/path", json!("/etc/../a"), false),
        ("/storage/files/0/path", json!("etc/a"), false),
        ("/storage/files/0/path", json!(""), false),
        ("/storage/files/0/path", json!("/var/lib/mine"), false),
        ("/storage/files/0/path", json!("/etc/localtime/a"), false),
        ("/storage/files/0/mode", json!(644), false),
        ("/storage/files/0/mode", json!(420), true),
        ("/storage/files/0/mode", json!(4096), false),
        ("/storage/files/0/mode", json!(-1), false),
        ("/storage/files/0/mode", json!(420.5), false),
        ("/storage/files/0/contents", json!({}), false),
        ("/storage/files/0/contents", json!({"source": "data:,[x]"}), false),
        ("/storage/files/0/contents", json!({"source": "data:,x y"}), false),
        ("/storage/files/0/contents", json!({"source": "data:,ü"}), false),
        ("/storage/files/0/contents", json!({"source": "data:,100%"}), false),
        ("/storage/files/0/contents", json!({"source": "data:;base64,YQ"}), false),
        ("/storage/files/0/contents", json!({"source": "data:;base64,YQ=="}), true),
        ("/storage/files/0/contents", json!({"source": "data:text/plain;charset=utf-8,a"}), true),
        ("/storage/files/0/contents", json!({"source": "data:words,a"}), false),
        ("/storage/files/0/contents", json!({"source": "ftp://a/b"}), false),
        ("/storage/files/0/contents", json!({"source": "/etc/passwd"}), false),
        ("/storage/files/0/contents", json!({"source": "tftp://a:69/b"}), true),
        ("/storage/files/0/contents", json!({"source": "gs://bucket/object"}), true),
        ("/storage/files/0/contents", json!({"source": "s3://bucket/key?versionId="}), false),
        ("/storage/files/0/contents", json!({"source": "data:,x", "compression": "xz"}), false),
        (
            "/storage/files/0/contents",
            json!({"source": "data:,x", "httpHeaders": [{"name": "a", "value": "b"}]}),
            false,
        ),
        ("/storage/files/0/contents/httpHeaders", json!([{"name": "", "value": "b"}]), false),
        (
            "/storage/files/0/contents/httpHeaders",
            json!([{"name": "a", "value": "b"}, {"name": "a", "value": "c"}]),
            false,
        ),
        ("/storage/files/0/contents/verification/hash", json!("md5-abc"), false),
        ("/storage/files/0/contents/verification/hash", json!("sha512-abc"), false),
        ("/storage/files/0/contents/verification/hash", json!("abc"), false),
        ("/storage/files/0/contents/verification/hash", json!(format!("sha256-{sum}")), true),
        ("/storage/files/0/user", json!({"id": 1, "name": "a"}), false),
        ("/storage/files/1/path", json!("/opt/bin/tool"), false),
        ("/storage/links/0", json!({"path": "/etc/l"}), false),
        ("/storage/links/0/target", json!(""), false),
        ("/storage/links/0", json!({"path": "/etc/l", "target": "/var/lib/mine", "hard": true}), false),
        ("/storage/links/0/path", json!("/var/lib/mine"), false),
        ("/storage/raid/0/level", json!("raid9"), false),
        ("/storage/raid/0/level", json!("10"), true),
        ("/storage/raid/0/level", json!("raid0"), true),
        ("/storage/raid/0", json!({"name": "m", "level": "raid0", "devices": ["/dev/a"], "spares": 1}), false),
        ("/storage/raid/0/devices", json!([]), false),
        ("/storage/raid/0/devices", json!(["dev/a"]), false),
        ("/storage/raid/0/devices", json!(["/dev/a", "/dev/a"]), false),
        ("/storage/filesystems/0/format", json!("ext3"), false),
        ("/storage/filesystems/0/format", json!(""), false),
        ("/storage/filesystems/0/path", json!("scratch"), false),
        ("/storage/filesystems/0/device", json!(""), false),
        ("/storage/filesystems/0/label", json!("longer than twelve"), false),
        ("/storage/disks/0/device", json!(""), false),
        ("/storage/disks/0/device", json!("sda"), false),
        ("/storage/disks/0/partitions/0/label", json!("a:b"), false),
        ("/storage/disks/0/partitions/0/label", json!("0123456789012345678901234567890123456"), false),
        ("/storage/disks/0/partitions/0/guid", json!("0123"), false),
        ("/storage/disks/0/partitions/0/typeGuid", json!("no guid"), false),
        ("/storage/disks/0/partitions/1", json!({"number": 1}), false),
        ("/storage/disks/0/partitions/1", json!({"number": 2, "label": "scratch"}), false),
        ("/storage/disks/0/partitions/1", json!({"number": 2, "startMiB": 1000, "sizeMiB": 100}), false),
        ("/storage/disks/0/partitions/1", json!({"number": 2, "startMiB": 1025, "sizeMiB": 100}), true),
        ("/storage/disks/0/partitions/1", json!({"number": 2, "shouldExist": false, "sizeMiB": 1}), false),
        ("/storage/disks/0/partitions/1", json!({"sizeMiB": 1}), false),
        ("/storage/luks/0/name", json!("a/b"), false),
        ("/storage/luks/0/device", json!(""), false),
        ("/storage/luks/0/label", json!("a".repeat(48)), false),
        ("/storage/luks/0/keyFile/source", json!("ftp://a/b"), false),
        ("/storage/luks/1/clevis/tang/0", json!({"url": "https://a"}), false),
        ("/storage/luks/1/clevis/tang/0/url", json!("ftp://a"), false),
        ("/storage/luks/2/clevis/custom/pin", json!("yubikey"), false),
        ("/storage/luks/2/clevis/custom", json!({"pin": "tang"}), false),
        ("/storage/luks/2/clevis", json!({"tpm2": true, "custom": {"pin": "tang", "config": "a"}}), false),
        ("/systemd/units/0/name", json!("hello"), false),
        ("/systemd/units/0/name", json!("hello.network"), false),
        ("/systemd/units/0/contents", json!("[Service]\nExecStart=/bin/true\n"), false),
        ("/systemd/units/0/contents", json!("[Service\n"), false),
        ("/systemd/units/0/contents", json!("[Service]\nwords\n"), false),
        ("/systemd/units/0/contents", json!("[Service] words\n[Install]\nA=b\n"), false),
        ("/systemd/units/0/contents", json!("[Service]\nA=b \\\n words\n[Install]\nA=b\n"), true),
        ("/systemd/units/0/contents", json!(""), true),
        ("/systemd/units/0/dropins/0/name", json!("10-mine"), false),
        ("/systemd/units/0/dropins/0/contents", json!("[Service]\nwords\n"), false),
        ("/passwd/users/0/sshAuthorizedKeys", json!(["a", "a"]), false),
        ("/passwd/users/0/groups", json!(["a", "a"]), false),
        ("/passwd/users/0/shell", json!("/bin/sh"), true),
        ("/kernelArguments/shouldNotExist", json!(["mitigations=auto"]), false),
        ("/kernelArguments/shouldExist", json!(["a", "a"]), false),
        ("/ignition/config/merge", json!([{}]), false),
        ("/ignition/config/merge", json!([{"source": ""}]), false),
        ("/ignition/security/tls/certificateAuthorities", json!([{}]), false),
        ("/ignition/proxy/httpProxy", json!("proxy:80"), false),
        ("/ignition/proxy/httpProxy", json!(""), false),
    ];
    for (pointer, value, is_right) in cases {
        let mut document: Value = serde_json::from_str(&fixture("every-key.ign")).unwrap();
        *document.pointer_mut(pointer).unwrap_or_else(|| panic!("{pointer}")) = value.clone();
        let text = serde_json::to_string_pretty(&document).unwrap();
        assert_eq!(validate(&text).is_ok(), is_right, "{pointer} {value}: {:?}", validate(&text));
        let (lint, merge) = judged(&text);
        assert_eq!((lint.is_empty(), merge.is_empty()), (is_right, is_right), "{pointer} {value}: {lint:?} {merge:?}");
        if !is_right {
            assert!(merge.iter().all(|mistake| mistake.starts_with("line ")), "{pointer} {value}: {merge:?}");
        }
    }
}

/// What Ignition takes, and what yet keeps a machine from coming up or a file from being there.
#[test]
fn what_the_validator_does_not_see_is_refused_too() {
    for (pointer, value) in [
        ("/storage/files/0/path", json!("/usr/local/bin/tool")),
        ("/storage/files/0/path", json!("/bin/tool")),
        ("/storage/files/0/path", json!("/run/tool")),
        ("/storage/files/0/path", json!("/etc/list/tool")),
        ("/passwd/users/0/name", json!("a b")),
        ("/passwd/users/0/name", json!("1500")),
        ("/passwd/users/0/groups", json!(["a,b"])),
        ("/passwd/users/0/homeDir", json!("home")),
        ("/passwd/users/0/shell", json!("bash")),
        ("/passwd/users/0/gecos", json!("a:b")),
        ("/passwd/groups/0/name", json!("-a")),
        ("/systemd/units/0/name", json!("../hello.service")),
        ("/storage/files/0/contents", json!({"source": "data:,x", "compression": "gzip"})),
        (
            "/storage/files/0/contents",
            json!({"source": "data:,x", "verification": {"hash": format!("sha256-{}", "a".repeat(64))}}),
        ),
        ("/storage/files/0/contents", json!({"source": "s3://bucket/key", "compression": "gzip"})),
        ("/storage/files/0/contents/httpHeaders/0/name", json!("a b")),
        ("/storage/files/0/path", json!("/")),
        ("/storage/links/0/path", json!("/")),
        ("/storage/raid/0/spares", json!(2)),
        ("/storage/raid/0/level", json!("raid6")),
        ("/storage/raid/0/name", json!("a b")),
        ("/storage/filesystems/0/uuid", json!("a")),
        ("/storage/disks/0/partitions/0/number", json!(129)),
        ("/storage/luks/0/uuid", json!("a")),
        ("/storage/luks/1/clevis/threshold", json!(3)),
        ("/ignition/security/tls/certificateAuthorities/0/source", json!("data:,a")),
        ("/ignition/config/merge/0", json!({"source": "data:,a"})),
        ("/ignition/timeouts/httpTotal", json!(-1)),
        ("/passwd/users/0", json!({"name": "core", "shouldExist": false})),
    ] {
        let mut document: Value = serde_json::from_str(&fixture("every-key.ign")).unwrap();
        *document.pointer_mut(pointer).unwrap() = value.clone();
        let text = document.to_string();
        assert_eq!(validate(&text), Ok(()), "{pointer}");
        let (lint, merge) = judged(&text);
        // On Fedora CoreOS there is a `/usr/local`.
        let flatcar = Overlay::parse("x", &text, Purpose::default()).err().map(|problems| problems.to_string());
        let place = pointer.split('/').nth(2).unwrap();
        assert!(flatcar.is_some_and(|problems| problems.contains(place)), "{pointer} {value}");
        let is_of_flatcar = value == json!("/usr/local/bin/tool");
        assert_eq!((lint.is_empty(), merge.is_empty()), (is_of_flatcar, is_of_flatcar), "{pointer} {value}: {lint:?}");
    }
}
