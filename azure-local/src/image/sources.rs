//! Where the image's packages come from: turns the host's own APT configuration into arguments for mmdebstrap.

use std::fs;
use std::path::Path;
use std::process::Command;

/// The Debian release that the image is made of.
pub(super) const RELEASE: &str = "bookworm";

/// Names another mirror than the host's.
pub(super) const MIRROR_VARIABLE: &str = "AZURE_LOCAL_DEBIAN_MIRROR";

const KEYRING: &str = "/usr/share/keyrings/debian-archive-keyring.gpg";

/// The mirror arguments of mmdebstrap: the environment's mirror, else the host's own sources for this release, else
/// none, which makes mmdebstrap take its own default.
pub(super) fn mirrors() -> Vec<String> {
    if let Some(mirror) = std::env::var(MIRROR_VARIABLE).ok().filter(|mirror| !mirror.is_empty()) {
        return vec![mirror];
    }
    let mut files = vec![Path::new("/etc/apt/sources.list").to_path_buf()];
    if let Ok(entries) = fs::read_dir("/etc/apt/sources.list.d") {
        files.extend(entries.filter_map(|entry| entry.ok().map(|entry| entry.path())));
    }
    files.sort();
    files
        .iter()
        .filter_map(|path| Some((path.extension()?.to_str()?.to_owned(), fs::read_to_string(path).ok()?)))
        .flat_map(|(extension, text)| match extension.as_str() {
            "list" => one_line_sources(&text),
            "sources" => deb822_sources(&text),
            _ => Vec::new(),
        })
        .collect()
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

/// Debian's own archive and nothing else: a third party's repository for the same release would change the image.
fn is_debian(uri: &str, suite: &str, components: &[&str]) -> bool {
    let suites = [RELEASE.to_owned(), format!("{RELEASE}-updates"), format!("{RELEASE}-security")];
    let path = uri.trim_end_matches('/');
    suites.iter().any(|known| known == suite)
        && components.contains(&"main")
        && (path.ends_with("/debian") || path.ends_with("/debian-security"))
}

fn source_line(uri: &str, suite: &str) -> String {
    let signed_by = if Path::new(KEYRING).exists() { format!("[signed-by={KEYRING}] ") } else { String::new() };
    format!("deb {signed_by}{uri} {suite} main")
}

fn one_line_sources(text: &str) -> Vec<String> {
    text.lines()
        .filter_map(|line| {
            let line = line.split('#').next()?.trim().strip_prefix("deb ")?.trim_start();
            let line = match line.strip_prefix('[') {
                Some(with_options) => with_options.split_once(']')?.1,
                None => line,
            };
            let mut words = line.split_whitespace();
            let (uri, suite) = (words.next()?, words.next()?);
            let components: Vec<&str> = words.collect();
            is_debian(uri, suite, &components).then(|| source_line(uri, suite))
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
        if !field("Types").contains(&"deb") || field("Enabled") == ["no"] {
            continue;
        }
        let components = field("Components");
        for uri in field("URIs") {
            for suite in field("Suites") {
                if is_debian(uri, suite, &components) {
                    lines.push(source_line(uri, suite));
                }
            }
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
deb http://mirror.example/debian bookworm main contrib # near
deb [arch=amd64 signed-by=/x.gpg] http://mirror.example/debian-security/ bookworm-security main
deb http://mirror.example/debian trixie main
deb-src http://mirror.example/debian bookworm main
deb https://packages.example/docker bookworm main
deb http://mirror.example/debian bookworm-updates contrib
";
        assert_eq!(
            without_signature(one_line_sources(list)),
            [
                "deb http://mirror.example/debian bookworm main",
                "deb http://mirror.example/debian-security/ bookworm-security main"
            ]
        );

        let sources = "\
Types: deb deb-src
# a note between fields
URIs: http://mirror.example/debian
Suites: bookworm bookworm-updates trixie
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
            [
                "deb http://mirror.example/debian bookworm main",
                "deb http://mirror.example/debian bookworm-updates main"
            ]
        );
    }
}
