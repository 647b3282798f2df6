//! Where the image's packages come from: turns the host's own APT configuration into arguments for mmdebstrap.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

/// The Debian release that the image is made of.
pub(super) const RELEASE: &str = "trixie";

/// Names another mirror than the host's.
pub(super) const MIRROR_VARIABLE: &str = "AZURE_LOCAL_DEBIAN_MIRROR";

pub(super) const KEYRING: &str = "/usr/share/keyrings/debian-archive-keyring.gpg";

/// The mirror arguments of mmdebstrap: the environment's mirror, else the mirrors of the host's own sources, else none,
/// which makes mmdebstrap take its own default.
pub(super) fn mirrors() -> Vec<String> {
    if let Some(mirror) = std::env::var(MIRROR_VARIABLE).ok().filter(|mirror| !mirror.is_empty()) {
        return vec![mirror];
    }
    let mut files = vec![Path::new("/etc/apt/sources.list").to_path_buf()];
    if let Ok(entries) = fs::read_dir("/etc/apt/sources.list.d") {
        files.extend(entries.filter_map(|entry| entry.ok().map(|entry| entry.path())));
    }
    files.sort();
    // Two releases side by side on the host lead to one line.
    let lines: BTreeSet<String> = files
        .iter()
        .filter_map(|path| Some((path.extension()?.to_str()?.to_owned(), fs::read_to_string(path).ok()?)))
        .flat_map(|(extension, text)| match extension.as_str() {
            "list" => one_line_sources(&text),
            "sources" => deb822_sources(&text),
            _ => Vec::new(),
        })
        .collect();
    // A host that was installed without a network has the line for security alone.
    let has_release = lines.iter().any(|line| line.ends_with(&format!(" {RELEASE} main")));
    if has_release { lines.into_iter().collect() } else { Vec::new() }
}

/// The options of mmdebstrap that carry over what the host's APT needs to reach its mirror.
pub(super) fn options() -> Vec<String> {
    let mut options = Vec::new();
    if Path::new(KEYRING).exists() {
        options.push(format!("--keyring={KEYRING}"));
    }
    for name in ["Acquire::Check-Valid-Until", "Acquire::http::Proxy", "Acquire::https::Proxy"] {
        let Ok(output) = Command::new("apt-config").args(["dump", "--format", "%v", name]).output() else {
            continue;
        };
        let value = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        if !value.is_empty() {
            options.push(format!("--aptopt={name} \"{value}\";"));
        }
    }
    options
}

/// What is taken from Debian's archives, by the ends of their suites' names.
const POCKETS: [&str; 3] = ["", "-updates", "-security"];

/// The line of the image's release for a source of the host's; none when that is no archive of Debian's own: a third party's
/// repository for the same release would change the image. The host may run another release: its mirror has them all.
fn source_line(uri: &str, suite: &str, components: &[&str]) -> Option<String> {
    let path = uri.trim_end_matches('/');
    // Releases that have ended move there, and newer ones never come.
    let is_attic = path.contains("://archive.debian.org/");
    let is_debian =
        !is_attic && components.contains(&"main") && (path.ends_with("/debian") || path.ends_with("/debian-security"));
    let pocket = match suite.split_once('/') {
        // So `bullseye-security` was called before.
        Some((_, "updates")) => "-security",
        Some(_) => return None,
        None => suite.find('-').map_or("", |start| &suite[start..]),
    };
    if !is_debian || !POCKETS.contains(&pocket) {
        return None;
    }
    let signed_by = if Path::new(KEYRING).exists() { format!("[signed-by={KEYRING}] ") } else { String::new() };
    Some(format!("deb {signed_by}{uri} {RELEASE}{pocket} main"))
}

fn one_line_sources(text: &str) -> Vec<String> {
    text.lines()
        .filter_map(|line| {
            let line = line.split('#').next()?.trim().strip_prefix("deb")?.strip_prefix([' ', '\t'])?.trim_start();
            let line = match line.strip_prefix('[') {
                Some(with_options) => with_options.split_once(']')?.1,
                None => line,
            };
            let mut words = line.split_whitespace();
            let (uri, suite) = (words.next()?, words.next()?);
            let components: Vec<&str> = words.collect();
            source_line(uri, suite, &components)
        })
        .collect()
}

fn deb822_sources(text: &str) -> Vec<String> {
    let mut lines = Vec::new();
    let without_comments: String =
        text.lines().filter(|line| !line.starts_with('#')).flat_map(|line| [line.trim_end(), "\n"]).collect();
    for stanza in without_comments.split("\n\n") {
        let field = |name: &str| -> Vec<&str> {
            stanza
                .lines()
                .filter_map(|line| line.split_once(':'))
                .filter(|(key, _)| key.eq_ignore_ascii_case(name))
                .flat_map(|(_, value)| value.split_whitespace())
                .collect()
        };
        if !field("Types").contains(&"deb")
            || matches!(field("Enabled")[..], ["no" | "false" | "off" | "without" | "0"])
        {
            continue;
        }
        let components = field("Components");
        for uri in field("URIs") {
            lines.extend(field("Suites").into_iter().filter_map(|suite| source_line(uri, suite, &components)));
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    fn without_signature(lines: Vec<String>) -> Vec<String> {
        lines.into_iter().map(|line| line.replace(&format!("[signed-by={KEYRING}] "), "")).collect()
    }

    #[test]
    fn the_hosts_debian_sources_are_taken_and_others_are_not() {
        let list = "\
# deb http://old.example/debian bookworm main
deb http://archive.debian.org/debian buster main
deb http://mirror.example/debian-security buster/updates main
deb http://mirror.example/debian buster/other main
deb http://mirror.example/debian bookworm main contrib # near
deb [arch=amd64 signed-by=/x.gpg] http://mirror.example/debian-security/ bookworm-security main
deb http://mirror.example/debian trixie main
deb http://mirror.example/debian bookworm-backports main
deb-src http://mirror.example/debian bookworm main
deb https://packages.example/docker bookworm main
deb http://mirror.example/debian bookworm-updates contrib
";
        assert_eq!(
            without_signature(one_line_sources(list)),
            [
                "deb http://mirror.example/debian-security trixie-security main",
                "deb http://mirror.example/debian trixie main",
                "deb http://mirror.example/debian-security/ trixie-security main",
                "deb http://mirror.example/debian trixie main"
            ]
        );

        let sources = "\
Types: deb deb-src
# a note between fields
URIs: http://mirror.example/debian
Suites: bookworm bookworm-updates
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg

Types: deb
URIs: http://mirror.example/debian-security
Suites: bookworm-security
Components: main
Enabled: no

Types: deb
URIs: https://packages.example/nodejs
Suites: bookworm
Components: main
";
        assert_eq!(
            without_signature(deb822_sources(sources)),
            ["deb http://mirror.example/debian trixie main", "deb http://mirror.example/debian trixie-updates main"]
        );
    }
}
