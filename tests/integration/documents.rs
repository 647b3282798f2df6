//! What the docs say is there: links, paths, tests by name, decisions, and the commands that readers copy.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::sandbox::{CREATOR, platformctl};

/// What stands for a cluster's name, or for anything, where docs show a command.
const PLACEHOLDERS: [&str; 6] = ["NAME", "mycluster", "demo", "…", "DIR", "FILE"];

fn top() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// All pages: those at the top, in `docs/` at any depth, and those that lie beside what they are about.
fn pages() -> Vec<PathBuf> {
    fn below(folder: &Path, deep: bool, found: &mut Vec<PathBuf>) {
        for entry in std::fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() && deep {
                below(&path, deep, found);
            } else if path.extension().is_some_and(|extension| extension == "md") {
                found.push(path);
            }
        }
    }
    let mut found = Vec::new();
    below(top(), false, &mut found);
    for folder in ["docs", "azure-local/image", "tests/images", "tests/fixtures"] {
        below(&top().join(folder), true, &mut found);
    }
    found.sort();
    assert!(found.len() > 20, "{found:?}");
    found
}

/// Texts between two backticks of a line's own.
fn spans(text: &str) -> Vec<&str> {
    text.lines().flat_map(|line| line.split('`').skip(1).step_by(2)).collect()
}

/// What a span names that is not there: a path of the repository, or a test as `file::name` or `module::name`.
fn missing(span: &str) -> Option<String> {
    let word = span.split_whitespace().next().unwrap_or_default();
    let is_name = |text: &str| text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
    if let Some((place, name)) = word.split_once("::") {
        let file = match place.contains('/') {
            true => top().join(place),
            false if is_name(place) && is_name(name) => top().join(format!("tests/integration/{place}.rs")),
            false => return None,
        };
        let text = std::fs::read_to_string(file).unwrap_or_default();
        return (!text.contains(&format!("fn {name}("))).then(|| word.to_owned());
    }
    let is_path = word.contains('/')
        && !word.starts_with(['/', '~', '$', '-', '#'])
        && !word.contains("://")
        && !word.starts_with("target/")
        && word.chars().all(|c| c.is_ascii_alphanumeric() || "/._-".contains(c));
    (is_path && !top().join(word).exists()).then(|| word.to_owned())
}

#[test]
fn what_is_named_is_there() {
    let mut pages = vec![top().join("CONTRIBUTING.md"), top().join("CHANGELOG.md")];
    pages.extend(self::pages().into_iter().filter(|page| page.starts_with(top().join("docs/decisions"))));
    let mut seen = 0;
    for page in pages {
        let text = read(&page);
        let found: Vec<String> = spans(&text).into_iter().filter_map(missing).collect();
        assert!(found.is_empty(), "{} names what is not there: {found:?}", page.display());
        seen += spans(&text).len();
    }
    assert!(seen > 100, "{seen}");
    for (span, there) in [
        ("src/spec", true),
        ("scripts/test --fast", true),
        ("documents::what_is_named_is_there", true),
        ("tests/integration/documents.rs::missing", true),
        ("src/nowhere.rs", false),
        ("documents::nothing_of_this_name", false),
        ("src/spec/mod.rs::nothing_of_this_name", false),
        ("crate::spec::ClusterSpec", true),
        ("/var/lib/docker", true),
    ] {
        assert_eq!(missing(span).is_none(), there, "{span}");
    }
}

#[test]
fn links_lead_somewhere() {
    let mut seen = 0;
    for page in pages() {
        let text = read(&page);
        for link in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            let path = link.split('#').next().unwrap_or_default();
            if path.contains("://") || path.is_empty() {
                continue;
            }
            let target = page.parent().expect("a folder").join(path);
            assert!(target.exists(), "{}: `{link}` leads nowhere", page.display());
            seen += 1;
        }
    }
    assert!(seen > 20, "{seen}");
}

#[test]
fn decisions_have_their_headings_and_a_row() {
    let folder = top().join("docs/decisions");
    let index = read(&folder.join("README.md"));
    let mut numbers = Vec::new();
    for page in pages().into_iter().filter(|page| page.starts_with(&folder) && !page.ends_with("README.md")) {
        let name = page.file_name().and_then(|name| name.to_str()).expect("a name");
        let text = read(&page);
        let headings: Vec<&str> = text.lines().filter(|line| line.starts_with("## ")).collect();
        assert_eq!(headings, ["## Context", "## Choice", "## Consequence"], "{name}");
        let number: usize = name[..4].parse().expect("a number");
        let title = text.lines().next().and_then(|line| line.strip_prefix("# ")).expect("a title");
        assert!(index.contains(&format!("| [{number}]({name}) | {title} |")), "{name} has no row: `{title}`");
        numbers.push(number);
    }
    assert_eq!(numbers, (1..=numbers.len()).collect::<Vec<_>>());
    assert!(numbers.len() >= 10, "{numbers:?}");
}

/// A program's help, by the commands that lead to it.
#[derive(Default)]
struct Helps(BTreeMap<Vec<String>, String>);

impl Helps {
    fn of(&mut self, program: &str, commands: &[String]) -> &str {
        let key: Vec<String> = std::iter::once(program.to_owned()).chain(commands.iter().cloned()).collect();
        self.0.entry(key).or_insert_with(|| {
            let binary = if program == "platformctl" { platformctl() } else { Path::new(CREATOR) };
            let output = Command::new(binary).args(commands).arg("--help").stdin(Stdio::null()).output();
            let output = output.expect("the program starts");
            assert!(output.status.success(), "{program} {commands:?} --help");
            String::from_utf8(output.stdout).expect("a text")
        })
    }

    /// What of a command line does not exist.
    fn unknown(&mut self, line: &str) -> Option<String> {
        let line = line.split(" #").next().unwrap_or_default().replace("\\|", " ");
        let mut words = line.split_whitespace().map(|word| word.trim_end_matches([',', '.', ';', ':', ')']));
        let program = words.next()?.rsplit('/').next()?.to_owned();
        let mut commands: Vec<String> = Vec::new();
        let mut descends = true;
        for word in words {
            // What runs on a node, or behind a pipe, is no command of ours.
            if ["|", "&&", ">", ">>", "--"].contains(&word) || (program == "platformctl" && is_remote(&commands)) {
                break;
            }
            let help = self.of(&program, &commands);
            if let Some(option) = word.strip_prefix("--") {
                let name = option.split(['=', '[']).next().unwrap_or_default();
                let has = |flag: &str| flag.trim_end_matches([',', '.']) == format!("--{name}");
                if !help.split([' ', '\n', '=', '[']).any(has) {
                    return Some(format!("`{program} {}` has no `--{name}`", commands.join(" ")));
                }
            } else if descends && is_command(help, word) {
                commands.push(word.to_owned());
            } else {
                let is_placeholder = PLACEHOLDERS.contains(&word) || word.starts_with(['-', '$', '"', '<']);
                if commands.is_empty() && descends && !is_placeholder {
                    return Some(format!("`{program}` has no command `{word}`"));
                }
                descends = false;
            }
        }
        None
    }
}

fn is_remote(commands: &[String]) -> bool {
    matches!(commands.first().map(String::as_str), Some("ssh" | "dock"))
}

/// Whether a help lists the word among its commands.
fn is_command(help: &str, word: &str) -> bool {
    let listed = help.split("Commands:\n").nth(1).unwrap_or_default();
    let listed = listed.lines().take_while(|line| line.starts_with("  "));
    listed.filter_map(|line| line.strip_prefix("  ")?.split(' ').next()).any(|command| command == word)
}

/// Command lines of a page: lines of code and spans that begin with one of the programs.
fn command_lines(text: &str) -> Vec<String> {
    let begins = |line: &str| {
        let word = line.split_whitespace().next().unwrap_or_default();
        let name = word.rsplit('/').next().unwrap_or_default();
        (name == "azure-coreos-cluster" || name == "platformctl") && line.contains(' ') && !word.starts_with('~')
    };
    let code = text.lines().filter_map(|line| line.strip_prefix("    "));
    code.chain(spans(text)).filter(|line| begins(line)).map(str::to_owned).collect()
}

#[test]
fn commands_exist() {
    let mut helps = Helps::default();
    let mut seen = 0;
    let mut wrong = Vec::new();
    // What changed may name what is gone.
    for page in pages().into_iter().filter(|page| !page.ends_with("CHANGELOG.md")) {
        for line in command_lines(&read(&page)) {
            seen += 1;
            let name = page.strip_prefix(top()).unwrap_or(&page).display();
            wrong.extend(helps.unknown(&line).map(|what| format!("{name}: `{line}`: {what}")));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(seen > 40, "{seen}");
    for (line, is_known) in [
        ("azure-coreos-cluster mycluster --num-nodes 3 --deis", true),
        ("azure-coreos-cluster local up --vms none", true),
        ("target/debug/platformctl apps deploy hello --image nginx:1.27", true),
        ("platformctl ssh NODE chronyc --nothing", true),
        ("azure-coreos-cluster statu mycluster", false),
        ("azure-coreos-cluster mycluster --num-node 3", false),
        ("azure-coreos-cluster local up --num-nodes 3", false),
        ("platformctl application create", false),
        ("platformctl apps deploy hello --picture nginx", false),
    ] {
        assert_eq!(helps.unknown(line).is_none(), is_known, "{line}: {:?}", helps.unknown(line));
    }
}
