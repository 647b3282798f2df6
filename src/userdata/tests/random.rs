//! Random configurations, such as a base file, templates and a user's file can come to.

use std::io::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::{Compression, write::GzEncoder};
use proptest::collection::{btree_map, vec};
use proptest::option;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};

use crate::spec::cloud_config::{
    CloudConfig, CoreOs, DropIn, Encoding, Filesystem, Unit, Update, User, UserData, WriteFile,
};

pub(super) fn user_data() -> impl Strategy<Value = UserData> {
    (cloud_config(), 0..3_u32).prop_map(|(cloud_config, disks)| {
        let filesystem = |disk| Filesystem {
            device: format!("/dev/disk/azure/data/by-lun/{disk}"),
            label: format!("data{disk}"),
            mount_unit: format!("var-lib-data{disk}.mount"),
        };
        UserData { cloud_config, filesystems: (0..disks).map(filesystem).collect() }
    })
}

fn cloud_config() -> impl Strategy<Value = CloudConfig> {
    let strategy = option::of(select(vec!["off", "reboot", "etcd-lock"]));
    (option::of("[a-z][a-z0-9-]{0,20}"), keys(), users(), files(), units(), strategy).prop_map(
        |(hostname, ssh_authorized_keys, users, write_files, units, strategy)| {
            let update = strategy.map(|strategy| Update { reboot_strategy: Some(strategy.into()) });
            CloudConfig { hostname, ssh_authorized_keys, users, write_files, coreos: CoreOs { update, units } }
        },
    )
}

/// Texts that YAML, JSON and data URLs write down in as many ways as there are.
fn text() -> impl Strategy<Value = String> {
    let nasty = [
        "off",
        "0644",
        "~",
        "null",
        "1e3",
        "- a",
        "a: b",
        "# a",
        "'",
        "\"",
        "\\",
        "%41",
        "%",
        "a\n",
        "\na",
        " a",
        "a ",
        "a\n\n",
        "  a\n b\n",
        "\ta\n",
        "a\r\nb",
        "\u{0}",
        "\u{7f}",
        "\u{85}",
        "\u{2028}",
        "\u{feff}",
        "grün",
        "🦀\n",
        "$private_ipv4",
        "\\$private_ipv4",
        "\\\\$public_ipv4",
        "$private_ipv4$public_ipv4\n",
        "a $private_ipv6 b\n",
    ];
    prop_oneof![
        select(nasty.to_vec()).prop_map(str::to_owned),
        "[ -~\n]{0,60}",
        vec(any::<char>(), 0..20).prop_map(String::from_iter),
        vec(select(nasty.to_vec()), 0..4).prop_map(|parts| parts.concat()),
    ]
}

fn keys() -> impl Strategy<Value = Vec<String>> {
    subsequence(vec!["ssh-ed25519 A a", "ssh-ed25519 B", "ssh-rsa C c: d", "ssh-rsa D #1"], 0..4)
        .prop_map(|keys| keys.into_iter().map(str::to_owned).collect())
}

fn users() -> impl Strategy<Value = Vec<User>> {
    let lists = (keys(), subsequence(vec!["docker", "sudo", "wheel"], 0..3));
    let texts = (option::of(text()), option::of(text()), option::of("/[a-z]{1,9}"), option::of("[a-z]{1,9}"));
    let user = (lists, texts, option::of("/bin/[a-z]{1,9}"), any::<[bool; 4]>());
    btree_map(select(vec!["core", "a", "b", "off"]), user, 0..4).prop_map(|users| {
        let user = |(name, (lists, texts, shell, flags)): (&str, _)| {
            let (ssh_authorized_keys, groups): (_, Vec<&str>) = lists;
            let (passwd, gecos, homedir, primary_group) = texts;
            let [no_create_home, no_user_group, system, no_log_init] = flags;
            let user = User { name: name.into(), ssh_authorized_keys, passwd, ..User::default() };
            // Of an account that exists nothing else can be said in both dialects.
            match name {
                "core" => user,
                _ => User {
                    groups: groups.into_iter().map(str::to_owned).collect(),
                    gecos,
                    homedir,
                    primary_group,
                    shell,
                    no_create_home,
                    no_user_group,
                    system,
                    no_log_init,
                    ..user
                },
            }
        };
        users.into_iter().map(user).collect()
    })
}

fn files() -> impl Strategy<Value = Vec<WriteFile>> {
    // Clean ones: a cloud-config's reader makes others so, and merging has done it before.
    let path = prop_oneof![
        "/[a-z]{1,3}(/[.]?[a-zA-Z0-9_ -][a-zA-Z0-9._ -]{0,7}){0,2}",
        select(vec![
            "/etc/flatcar/update.conf",
            "/etc/environment",
            "/etc/ssh/ssh_host_ed25519_key",
            "/etc/modules-load.d/a.conf",
            "/etc/sysctl.d/a.conf",
            "/etc/chrony/sources.d/a.sources",
            "/grün",
        ])
        .prop_map(str::to_owned),
    ];
    let owner = option::of(select(vec!["root:500", "232", "232:232", ":core", "core", "core:docker", "root"]));
    let permissions = option::of(select(vec!["0644", "600", "0755", "4755", "01777"]));
    let encoding = option::of(select(vec![Encoding::Base64, Encoding::GzipBase64]));
    btree_map(path, (content(), owner, permissions, encoding), 0..5).prop_map(|files| {
        let file =
            |(path, (content, owner, permissions, encoding)): (String, (String, Option<&str>, Option<&str>, _))| {
                let content = match encoding {
                    None => content,
                    Some(Encoding::Base64) => STANDARD.encode(content),
                    Some(Encoding::GzipBase64) => {
                        let mut packed = GzEncoder::new(Vec::new(), Compression::default());
                        packed.write_all(content.as_bytes()).unwrap();
                        STANDARD.encode(packed.finish().unwrap())
                    }
                };
                let (owner, permissions) = (owner.map(str::to_owned), permissions.map(str::to_owned));
                WriteFile { path, content, owner, permissions, encoding }
            };
        files.into_iter().map(file).collect()
    })
}

/// Mostly short, now and then longer than a line.
fn content() -> impl Strategy<Value = String> {
    prop_oneof![4 => text(), 1 => "([ -~]{0,90}\n){0,6}"]
}

fn units() -> impl Strategy<Value = Vec<Unit>> {
    let name = prop_oneof![
        "[a-z]{1,6}\\.(service|mount|timer)",
        select(vec!["docker.service", "etcd-member.service", "sshd.service"]).prop_map(str::to_owned),
    ];
    let drop_ins = btree_map("[0-9]{2}-[a-z]{1,4}\\.conf", content(), 0..3)
        .prop_map(|drop_ins| drop_ins.into_iter().map(|(name, content)| DropIn { name, content }).collect::<Vec<_>>());
    let unit = (any::<[bool; 3]>(), option::of(content()), drop_ins);
    btree_map(name, unit, 0..6).prop_map(|units| {
        let mut list = Vec::new();
        for (name, ([mask, enable, start], content, drop_ins)) in units {
            let command = Some("start".to_owned()).filter(|_| start);
            list.push(Unit { name, mask, enable, content, command, drop_ins });
        }
        list
    })
}
