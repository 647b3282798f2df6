//! `templates`: the texts that user-data is made of, out to a directory and back in.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::arguments::TemplatesCommand;
use crate::spec::TemplateSet;
use diagnostics::{Origin, Problem, Problems, given_file};
use report::Failure;
use report::output;

/// Runs the command.
pub(super) async fn run(command: TemplatesCommand) -> Result<(), Failure> {
    match command {
        TemplatesCommand::Dump { directory, force } => {
            let paths: Vec<String> =
                dump(&directory, force)?.iter().map(|path| format!("{}\n", path.display())).collect();
            output::print(&paths.concat())
        }
        TemplatesCommand::Check { directory } => {
            load(&directory)?;
            output::line(&format!("{}: nothing is wrong", directory.display()))
        }
    }
}

/// Writes every shipped text; the files' paths.
fn dump(directory: &Path, force: bool) -> Result<Vec<PathBuf>, Failure> {
    let mut problems = Problems::new();
    for (name, _) in TemplateSet::shipped() {
        let path = directory.join(name);
        if !force && path.symlink_metadata().is_ok() {
            let origin = Origin::File { path: path.display().to_string(), line: None };
            problems.add_with_hint(origin, "is there already", "`--force` writes over it");
        }
    }
    if !problems.is_empty() {
        return Err(problems.into());
    }
    let failed = |what: String, error: std::io::Error| {
        let mut problems = Problems::new();
        problems.add(Origin::Flag("DIR"), format!("{what}: {error}"));
        problems
    };
    std::fs::create_dir_all(directory).map_err(|error| failed(format!("making `{}`", directory.display()), error))?;
    let mut paths = Vec::new();
    for (name, text) in TemplateSet::shipped() {
        let path = directory.join(name);
        std::fs::write(&path, text).map_err(|error| failed(format!("writing `{}`", path.display()), error))?;
        paths.push(path);
    }
    Ok(paths)
}

/// The shipped texts with a directory's files in place of those of the same name; files whose name begins with `.` are
/// left alone. Every mistake at once, with the path of its file.
pub(super) fn load(directory: &Path) -> Result<TemplateSet, Problems> {
    let path_of = |name: &str| directory.join(name).display().to_string();
    let (files, mut problems) = read(directory);
    match TemplateSet::with_overrides(files) {
        Ok(templates) if problems.is_empty() => Ok(templates),
        Ok(_) => Err(problems),
        Err(found) => {
            let placed = found.iter().cloned().map(|problem| match problem.origin {
                Origin::File { path, line } => {
                    Problem { origin: Origin::File { path: path_of(&path), line }, ..problem }
                }
                origin => Problem { origin, ..problem },
            });
            problems.extend(placed.collect());
            Err(problems)
        }
    }
}

/// Name and text of every file, and why the others cannot be read.
fn read(directory: &Path) -> (BTreeMap<String, String>, Problems) {
    let mut files = BTreeMap::new();
    let mut problems = Problems::new();
    let origin = |path: &Path| Origin::File { path: path.display().to_string(), line: None };
    let entries = match std::fs::read_dir(directory).and_then(Iterator::collect::<Result<Vec<_>, _>>) {
        Ok(entries) => entries,
        Err(error) => {
            problems.add(origin(directory), format!("cannot be read: {error}"));
            return (files, problems);
        }
    };
    for entry in entries {
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.starts_with('.') {
            continue;
        }
        match given_file::read_text(&entry.path()) {
            Ok(text) => drop(files.insert(name, text)),
            Err(error) => problems.add(origin(&entry.path()), format!("cannot be read: {error}")),
        }
    }
    (files, problems)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_dumped_can_be_loaded() {
        let folder = tempfile::tempdir().unwrap();
        let directory = folder.path().join("a/b");
        dump(&directory, false).unwrap();
        std::fs::write(directory.join(".hidden"), "{{").unwrap();
        let files: BTreeMap<String, String> =
            TemplateSet::shipped().map(|(name, text)| (name.to_owned(), text.to_owned())).collect();
        assert_eq!(load(&directory).unwrap(), TemplateSet::with_overrides(files).unwrap());
    }

    #[test]
    fn nothing_is_written_over_without_a_word() {
        let folder = tempfile::tempdir().unwrap();
        let mine = folder.path().join("environment");
        std::fs::write(&mine, "mine").unwrap();
        let failure = dump(folder.path(), false).unwrap_err().to_string();
        assert!(failure.contains("environment`: is there already\nhint: `--force`"), "{failure}");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "nothing else is written");
        let failure = dump(&mine, true).unwrap_err();
        assert_eq!(failure.exit_code(), 3);
        assert!(failure.to_string().starts_with("error: `DIR`: making `"), "{failure}");
        dump(folder.path(), true).unwrap();
        assert_ne!(std::fs::read_to_string(mine).unwrap(), "mine");
    }

    #[test]
    fn mistakes_name_the_path() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("environment"), "\n{{ x }}\n").unwrap();
        std::fs::write(folder.path().join("enviroment"), "").unwrap();
        std::fs::write(folder.path().join("base.yaml"), [0xff]).unwrap();
        let problems = load(folder.path()).unwrap_err().to_string();
        let path = folder.path().display();
        for part in [
            format!("`{path}/environment` line 2: `x` is not among its values"),
            format!("`{path}/enviroment`: no template or base file has this name"),
            format!("`{path}/base.yaml`: cannot be read"),
        ] {
            assert!(problems.contains(&part), "{problems}");
        }
        let missing = load(&folder.path().join("missing")).unwrap_err().to_string();
        assert!(missing.contains("missing`: cannot be read: No such file"), "{missing}");
    }
}
