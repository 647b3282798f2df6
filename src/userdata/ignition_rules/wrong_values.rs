//! For every key of an Ignition document that is accepted: each kind of value that it cannot be, and what would fail later.
//! The lint and the merge must both say so, at that key.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::judge;
use super::schema::{DOCUMENT, Entries, Shape, since};
use crate::spec::Dialect;
use crate::userdata::json;
use crate::userdata::purpose::Purpose;

const DOCUMENT_WITH_EVERY_KEY: &str = include_str!("../../../tests/fixtures/every-key.ign");
const RESOURCE: &str = "storage.files[].contents";

/// Texts that a key's reader would stop at, or pass over.
fn wrong_texts(path: &str) -> Option<&'static [&'static str]> {
    let (place, name) = path.rsplit_once('.').unwrap();
    let place = place.rsplit('.').next().unwrap();
    Some(match (place, name) {
        ("ignition", "version") => &["a\0"],
        (_, "path" | "device" | "devices") => &["a", "/a/", "/a//b", "/a/../b", "/./a", "/a\0b"],
        (_, "source") => {
            &["a", "/etc/a", "ftp://a/b", "data:,[", "data:a", "data:;base64,YQ", "https://", "http://a b/"]
        }
        (_, "compression") => &["xz", "GZIP", "gz", "zstd"],
        (_, "hash") => &["a", "sha256-", "sha256-ab", "sha512-zz", "md5-d41d8cd98f00b204e9800998ecf8427e", "sha1-a"],
        ("httpHeaders[]", "name") => &["", "a b", "a:", "ü", "a\nb"],
        ("httpHeaders[]", "value") => &["", "a\nb", "a\r", "a\0"],
        (_, "httpProxy" | "httpsProxy") => &["", "a", "a:80", "socks5://a", "http://", "http://a:b"],
        (_, "noProxy") => &["", "a b", "a,b", "a\n"],
        ("raid[]", "name") => &["", "a b", "a/b", "-a", ".a", "../a", "ü", "a\0"],
        (_, "level") => &["", "raid9", "RAID1", "mirrored"],
        ("partitions[]", "label") => &["a:b", "0123456789012345678901234567890123456", "a\0"],
        (_, "guid" | "typeGuid") => &["a", "0123456789ABCDEFEDCBA98765432101", "01234567-89AB-CDEF-EDCB-A9876543210g"],
        (_, "uuid") => &["a", "0123456789ABCDEFEDCBA98765432101", "A1B2-C3D4"],
        (_, "format") => &["", "ext3", "XFS", "ntfs"],
        ("filesystems[]", "label") => &["longer than twelve", "a\0"],
        ("luks[]", "label") => &["012345678901234567890123456789012345678901234567", "a\0"],
        ("luks[]", "name") => &["", "a/b", "-a", "..", "a\0"],
        (_, "options" | "mountOptions") => &["a\0"],
        (_, "target") => &["", "a\0"],
        ("user" | "group", "name") => &["a b", "-a", "a:b", "5", "ü"],
        (_, "url") => &["", "a", "ftp://a", "https://", "http://a:b"],
        (_, "thumbprint") => &["", "a\0"],
        (_, "pin") => &["yubikey", "TPM2"],
        (_, "config") => &["a", "{"],
        ("units[]", "name") => &["", "a", "a.network", "a/b.service", "a.service\0"],
        ("dropins[]", "name") => &["", "a", "b/a.conf", "a\0.conf"],
        (_, "contents") => &["[Service\n", "[Service]\nwords\n"],
        ("users[]" | "groups[]", "name") => &["", "a b", "-a", "a:b", "5", "ü"],
        (_, "primaryGroup" | "groups") => &["a b", "-a", "a,b"],
        (_, "passwordHash" | "gecos") => &["a:b", "a\nb", "a\0"],
        (_, "sshAuthorizedKeys") => &["k", "-----BEGIN OPENSSH PRIVATE KEY-----"],
        (_, "homeDir" | "shell") => &["a", "/a:b", "/a\0"],
        ("kernelArguments", _) => &["", "a\0"],
        _ => return None,
    })
}

/// Numbers that a key's reader would stop at, or read as something else.
fn wrong_numbers(path: &str) -> Option<Vec<Value>> {
    let name = path.rsplit('.').next().unwrap();
    let mut numbers = vec![json!(-1), json!(1.5), json!(9_223_372_036_854_775_808_u64), json!(1e30)];
    match name {
        "mode" => numbers.extend([json!(644), json!(755), json!(4096), json!(512)]),
        "uid" | "gid" | "id" => numbers.extend([json!(4_294_967_295_u64), json!(99_999_999_999_u64)]),
        "number" => numbers.push(json!(129)),
        "sizeMiB" | "startMiB" => numbers.push(json!(67_108_865)),
        "httpTotal" | "httpResponseHeaders" => numbers.push(json!(9_223_372_037_u64)),
        "spares" | "threshold" => numbers.push(json!(3)),
        _ => return None,
    }
    Some(numbers)
}

/// Each key with a value of its own, with `[]` for the elements of lists.
fn keys(entries: Entries, above: &str, found: &mut Vec<(String, Shape)>) {
    for (name, shape) in entries {
        let path = if above.is_empty() { (*name).to_owned() } else { format!("{above}.{name}") };
        match shape {
            Shape::Mapping(entries, _) => keys(entries, &path, found),
            Shape::List(entries, ..) => keys(entries, &format!("{path}[]"), found),
            _ => {}
        }
        found.push((path, *shape));
    }
}

/// The JSON pointer of the first place that a key has in a document.
fn pointer(document: &Value, path: &str) -> Option<String> {
    let (first, rest) = path.split_once('.').map_or((path, None), |(first, rest)| (first, Some(rest)));
    let name = first.trim_end_matches("[]");
    let child = document.get(name)?;
    let Some(rest) = rest else { return Some(format!("/{name}")) };
    if name == first {
        return Some(format!("/{name}{}", pointer(child, rest)?));
    }
    let of_item = |(index, item)| Some(format!("/{name}/{index}{}", pointer(item, rest)?));
    child.as_array()?.iter().enumerate().find_map(of_item)
}

/// `/a/0/b` as messages write it: `a[0].b`.
fn key_path(pointer: &str) -> String {
    let parts = pointer.trim_start_matches('/').split('/');
    let mut path = String::new();
    for part in parts {
        match part.parse::<usize>() {
            Ok(index) => path += &format!("[{index}]"),
            Err(_) if path.is_empty() => path += part,
            Err(_) => path += &format!(".{part}"),
        }
    }
    path
}

/// What the judge says of a document for a purpose: the paths of mistakes.
fn refused(text: &str, purpose: Purpose) -> Vec<String> {
    let (_, document) = json::document("x", text).unwrap_or_else(|problems| panic!("{text}: {problems}"));
    let root = document.root();
    let judged = judge(&root, purpose);
    judged.iter().filter(|judged| judged.mistake.is_some()).map(|judged| judged.node.path()).collect()
}

#[test]
fn no_key_takes_a_value_that_fails_later() {
    let every: Value = serde_json::from_str(DOCUMENT_WITH_EVERY_KEY).unwrap();
    let purposes =
        [Purpose::Merged { dialect: Dialect::Ignition, fedora_coreos: true }, Purpose::IgnitionAlone { minor: 3 }];
    let mut found = Vec::new();
    keys(DOCUMENT, "", &mut found);
    assert!(found.len() > 150, "{}", found.len());
    let mut tried = BTreeSet::new();
    for (path, shape) in found.iter().filter(|(path, _)| since(path, &diagnostics::yaml::Value::Null) <= 3) {
        // What is fetched, and what owns something, has the same keys everywhere.
        let is_same = |other: &str| {
            let last_two = |path: &str| path.rsplitn(3, '.').take(2).map(str::to_owned).collect::<Vec<_>>();
            let last = last_two(other)[0].clone();
            last_two(path) == last_two(other)
                || other.starts_with(RESOURCE)
                    && last_two(path)[0] == last
                    && ["source", "compression"].contains(&&*last)
        };
        let place = pointer(&every, path)
            .or_else(|| found.iter().filter(|(other, _)| is_same(other)).find_map(|(other, _)| pointer(&every, other)));
        let Some(place) = place else {
            let is_of_resource = ["httpHeaders", "verification", "replace"].iter().any(|name| path.ends_with(name));
            assert!(is_of_resource, "no `{path}` in the document with every key");
            continue;
        };
        let kinds = [json!("words"), json!(7), json!(7.5), json!(true), json!([7]), json!({"a": 1}), Value::Null];
        let fits = |value: &Value| match shape {
            Shape::Text(_) => value.is_string(),
            Shape::Flag => value.is_boolean(),
            Shape::Integer(..) | Shape::Mode => value.is_i64(),
            _ => false,
        };
        let mut wrong: Vec<Value> = kinds.into_iter().filter(|value| !fits(value)).collect();
        let texts = || wrong_texts(path).unwrap_or_else(|| panic!("which texts are wrong for `{path}`?"));
        match shape {
            Shape::Text(_) => wrong.extend(texts().iter().map(|text| json!(text))),
            Shape::Texts(_) => {
                wrong.push(json!(["/dev/a", "/dev/a"]));
                wrong.extend(texts().iter().map(|text| json!([text])));
            }
            Shape::Options => wrong.extend(texts().iter().map(|text| json!([text]))),
            Shape::Integer(..) | Shape::Mode => {
                wrong.extend(wrong_numbers(path).unwrap_or_else(|| panic!("which numbers are wrong for `{path}`?")));
            }
            Shape::Mapping(..) | Shape::List(..) => wrong.push(json!([{}, 7])),
            Shape::Flag => wrong.extend([json!("true"), json!("yes"), json!(0)]),
        }
        let changed = key_path(&place);
        let is_here = |mistake: &String| mistake.starts_with(&changed) || changed.starts_with(mistake.as_str());
        for (index, value) in wrong.into_iter().enumerate() {
            let mut document = every.clone();
            *document.pointer_mut(&place).unwrap() = value.clone();
            let text = document.to_string();
            // Both ask the same judge.
            for purpose in &purposes[..if index % 4 == 0 { 2 } else { 1 }] {
                let mistakes = refused(&text, *purpose);
                assert!(mistakes.iter().any(is_here), "{path} {value} {purpose:?}: {mistakes:?}");
            }
        }
        tried.insert(path.clone());
    }
    assert!(tried.len() > 120, "{}", tried.len());
    let clevis = ["storage.luks[1].clevis", "storage.luks[2].clevis"];
    for (purpose, expected) in purposes.iter().zip([&[][..], &clevis]) {
        assert_eq!(refused(DOCUMENT_WITH_EVERY_KEY, *purpose), expected, "{purpose:?}");
    }
}

/// Values that are right alone and wrong beside others: the key at which lint and merge say so.
#[test]
fn what_fails_while_the_machine_starts_is_refused() {
    let flatcar = Purpose::Merged { dialect: Dialect::Ignition, fedora_coreos: false };
    let fedora = Purpose::Merged { dialect: Dialect::Ignition, fedora_coreos: true };
    let alone = Purpose::IgnitionAlone { minor: 3 };
    let luks = |clevis: Value| json!({"storage": {"luks": [{"name": "a", "device": "/dev/a", "clevis": clevis}]}});
    let raid = |level: &str, devices: usize, spares: usize| {
        let devices: Vec<String> = (0..devices).map(|index| format!("/dev/{index}")).collect();
        json!({"storage": {"raid": [{"name": "a", "level": level, "devices": devices, "spares": spares}]}})
    };
    let filesystem = |rest: Value| {
        let mut filesystem = json!({"device": "/dev/a"});
        filesystem.as_object_mut().unwrap().extend(rest.as_object().unwrap().clone());
        json!({"storage": {"filesystems": [filesystem]}})
    };
    let file = |contents: Value| json!({"storage": {"files": [{"path": "/opt/a", "contents": contents}]}});
    let tang = json!([{"url": "https://a.test", "thumbprint": "a"}, {"url": "https://b.test", "thumbprint": "b"}]);
    for (document, key) in [
        (luks(json!({"tang": tang, "tpm2": true, "threshold": 3})), None),
        (luks(json!({"tang": tang, "tpm2": true, "threshold": 4})), Some("storage.luks[0].clevis.threshold")),
        (luks(json!({"tang": tang, "threshold": 3})), Some("storage.luks[0].clevis.threshold")),
        (luks(json!({"tang": tang, "threshold": 0})), Some("storage.luks[0].clevis.threshold")),
        (luks(json!({"threshold": 1})), Some("storage.luks[0].clevis.threshold")),
        (luks(json!({"tpm2": true})), None),
        (luks(json!({"tang": [{"url": "https://a.test"}]})), Some("storage.luks[0].clevis.tang[0]")),
        (luks(json!({"tang": [{"thumbprint": "a"}]})), Some("storage.luks[0].clevis.tang[0]")),
        (raid("raid1", 2, 0), None),
        (raid("raid1", 2, 1), None),
        (raid("raid1", 2, 2), Some("storage.raid[0].spares")),
        (raid("raid1", 0, 0), Some("storage.raid[0]")),
        (raid("raid5", 2, 0), None),
        (raid("raid5", 2, 1), Some("storage.raid[0].spares")),
        (raid("10", 1, 0), Some("storage.raid[0].devices")),
        (raid("raid6", 4, 0), None),
        (raid("raid6", 4, 1), Some("storage.raid[0].spares")),
        (raid("raid0", 2, 1), Some("storage.raid[0].spares")),
        (filesystem(json!({"format": "vfat", "uuid": "A1B2-C3D4", "label": "BOOT"})), None),
        (
            filesystem(json!({"format": "vfat", "uuid": "01234567-89ab-cdef-edcb-a98765432101"})),
            Some("storage.filesystems[0].uuid"),
        ),
        (filesystem(json!({"format": "vfat", "label": "a/b"})), Some("storage.filesystems[0].label")),
        (filesystem(json!({"format": "ext4", "uuid": "A1B2-C3D4"})), Some("storage.filesystems[0].uuid")),
        (filesystem(json!({"format": "swap", "path": "/var/swap"})), Some("storage.filesystems[0].path")),
        (filesystem(json!({"format": "none", "label": "a"})), Some("storage.filesystems[0].label")),
        (filesystem(json!({"format": "none", "wipeFilesystem": true})), None),
        (file(json!({"source": "data:,x", "compression": "gzip"})), Some("storage.files[0].contents.compression")),
        (file(json!({"source": "s3://a/b", "compression": "gzip"})), Some("storage.files[0].contents.compression")),
        (file(json!({"compression": "gzip"})), Some("storage.files[0].contents.compression")),
        (
            file(json!({"source": "data:,x", "verification": {"hash": format!("sha256-{}", "0".repeat(64))}})),
            Some("storage.files[0].contents.verification"),
        ),
        (json!({"ignition": {"config": {"merge": [{"source": "data:,a"}]}}}), Some("ignition.config.merge[0].source")),
        (
            json!({"ignition": {"config": {"merge": [{"source": "data:,%7B%7D"}]}}}),
            Some("ignition.config.merge[0].source"),
        ),
        (
            json!({"ignition": {"config": {"merge": [
                {"source": "data:,%7B%22ignition%22:%7B%22version%22:%223.3.0%22%7D%7D"}
            ]}}}),
            None,
        ),
        (json!({"storage": {"files": [{"path": format!("/etc/{}", "n".repeat(255))}]}}), None),
        (json!({"storage": {"files": [{"path": format!("/etc/{}", "n".repeat(256))}]}}), Some("storage.files[0].path")),
        (json!({"storage": {"directories": [{"path": "/opt/nnn".repeat(512)}]}}), Some("storage.directories[0].path")),
        (
            json!({"storage": {"links": [{"path": format!("/opt/{}/a", "n".repeat(256)), "target": "a"}]}}),
            Some("storage.links[0].path"),
        ),
        (
            json!({"storage": {"links": [{"path": "/opt/a", "target": "../nnnn/".repeat(512)}]}}),
            Some("storage.links[0].target"),
        ),
        (
            json!({"systemd": {"units": [{"name": format!("{}.service", "n".repeat(248))}]}}),
            Some("systemd.units[0].name"),
        ),
        (
            json!({"systemd": {"units": [{
                "name": format!("{}.service", "n".repeat(247)), "dropins": [{"name": "a.conf"}],
            }]}}),
            Some("systemd.units[0].name"),
        ),
        (
            json!({"systemd": {"units": [{
                "name": "a.service", "dropins": [{"name": format!("{}.conf", "n".repeat(251))}],
            }]}}),
            Some("systemd.units[0].dropins[0].name"),
        ),
        (json!({"storage": {"files": [{"path": "/"}]}}), Some("storage.files[0].path")),
        (json!({"storage": {"links": [{"path": "/", "target": "a"}]}}), Some("storage.links[0].path")),
        (json!({"storage": {"directories": [{"path": "/", "mode": 493}]}}), None),
        (
            json!({"storage": {"directories": [{"path": "/", "overwrite": true}]}}),
            Some("storage.directories[0].overwrite"),
        ),
        (
            json!({"storage": {"directories": [{"path": "/etc", "overwrite": true}]}}),
            Some("storage.directories[0].overwrite"),
        ),
        (json!({"passwd": {"users": [{"name": "core", "shouldExist": false}]}}), Some("passwd.users[0].shouldExist")),
        (json!({"passwd": {"users": [{"name": "ann", "shouldExist": false}]}}), None),
        (
            json!({"passwd": {"groups": [{"name": "docker", "shouldExist": false}]}}),
            Some("passwd.groups[0].shouldExist"),
        ),
        (
            json!({"ignition": {"security": {"tls": {"certificateAuthorities": [{"source": "data:,a"}]}}}}),
            Some("ignition.security.tls.certificateAuthorities[0].source"),
        ),
    ] {
        let mut whole = document.clone();
        whole["ignition"]["version"] = json!("3.3.0");
        let text = whole.to_string();
        let expected: Vec<String> = key.into_iter().map(str::to_owned).collect();
        assert_eq!(
            (refused(&text, fedora), refused(&text, alone).is_empty()),
            (expected.clone(), expected.is_empty() && !text.contains("clevis")),
            "{text}"
        );
        // The image of Flatcar has no clevis at all.
        if text.contains("clevis") {
            let of_flatcar = refused(&text, flatcar);
            assert!(of_flatcar.iter().any(|path| path.starts_with("storage.luks[0].clevis")), "{text}: {of_flatcar:?}");
            assert_eq!(of_flatcar, refused(&text, alone), "{text}");
        } else {
            assert_eq!(refused(&text, flatcar), expected, "{text}");
        }
    }
}

#[test]
fn values_have_their_age() {
    let hash = format!("sha256-{}", "a".repeat(64));
    for (document, since) in [
        (
            json!({"storage": {"files": [{"path": "/opt/a", "contents": {"source": "https://a.test/", "verification": {"hash": hash}}}]}}),
            1,
        ),
        (json!({"storage": {"files": [{"path": "/opt/a", "contents": {"source": "gs://a/b"}}]}}), 1),
        (
            json!({"storage": {"files": [{"path": "/opt/a", "contents": {"source": "https://a.test/", "httpHeaders": [{"name": "a"}]}}]}}),
            1,
        ),
        (json!({"storage": {"filesystems": [{"device": "/dev/a", "format": "none"}]}}), 3),
        (json!({"storage": {"files": [{"path": "/opt/a", "contents": {"source": "arn:aws:s3:::a/b"}}]}}), 4),
    ] {
        for minor in 0..5 {
            let found = refused(&document.to_string(), Purpose::IgnitionAlone { minor });
            assert_eq!(found.is_empty(), minor >= since, "{minor} {document}: {found:?}");
        }
    }
}
