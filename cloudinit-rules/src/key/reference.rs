//! The table as a page, `docs/cloud-config.md`, with an address for every line of the source that it rests on.

use std::fmt::Write as _;

use super::{Consequence, Effect, Key, Section, Shape};

const START: &str = "# What coreos-cloudinit does with a cloud-config

Written from the table that `user-data lint`, the merge of your own files and the local emulator ask (`cloudinit-rules/src/key/`);
`UPDATE_GOLDEN=1 cargo test -p cloudinit-rules` writes it anew. How the rules are used: [user-data](user-data.md).

Keys that are not here do nothing; hyphens in keys are not underscores. One value of another kind than the table has keeps the whole
document from being applied. One of the right kind that cannot be used (a path that is none, a user that `useradd` refuses) keeps what comes
after it from being applied, users, then files, then units, where its row does not say otherwise.

Each source leads to the line that says so. Lines are counted in the text of the commit that its address names; each file has a commit of
its own, because no commit was found of which every file could be read. `config/config.go` was read as flatcar/mantle carries it, whose
`go.mod` names the commit. Where the address is not Flatcar's, Flatcar's own text could not be read: that of the project it comes from, or a
copy of that, stands in.
";

/// The whole page.
pub fn reference() -> String {
    let mut page = START.to_owned();
    for section in Section::ALL {
        let _ =
            write!(page, "\n## {}\n\n| key | value | what is done with it | |\n|---|---|---|---|\n", title(section));
        for key in section.keys() {
            let steps: Vec<String> = key.sources().map(|source| source.does.to_owned()).collect();
            let places = key.sources().map(|source| format!("[`{}`]({})", source.place(), source.url()));
            let places: Vec<String> = places.collect();
            let mut does = steps.join("; ");
            if let Some(variable) = key.variable {
                let _ = write!(does, ": `{variable}`");
            }
            does.push_str(&remarks(key));
            let _ = writeln!(page, "| `{}` | {} | {does} | {} |", key.name, value(key.shape), places.join(", "));
        }
    }
    page
}

/// How a section is reached from the document.
const fn title(section: Section) -> &'static str {
    match section {
        Section::Document => "The document",
        Section::CoreOs => "`coreos`",
        Section::Update => "`coreos.update`",
        Section::Locksmith => "`coreos.locksmith`",
        Section::Flannel => "`coreos.flannel`",
        Section::Oem => "`coreos.oem`",
        Section::User => "`users[]`",
        Section::File => "`write_files[]`",
        Section::Unit => "`coreos.units[]`",
        Section::DropIn => "`coreos.units[].drop_ins[]`",
    }
}

const fn value(shape: Shape) -> &'static str {
    match shape {
        Shape::Text => "text",
        Shape::Flag => "flag",
        Shape::Texts => "list of texts",
        Shape::Mapping(_) | Shape::Unused => "mapping",
        Shape::List(_) => "list of mappings",
    }
}

fn remarks(key: &Key) -> String {
    let mut remarks = match key.effect {
        Effect::Acts => String::new(),
        Effect::ActsAlone(instead) => format!(". Not merged: {instead}"),
        Effect::Dead(why, instead) => format!(". **Does nothing**: {why}; {instead}"),
    };
    if !key.misread.is_empty() {
        let _ = write!(remarks, ". {}", key.misread);
    }
    match key.wrong {
        Consequence::StopsThere => {}
        Consequence::PassedOver => remarks.push_str(". A value that is none is passed over"),
        wrong => {
            let _ = write!(remarks, ". At a value that is none, {}", wrong.text());
        }
    }
    remarks
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    #[test]
    fn the_page_is_what_the_table_says() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/cloud-config.md");
        let page = reference();
        if std::env::var_os("UPDATE_GOLDEN").is_some() {
            std::fs::write(&path, &page).unwrap();
        }
        let checked_in = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(checked_in == page, "docs/cloud-config.md is not what the table says; UPDATE_GOLDEN=1 writes it anew");
        let row = "| `shell` | text | `useradd --shell` | [`system/user.go:76`](https://github.com/flatcar/coreos-cloudinit/blob/163616255c18ef79c9d3478a8ba75d3cb56e5fc8/system/user.go#L76) |";
        assert!(page.lines().any(|line| line == row), "{page}");
    }
}
