//! `platformctl database` with a real PostgreSQL server, over SSH to a node whose Docker knows one container: the unpacked image.

use std::io::Write as _;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use tempfile::TempDir;

use super::{Process, image_of};
use crate::router::etcd::Etcd;
use crate::sandbox::{Ended, wait_for};
use crate::unpacked_image::UnpackedImage;

/// The image's user `postgres`.
const USER: u32 = 999;
const ROWS: &str = "20000";
const FILL: &str = "CREATE TABLE words (id integer PRIMARY KEY, word text);
    INSERT INTO words SELECT n, md5(n::text) || md5((n + 1)::text) FROM generate_series(1, 20000) n;
    CREATE INDEX by_word ON words (word);";
const SPOIL: &str = "DELETE FROM words WHERE id > 10; CREATE TABLE later ()";

/// A node with a database.
struct Node {
    image: UnpackedImage,
    server: Option<Process>,
    etcd: Etcd,
    /// Of the test's files.
    folder: TempDir,
}

impl Node {
    fn start() -> Self {
        let (image, folder) = (UnpackedImage::of(&image_of("database")), tempfile::tempdir().expect("a folder"));
        let (containers, log) = (folder.path().join("containers"), folder.path().join("docker.log"));
        std::fs::write(&containers, "0a1b2c platform platform_database\n").unwrap();
        let inside = image.command(USER, "/bin/env");
        let words = std::iter::once(inside.get_program()).chain(inside.get_args()).map(|word| word.to_str().unwrap());
        let words = words.collect::<Vec<_>>().join(" ");
        let docker = format!(
            "#!/bin/sh\necho \"$*\" >> {}\ncase $1 in\nps) cat {} ;;\nexec) shift 3; exec {words} POSTGRES_USER=platform \
             POSTGRES_DB=platform PATH=/usr/local/bin:/usr/bin \"$@\" ;;\nesac\n",
            log.display(),
            containers.display(),
        );
        let programs = folder.path().join("bin");
        std::fs::create_dir(&programs).unwrap();
        std::fs::write(programs.join("docker"), docker).unwrap();
        std::fs::set_permissions(programs.join("docker"), PermissionsExt::from_mode(0o755)).unwrap();
        let path = format!("{}:{}", programs.display(), std::env::var("PATH").unwrap());
        let mut node = Self { image, server: None, etcd: Etcd::start_with(&[("PATH", &path)]), folder };
        for inside in ["pgdata", "run/postgresql"] {
            std::fs::create_dir_all(node.image.path(inside)).unwrap();
        }
        std::fs::set_permissions(node.image.path("pgdata"), PermissionsExt::from_mode(0o700)).unwrap();
        node.serve();
        node.ask(FILL);
        node
    }

    /// Starts the server; its socket is the image's own, so no other server is in the way.
    fn serve(&mut self) {
        let log = std::fs::File::create(self.path("server.log")).unwrap();
        let mut command = self.image.command(USER, "/usr/local/bin/docker-entrypoint.sh");
        command.args(["postgres", "-c", "listen_addresses=", "-c", "fsync=off"]);
        command.envs([("POSTGRES_USER", "platform"), ("POSTGRES_PASSWORD", "first"), ("PGDATA", "/pgdata")]);
        command.stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log);
        self.server = Some(Process(command.spawn().expect("the server starts")));
        wait_for("the server", || self.try_ask("SELECT 1").is_some());
    }

    fn try_ask(&self, statement: &str) -> Option<String> {
        let mut command = self.image.command(USER, "/usr/local/bin/psql");
        command.args(["--no-psqlrc", "--tuples-only", "--no-align", "--username=platform", "--command", statement]);
        let output = command.output().expect("psql starts");
        output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
    }

    fn ask(&self, statement: &str) -> String {
        self.try_ask(statement).unwrap_or_else(|| panic!("{statement}"))
    }

    fn rows(&self) -> String {
        self.ask("SELECT count(*) FROM words")
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// What the node's Docker was asked so far.
    fn asked(&self) -> String {
        std::fs::read_to_string(self.path("docker.log")).unwrap_or_default()
    }

    fn database(&self, arguments: &[&str]) -> Ended {
        self.etcd.platformctl(&[&["database"], arguments].concat())
    }
}

fn text(path: &Path) -> &str {
    path.to_str().expect("a path in UTF-8")
}

#[test]
fn a_database_is_saved_and_restored() {
    let mut node = Node::start();
    let file = node.path("saved");
    let saved = node.database(&["backup", text(&file)]).demand(0);
    assert!(saved.stdout.starts_with("database of PostgreSQL 17."), "{}", saved.stdout);
    assert!(saved.stdout.contains(&format!("saved to {}: ", file.display())), "{}", saved.stdout);
    assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    let dump = std::fs::read(&file).unwrap();
    assert!(dump.starts_with(b"PGDMP"));

    wrong_places(&node, &file);
    assert_eq!(std::fs::read(&file).unwrap(), dump, "it was not replaced");
    wrong_backups(&node, &dump);

    node.ask(SPOIL);
    node.database(&["restore", text(&file)]).demand(2).says(&[
        "nobody is here to confirm",
        &format!("`platformctl database restore {} --yes` restores without asking", file.display()),
    ]);
    assert_eq!(node.rows(), "10");
    let restored = node.database(&["restore", text(&file), "--yes"]).demand(0);
    assert!(restored.stdout.contains(" restored from "), "{}", restored.stdout);
    assert_eq!((node.rows().as_str(), node.ask("SELECT count(*) FROM later").as_str()), (ROWS, "0"));

    through_streams(&node);
    interrupted(&node, &dump);
    without_a_server(&mut node);
}

/// None of them asks the node.
fn wrong_places(node: &Node, file: &Path) {
    let before = node.asked();
    let folder = node.path("");
    let missing = node.path("no/such/folder/saved");
    for (place, expected) in [
        (text(file), "exists already\nhint: --force replaces it"),
        (text(&folder), "is a folder; name a file"),
        (text(&missing), "entity not found"),
    ] {
        node.database(&["backup", place]).demand(3).says(&[expected]);
    }
    assert_eq!(node.asked(), before);
    let left = std::fs::read_dir(node.path("")).unwrap().flatten().map(|entry| entry.file_name());
    assert!(left.into_iter().all(|name| !name.to_string_lossy().starts_with(".backup-")), "nothing is left over");
    node.database(&["backup", "--force", text(&node.path("bin"))]).demand(3).says(&["is a folder"]);
    let other = node.path("other");
    std::fs::write(&other, "old").unwrap();
    node.database(&["backup", "--force", text(&other)]).demand(0);
    assert!(std::fs::read(&other).unwrap().starts_with(b"PGDMP"));
}

fn wrong_backups(node: &Node, dump: &[u8]) {
    let before = node.asked();
    let place = node.path("wrong");
    for (bytes, expected) in [
        (&b""[..], "it is empty"),
        (b"-- PostgreSQL database dump\n", "no dump in PostgreSQL's custom format, which begins with `PGDMP`"),
        (&dump[..20], "ends or is damaged within the first lines"),
    ] {
        std::fs::write(&place, bytes).unwrap();
        node.database(&["restore", "--yes", text(&place)]).demand(3).says(&[expected]);
    }
    node.database(&["restore", "--yes", text(&node.path("none"))]).demand(3).says(&["reading `"]);
    assert_eq!(node.asked(), before, "the node was not asked");

    let newer = node.path("newer");
    let at = dump.windows(3).position(|part| part == b"17.").expect("the server's version");
    let mut bytes = dump.to_vec();
    bytes[at..at + 2].copy_from_slice(b"99");
    std::fs::write(&newer, bytes).unwrap();
    node.database(&["restore", "--yes", text(&newer)])
        .demand(2)
        .says(&["the backup is of PostgreSQL 99.", "which is older"]);
    std::fs::write(&place, &dump[..dump.len() / 2]).unwrap();
    node.database(&["restore", "--yes", text(&place)]).demand(8).says(&[
        "restoring the database; nothing was changed: exit status 1: pg_restore: error: ",
        "platformctl journal database",
    ]);
    assert_eq!(node.rows(), ROWS);
}

fn through_streams(node: &Node) {
    let piped = node.database(&["backup", "-"]);
    // What is on stdout is the dump alone, so its text was lost on the way here.
    assert!(piped.stdout.starts_with("PGDMP"));
    piped.demand(0).says(&["saved to stdout: "]);
    let mut full = node.etcd.command(&["database", "backup", "-"]);
    full.stdin(Stdio::null()).stdout(std::fs::File::options().write(true).open("/dev/full").unwrap());
    let full = Ended::from(full.stderr(Stdio::piped()).spawn().unwrap().wait_with_output().unwrap());
    full.demand(1).says(&["writing the backup to stdout", "No space left on device"]);
    // Nobody reads on, which the tests' SSH server, unlike others, does not tell the program.
    node.ask("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'pg_dump'");

    node.ask("DELETE FROM words");
    let mut command = node.etcd.command(&["database", "restore", "-", "--yes"]);
    let saved = std::fs::File::open(node.path("saved")).unwrap();
    let ended = Ended::from(command.stdin(saved).output().unwrap()).demand(0);
    assert!(ended.stdout.contains("restored from standard input"), "{}", ended.stdout);
    assert_eq!(node.rows(), ROWS);
}

/// One that is killed halfway changes nothing, and lets go of what it held.
fn interrupted(node: &Node, dump: &[u8]) {
    node.ask(SPOIL.split(';').next().unwrap());
    let mut command = node.etcd.command(&["database", "restore", "-", "--yes"]);
    let mut restoring = command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let mut input = restoring.stdin.take().unwrap();
    input.write_all(&dump[..dump.len() - 2000]).unwrap();
    let restores = || node.ask("SELECT count(*) FROM pg_stat_activity WHERE application_name = 'pg_restore'");
    wait_for("pg_restore", || restores() == "1");
    restoring.kill().unwrap();
    restoring.wait().unwrap();
    drop(input);
    wait_for("the end of pg_restore", || restores() == "0");
    assert_eq!(node.rows(), "10");
    node.database(&["restore", text(&node.path("saved")), "--yes"]).demand(0);
    assert_eq!(node.rows(), ROWS);
}

fn without_a_server(node: &mut Node) {
    let file = node.path("later");
    node.server = None;
    node.database(&["backup", text(&file)])
        .demand(8)
        .says(&["the database does not answer", "platformctl status database"]);
    std::fs::write(node.path("containers"), "0a1b2c app-shop app-shop_database\n").unwrap();
    for arguments in [&["backup", text(&file)][..], &["restore", "--yes", text(&node.path("saved"))]] {
        node.database(arguments).demand(8).says(&["no container of the component `database` runs", "enabled=true"]);
    }
    assert!(!file.exists());
}
