//! The house has no circles: rooms use rooms that stand above them in docs/architecture.md's map, never one below, and the
//! map knows every room that there is.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// Members in the order in which they may use each other: each only those before it.
const MEMBERS: [(&str, &str); 9] = [
    ("diagnostics", "diagnostics"),
    ("cloudinit-rules", "cloudinit-rules"),
    ("report", "report"),
    ("routing", "routing"),
    ("nodes", "nodes"),
    ("platformctl", "platform"),
    ("platform-controller", "controller"),
    ("azure-local", "azure-local"),
    ("azure-coreos-cluster", ""),
];

/// Which rooms of a member use which, tests aside.
type Arrows = BTreeMap<String, BTreeSet<String>>;

fn top() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn source(member: &str) -> PathBuf {
    top().join(member).join("src")
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The modules right below a member's root: files and folders, doors aside.
fn rooms(source: &Path) -> BTreeSet<String> {
    let entries = std::fs::read_dir(source).expect("the sources");
    let names = entries.map(|entry| entry.expect("an entry").path());
    let names = names.filter_map(|path| Some(path.file_stem()?.to_str()?.to_owned()));
    names.filter(|name| !["lib", "bin", "tests"].contains(&name.as_str())).collect()
}

fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        let is_test = path.file_stem().is_some_and(|name| name == "tests");
        if path.is_dir() && !is_test {
            files(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") && !is_test {
            found.push(path);
        }
    }
}

/// The code of a file without comments and without its tests.
fn code(text: &str) -> String {
    let indent = |line: &str| line.len() - line.trim_start().len();
    let mut lines = text.lines().filter(|line| !line.trim_start().starts_with("//"));
    let mut kept = Vec::new();
    while let Some(line) = lines.next() {
        if line.trim_start() != "#[cfg(test)]" {
            kept.push(line);
            continue;
        }
        // The item ends with the first line that stands where it began and ends something.
        let is_last = |next: &str| indent(next) == indent(line) && next.ends_with(['}', ';', ',']);
        lines.find(|next| is_last(next));
    }
    under_its_own_name(&kept.join("\n"))
}

/// The code with `crate::` for whatever it calls the root: blanks around `::`, and `use crate as top`.
fn under_its_own_name(code: &str) -> String {
    let mut parts = code.split("::").map(str::to_owned).collect::<Vec<String>>();
    for at in 1..parts.len() {
        if parts[at - 1].trim_end().ends_with(|c: char| c.is_alphanumeric() || c == '_') {
            let end = parts[at - 1].trim_end().len();
            parts[at - 1].truncate(end);
            let start = parts[at].len() - parts[at].trim_start().len();
            parts[at].drain(..start);
        }
    }
    let mut code = parts.join("::");
    let names = |code: &str, before: &str| -> Vec<String> {
        let named = code.split(before).skip(1).map(|rest| {
            let end = rest.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(rest.len());
            rest[..end].to_owned()
        });
        named.filter(|name| !name.is_empty() && name != "_").collect()
    };
    let of_group = code.split("use crate::{").skip(1).flat_map(|group| {
        let group = group.split(';').next().unwrap_or_default();
        names(group, "self as ")
    });
    for name in names(&code, "use crate as ").into_iter().chain(of_group.collect::<Vec<_>>()) {
        let mut renamed = String::new();
        let mut rest = code.as_str();
        while let Some(at) = rest.find(&format!("{name}::")) {
            let is_whole = !rest[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == ':');
            renamed.push_str(&rest[..at]);
            renamed.push_str(if is_whole { "crate" } else { &name });
            rest = &rest[at + name.len()..];
        }
        code = renamed + rest;
    }
    code
}

/// The code of module `own` (`cli::create`) with each `super::`, however many, as the path from `crate::` that it means.
fn from_the_root(code: &str, own: &str) -> String {
    const ABOVE: &str = "super::";
    let parts: Vec<&str> = own.split("::").collect();
    let (mut resolved, mut rest) = (String::new(), code);
    while let Some(at) = rest.find(ABOVE) {
        resolved.push_str(&rest[..at]);
        rest = &rest[at..];
        let mut left = parts.len();
        while let Some(inner) = rest.strip_prefix(ABOVE) {
            (rest, left) = (inner, left.saturating_sub(1));
        }
        resolved.push_str("crate::");
        parts[..left].iter().for_each(|part| resolved.push_str(&format!("{part}::")));
    }
    resolved + rest
}

/// A file as its module: `cli::create`, also for the folder's own file.
fn module(source: &Path, file: &Path) -> String {
    let inside = file.strip_prefix(source).expect("below the sources").with_extension("");
    let parts: Vec<String> = inside.iter().map(|part| part.to_string_lossy().into_owned()).collect();
    parts.join("::").trim_end_matches("::mod").to_owned()
}

/// The first name behind each `crate::`, those in braces one by one.
fn used(code: &str) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for (_, rest) in code.match_indices("crate::").map(|(at, word)| code.split_at(at + word.len())) {
        if let Some(group) = rest.strip_prefix('{') {
            let (mut depth, mut name) = (0, String::new());
            for character in group.chars() {
                match character {
                    '{' => depth += 1,
                    '}' if depth == 0 => break,
                    '}' => depth -= 1,
                    ',' if depth == 0 => {
                        names.insert(std::mem::take(&mut name));
                    }
                    _ if depth == 0 => name.push(character),
                    _ => {}
                }
            }
            names.insert(name);
        } else {
            names.insert(rest.to_owned());
        }
    }
    let first = |name: &String| {
        let name = name.trim_start();
        let end = name.find(|character: char| !(character.is_alphanumeric() || character == '_')).unwrap_or(name.len());
        name[..end].to_owned()
    };
    names.iter().map(first).filter(|name| !name.is_empty()).collect()
}

fn arrows(source: &Path) -> Arrows {
    let rooms = rooms(source);
    let mut arrows: Arrows = rooms.iter().map(|room| (room.clone(), BTreeSet::new())).collect();
    let mut found = Vec::new();
    files(source, &mut found);
    for file in found {
        let own = module(source, &file);
        let room = own.split("::").next().unwrap_or_default().to_owned();
        let Some(targets) = arrows.get_mut(&room) else { continue };
        targets.extend(
            used(&from_the_root(&code(&read(&file)), &own))
                .into_iter()
                .filter(|name| rooms.contains(name) && *name != room),
        );
    }
    arrows
}

/// Rooms of a member in the order of the map's rows: `| `nodes/src/ssh` | … |`.
fn mapped(member: &str) -> Vec<String> {
    let prefix = if member.is_empty() { "| `src/".to_owned() } else { format!("| `{member}/src/") };
    let map = read(&top().join("docs/architecture.md"));
    let rows = map.lines().filter_map(|line| line.strip_prefix(&prefix)?.split('`').next().map(str::to_owned));
    rows.collect()
}

/// What is wrong with a member's arrows, given the order in which its rooms stand.
fn mistakes(order: &[String], arrows: &Arrows) -> Vec<String> {
    let place = |room: &str| order.iter().position(|known| known == room);
    let mut mistakes = Vec::new();
    for (room, targets) in arrows {
        if place(room).is_none() {
            mistakes.push(format!("`{room}` is not in the map"));
        }
        for target in targets {
            if place(target) >= place(room) {
                mistakes.push(format!("`{room}` uses `{target}`, which does not stand above it"));
            }
        }
    }
    for room in order.iter().filter(|room| !arrows.contains_key(*room)) {
        mistakes.push(format!("the map has `{room}`, which is not there"));
    }
    mistakes
}

#[test]
fn rooms_use_only_what_stands_above_them() {
    for (_, folder) in MEMBERS {
        let found = mistakes(&mapped(folder), &arrows(&source(folder)));
        assert!(found.is_empty(), "{folder}: {found:#?}");
    }
}

#[test]
fn members_use_only_what_stands_before_them() {
    for (place, (member, folder)) in MEMBERS.iter().enumerate() {
        let manifest = read(&top().join(folder).join("Cargo.toml"));
        let dependencies = manifest.split("\n[dependencies]").nth(1).unwrap_or_default();
        let dependencies = dependencies.split("\n[").next().unwrap_or_default();
        for line in dependencies.lines().filter(|line| line.contains("path = \"")) {
            let used = line.split_whitespace().next().unwrap_or_default();
            let before = MEMBERS.iter().position(|(known, _)| *known == used);
            assert!(before.is_some_and(|before| before < place), "`{member}` uses `{used}`");
        }
    }
}

#[test]
fn an_arrow_that_runs_back_is_seen() {
    let order: Vec<String> = ["low", "high"].map(str::to_owned).into();
    let arrow = |code_of_low: &str, code_of_high: &str| -> Arrows {
        // Code of `low::inner`: two steps up is the root.
        let targets = |text: &str| {
            used(&from_the_root(&code(text), "low::inner")).into_iter().filter(|name| order.contains(name)).collect()
        };
        [("low".to_owned(), targets(code_of_low)), ("high".to_owned(), targets(code_of_high))].into()
    };
    for (low, high, seen) in [
        ("use std::fmt;", "use crate::low::Thing;", false),
        ("use crate::high::Thing;", "", true),
        ("use crate::{other, high::{a, b}};", "", true),
        ("fn f() { crate::high::f() }", "", true),
        ("// crate::high", "", false),
        ("use super::super::high::Thing;", "", true),
        ("use crate :: high :: Thing;", "", true),
        ("use crate as top;\nuse top::high::Thing;", "", true),
        ("use crate as top;\nfn f() { top::high::f(); stop::high::f() }", "", true),
        ("use crate::{self as top, other};\nfn f() { top::high::f() }", "", true),
        ("fn f() { top::high::f() }", "", false),
        ("#[cfg(test)]\nmod tests { use crate::high; }", "", false),
        ("#[cfg(test)]\nmod tests {\n    use crate::high;\n}\nfn f() {}", "", false),
        ("#[cfg(test)]\nuse std::fmt;\nuse crate::high;", "", true),
    ] {
        assert_eq!(!mistakes(&order, &arrow(low, high)).is_empty(), seen, "{low}");
    }
}

/// Which files of a member use which, tests aside; a file is named as its module.
fn file_arrows(source: &Path) -> Arrows {
    let mut found = Vec::new();
    files(source, &mut found);
    let modules: BTreeSet<String> = found.iter().map(|file| module(source, file)).collect();
    let arrows = found.iter().map(|file| {
        let own = module(source, file);
        let uses = from_the_root(&code(&read(file)), &own);
        let targets = paths(&uses).into_iter().filter_map(|path| deepest(&path, &modules));
        (own.clone(), targets.filter(|target| *target != own).collect())
    });
    arrows.collect()
}

/// Every path behind `crate::`, those in braces one by one.
fn paths(code: &str) -> BTreeSet<String> {
    let mut paths = BTreeSet::new();
    for (at, word) in code.match_indices("crate::") {
        let rest = &code[at + word.len()..];
        let end = rest.find(|c: char| !(c.is_alphanumeric() || "_:{}, \n".contains(c))).unwrap_or(rest.len());
        expand("", &rest[..end], &mut paths);
    }
    paths
}

/// Takes one path, with its braces, from the beginning of a text.
fn expand(prefix: &str, text: &str, paths: &mut BTreeSet<String>) {
    let text = text.trim_start();
    let end = text.find(|c: char| !(c.is_alphanumeric() || "_:".contains(c))).unwrap_or(text.len());
    let (head, rest) = text.split_at(end);
    let path = format!("{prefix}{head}");
    let Some(group) = rest.strip_prefix('{').filter(|_| path.is_empty() || path.ends_with("::")) else {
        paths.insert(path.trim_end_matches("::self").trim_end_matches("::").to_owned());
        return;
    };
    let (mut depth, mut start) = (0, 0);
    for (at, character) in group.char_indices() {
        match character {
            '{' => depth += 1,
            '}' if depth == 0 => {
                expand(&path, &group[start..at], paths);
                return;
            }
            '}' => depth -= 1,
            ',' if depth == 0 => {
                expand(&path, &group[start..at], paths);
                start = at + 1;
            }
            _ => {}
        }
    }
}

/// The file that a path leads into.
fn deepest(path: &str, modules: &BTreeSet<String>) -> Option<String> {
    let mut path = path;
    loop {
        if modules.contains(path) {
            return Some(path.to_owned());
        }
        path = path.rsplit_once("::")?.0;
    }
}

/// What is left when everything is taken away, again and again, that uses nothing of the rest: circles, and what uses them.
fn circles(mut arrows: Arrows) -> Arrows {
    loop {
        let free: BTreeSet<String> =
            arrows.iter().filter(|(_, targets)| targets.is_empty()).map(|(file, _)| file.clone()).collect();
        if free.is_empty() {
            return arrows;
        }
        arrows.retain(|file, _| !free.contains(file));
        for targets in arrows.values_mut() {
            targets.retain(|target| !free.contains(target));
        }
    }
}

/// Members whose files form no circle; in the others some are two halves of one thing.
const WITHOUT_CIRCLES: [&str; 5] = ["diagnostics", "report", "routing", "controller", "azure-local"];

#[test]
fn files_form_no_circle() {
    for member in WITHOUT_CIRCLES {
        let found = circles(file_arrows(&source(member)));
        assert!(found.is_empty(), "{member}: {found:#?}");
    }
    let arrows = file_arrows(&source("azure-local"));
    assert!(arrows["http::put"].contains("network::interface"), "{:?}", arrows["http::put"]);
    assert!(arrows["machine::qemu::supervisor"].contains("machine::qemu::launcher"));
}

#[test]
fn a_circle_of_files_is_seen() {
    let arrows = |pairs: &[(&str, &str)]| -> Arrows {
        let mut arrows = Arrows::new();
        for (from, to) in pairs {
            arrows.entry((*from).to_owned()).or_default().insert((*to).to_owned());
            arrows.entry((*to).to_owned()).or_default();
        }
        arrows
    };
    assert!(circles(arrows(&[("a", "b"), ("b", "c"), ("a", "c")])).is_empty());
    assert_eq!(circles(arrows(&[("a", "b"), ("b", "c"), ("c", "b")])).len(), 3);
    let modules: BTreeSet<String> = ["arm::id", "state", "state::store"].map(str::to_owned).into();
    let found: Vec<Option<String>> =
        paths("use crate::arm::id::{self, key};\nuse crate::{state::{store::Record, State}, other};")
            .iter()
            .map(|path| deepest(path, &modules))
            .collect();
    assert_eq!(found.iter().flatten().collect::<BTreeSet<_>>(), modules.iter().collect());
}
