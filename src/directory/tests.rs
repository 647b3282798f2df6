use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use super::*;

fn directory(home: &Path) -> ClusterDirectory {
    let directory = ClusterDirectory::locate(Some(home), &"mycluster".parse().unwrap()).unwrap();
    directory.create().unwrap();
    directory
}

#[test]
fn files_are_private_and_replaced_whole() {
    let home = tempfile::tempdir().unwrap();
    let directory = directory(home.path());
    let file = directory.path("nodes/secret.json");
    assert_eq!(directory.read_json::<String>(&file).unwrap(), None);
    for text in ["one", "two"] {
        directory.write_json(&file, &text).unwrap();
        assert_eq!(directory.read_json::<String>(&file).unwrap().as_deref(), Some(text));
    }
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&file), mode(directory.root())), (0o600, 0o700));
    assert_eq!(fs::read_dir(directory.path("nodes")).unwrap().count(), 1, "no temporary file is left");
    let folder = directory.path("id_ed25519.pub");
    fs::create_dir(&folder).unwrap();
    let failure = report::Failure::from(directory.write(&folder, "key").unwrap_err());
    assert_eq!(failure.to_string().matches("id_ed25519.pub").count(), 1, "{failure}");
    assert_eq!(failure.exit_code(), 2);
    for (name, remedy) in
        [("spec.json", "options of the first time"), ("nodes/a.json", "a copy"), ("ssh_config", "writes it anew")]
    {
        let file = directory.path(name);
        for content in [&b"{\"cut"[..], b"\xff\xfe"] {
            fs::write(&file, content).unwrap();
            let failure = report::Failure::from(directory.read_json::<String>(&file).unwrap_err());
            let said = failure.to_string();
            assert!(said.contains(&file.display().to_string()) && said.contains(remedy), "{said}");
            assert_eq!(failure.exit_code(), 3);
        }
    }
}

#[test]
fn a_copy_is_used_only_when_it_can_be_read() {
    let home = tempfile::tempdir().unwrap();
    let directory = directory(home.path());
    let (spec, copy) = (directory.spec(), directory.path(SPEC_COPY));
    for (spec_text, copy_text, damaged) in [
        (None, None, None),
        (None, Some("{"), Some(&copy)),
        (Some("{"), Some("{"), Some(&spec)),
        (Some("{"), None, Some(&spec)),
    ] {
        for (file, text) in [(&spec, spec_text), (&copy, copy_text)] {
            match text {
                Some(text) => fs::write(file, text).unwrap(),
                None => ClusterDirectory::remove_file(file).unwrap(),
            }
        }
        assert_eq!(directory.spec_damage(), None, "{spec_text:?} {copy_text:?}");
        let error = directory.stored_cluster().err().map(|error| error.to_string());
        assert_eq!(error.is_some(), damaged.is_some(), "{error:?}");
        let names = |error: String| error.contains(&format!("`{}`: is damaged", damaged.unwrap().display()));
        assert!(error.is_none_or(names), "{spec_text:?} {copy_text:?}");
    }
}

#[test]
fn only_a_directory_without_anything_is_unused() {
    let home = tempfile::tempdir().unwrap();
    let directory = directory(home.path());
    directory.write(&directory.path(lock::FILE), "").unwrap();
    directory.write(&directory.identity(), "key").unwrap();
    directory.remove_unused().unwrap();
    assert!(directory.identity().exists());
    fs::remove_file(directory.identity()).unwrap();
    directory.remove_unused().unwrap();
    assert!(!directory.root().exists());
    directory.remove_unused().unwrap();
}

#[test]
fn a_directory_goes_as_a_whole_and_leaves_word() {
    let home = tempfile::tempdir().unwrap();
    let name: ClusterName = "mycluster".parse().unwrap();
    let directory = directory(home.path());
    assert_eq!(removed_cluster(home.path(), &name).unwrap(), None);
    directory.write(&directory.node_keys("a"), "secret").unwrap();
    // What a run leaves that is killed between renaming and removing.
    let left = home.path().join(".removing-mycluster-x/nodes");
    fs::create_dir_all(&left).unwrap();
    fs::write(left.join("a.json"), "secret").unwrap();
    directory.retire("2026-01-02T03:04:05Z").unwrap();
    assert!(!directory.root().exists());
    clear_leftovers(home.path()).unwrap();
    let entries: Vec<_> = fs::read_dir(home.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(entries, [".removed"]);
    assert_eq!(removed_cluster(home.path(), &name).unwrap().unwrap().removed, "2026-01-02T03:04:05Z");
    directory.retire("2026-01-02T03:04:06Z").unwrap();
    directory.unretire().unwrap();
    assert_eq!(removed_cluster(home.path(), &name).unwrap(), None);
    clear_leftovers(&home.path().join("missing")).unwrap();
}

#[test]
fn a_lock_is_of_the_directory_that_has_the_name() {
    let home = tempfile::tempdir().unwrap();
    let directory = directory(home.path());
    let first = DirectoryLock::acquire(&directory).unwrap();
    let failure = report::Failure::from(DirectoryLock::acquire(&directory).unwrap_err());
    assert_eq!(failure.exit_code(), 2);
    assert!(failure.to_string().contains("hint: wait for it, then run again"), "{failure}");
    directory.retire("2026-01-02T03:04:05Z").unwrap();
    directory.create().unwrap();
    let _second = DirectoryLock::acquire(&directory).unwrap();
    drop(first);
}
