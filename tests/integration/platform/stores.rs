//! What a platform keeps for its users, and sends on: the database, images of their own, lines of logs.

use std::io::{BufRead as _, BufReader};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;

use super::cluster::{Cluster, DOMAIN};
use crate::images::image_archives;
use crate::sandbox::wait_for;

/// Where a machine of the emulator finds the host's loopback.
const HOST: &str = "198.18.0.2";
/// Through the server's own socket; and by the password, as apps do.
const INSIDE: &str = "psql --no-psqlrc --tuples-only --no-align --username=platform --command";
const BY_PASSWORD: &str = "PGPASSWORD=$(cat /run/secrets/database.password) psql --host=database --username=platform \
                           --no-psqlrc --tuples-only --no-align --command";

/// What a statement gives.
fn ask(cluster: &Cluster, client: &str, statement: &str) -> String {
    let command = format!("{client} '{statement}'");
    cluster.ctl(&["dock", "database", "sh", "-c", &command]).demand(0).stdout.trim().to_owned()
}

/// The database is started, written to, saved, spoiled, restored; and another password opens it.
pub(super) fn the_database_is_saved_and_restored(cluster: &Cluster) {
    let images = image_archives().display().to_string();
    let ended = cluster.ctl(&["config", "database", "set", "enabled=true", "password=first"]).demand(0);
    assert!(!ended.stdout.contains("first"), "{}", ended.stdout);
    cluster
        .ctl_when_clocks_agree(&["install", "platform"])
        .demand(3)
        .says(&["database node", "platformctl config database set node="]);
    cluster.ctl(&["config", "database", "set", &format!("node={}", cluster.node(1))]).demand(0);
    cluster.ctl(&["install", "platform", "--images", &images]).demand(0).says(&["database: loaded"]);
    cluster.ctl(&["start", "database"]).demand(0).says(&["● database: active/running 1/1"]);

    ask(cluster, INSIDE, "CREATE TABLE words AS SELECT n AS id, md5(n::text) AS word FROM generate_series(1, 5000) n");
    let file = cluster.sandbox.path("saved.dump");
    let place = file.to_str().unwrap();
    cluster.ctl(&["database", "backup", place]).demand(0);
    assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    ask(cluster, INSIDE, "DELETE FROM words WHERE id > 10");

    let before = cluster.ctl(&["dock", "database", "cat", "/run/secrets/database.password"]).demand(0).stdout;
    assert_eq!(before.trim(), "first");
    let changed = cluster.ctl(&["database", "password"]).demand(0);
    let after = cluster.ctl(&["dock", "database", "cat", "/run/secrets/database.password"]).demand(0).stdout;
    assert!(after != before && !changed.stdout.contains(after.trim()) && !changed.stderr.contains(after.trim()));
    assert_eq!(ask(cluster, BY_PASSWORD, "SELECT count(*) FROM words"), "10");

    cluster.ctl(&["database", "restore", place, "--yes"]).demand(0);
    assert_eq!(ask(cluster, BY_PASSWORD, "SELECT count(*) FROM words"), "5000");
}

/// An image of one's own goes into the registry, and from there onto whichever machine runs the app.
pub(super) fn images_are_pushed_and_pulled(cluster: &Cluster) {
    let archive = image_archives().join("apps.tar").display().to_string();
    cluster.ctl(&["apps", "create", "stored"]).demand(0);
    let deploy = ["apps", "deploy", "stored", "--image", "registry/hello:1", "--archive", &archive];
    cluster.ctl(&deploy).demand(0);
    cluster.ctl(&["apps", "scale", "stored", "web=3"]).demand(0);
    let host = format!("stored.{DOMAIN}");
    wait_for("the app", || cluster.get(&host, "/").is_ok_and(|(_, body)| body.starts_with("hello 1\n")));
    let images = "docker image ls --format '{{.Repository}}:{{.Tag}}'";
    let listed: Vec<String> =
        (0..3).map(|index| cluster.ctl(&["ssh", &cluster.node(index), images]).demand(0).stdout).collect();
    let count = |image: &str| listed.iter().filter(|listed| listed.lines().any(|line| line == image)).count();
    // One machine pushed it, all have it from there.
    assert_eq!((count("127.0.0.1:5000/hello:1"), count("hello:1")), (3, 1), "{listed:?}");
}

/// A line of an app arrives where the logs are sent on to.
pub(super) fn lines_reach_a_drain(cluster: &Cluster) {
    let receiver = TcpListener::bind("127.0.0.1:0").unwrap();
    let drain = format!("drain=syslog+tcp://{HOST}:{}", receiver.local_addr().unwrap().port());
    cluster.ctl(&["config", "logger", "set", &drain]).demand(0);
    cluster.ctl(&["install", "platform"]).demand(0);
    // Each machine's logger connects; each is read to its end, or an idle one would keep the others waiting.
    let (found, lines) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        for connection in receiver.incoming().take(3).flatten() {
            let found = found.clone();
            std::thread::spawn(move || {
                for line in BufReader::new(connection).lines().map_while(Result::ok) {
                    if found.send(line).is_err() {
                        return;
                    }
                }
            });
        }
    });
    cluster.ctl(&["apps", "create", "chatty"]).demand(0);
    let archive = image_archives().join("apps.tar").display().to_string();
    cluster.ctl(&["apps", "deploy", "chatty", "--image", "hello:2", "--archive", &archive]).demand(0);
    wait_for("the app's line", || lines.try_iter().any(|line| line.contains("hello 2 listens on port 8000")));
}
