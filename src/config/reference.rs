//! The page of docs that lists every parameter.

use std::fmt::Write as _;

use super::parameter::{Group, PARAMETERS, Parameter};

const HEAD: &str = "\
# Parameters

Every parameter can stand on the command line, in the environment and in a `cluster.yaml` (`-f FILE`). Precedence: default <
earlier run of the same cluster < file < environment < flag; lists replace each other. A mistake is told with the place that
the value came from, and `azure-coreos-cluster config show` prints every value with its origin.

The environment variable is `AZURE_COREOS_CLUSTER_` and the key in capitals: `AZURE_COREOS_CLUSTER_VM_SIZE`. Lists have commas
there. Paths in a file are beside that file. Editors check a file that begins with
`# yaml-language-server: $schema=cluster.schema.json` against [the schema](cluster.schema.json).
";

const TAIL: &str = "
## Coming from the script of 2015

Its flags work as they did, but for these:

| then | now |
|---|---|
| `--subscription`, `--azure-cert`, `--blob-container-url` were needed | none is: see `whoami`; disks are managed, and a container is only asked for a VHD of your own |
| `--ssh-cert` took X.509 | an OpenSSH public key as well; the same file may still be a certificate, with `--ssh-thumb` |
| `--vm-size Small`, `Large`, … | refused with the name of today's size of as much |
| `--availability-set` was read and ignored | names the set that the machines are in |
| `--affinity-group` | still taken; it is a proximity placement group (`--proximity`) |
| `--virtual-network-name` without subnets | needs `--subnet-names`; without both the cluster has a network of its own |
| `--custom-data` replaced everything | is merged over ours; `--custom-data-only` replaces |
| `--num-nodes` again | adds machines to a cluster that exists |
";

/// The whole page.
pub fn reference() -> String {
    let mut text = HEAD.to_owned();
    let mut groups: Vec<Group> = PARAMETERS.iter().map(|parameter| parameter.group).collect();
    groups.sort_unstable();
    groups.dedup();
    for group in groups {
        let _ = writeln!(text, "\n## {}\n", group.heading());
        text.push_str("| flag, key | what | default | unit | example |\n|---|---|---|---|---|\n");
        for parameter in PARAMETERS.iter().filter(|parameter| parameter.group == group) {
            text.push_str(&row(parameter));
        }
    }
    text.push_str(TAIL);
    text
}

fn row(parameter: &Parameter) -> String {
    let cell = |text: &str| text.replace('|', "\\|");
    let fixed = if parameter.settled.is_some() { ". Fixed once the cluster is made" } else { "" };
    format!(
        "| `{}`<br>`{}` | {}{fixed} | {} | {} | `{}` |\n",
        parameter.flag,
        parameter.key,
        cell(parameter.help),
        cell(parameter.default),
        parameter.unit,
        cell(parameter.example)
    )
}
