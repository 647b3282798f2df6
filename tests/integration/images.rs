//! The container images of the tests (`tests/images/`): where their archives are, and what they must be like.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use serde_json::Value;

use crate::golden::assert_golden;
use crate::sandbox::{Ended, fixture_path};

/// The folder of archives that `platformctl install --images` takes. The first caller on a machine builds them, from
/// Debian packages; others, in this process and in others, wait for it.
pub(crate) fn image_archives() -> PathBuf {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER
        .get_or_init(|| {
            let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/images/build");
            let output = Command::new(program).stdin(Stdio::null()).output().expect("tests/images/build starts");
            let says = String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success(), "tests/images/build ended with {}:\n{says}", output.status);
            PathBuf::from(String::from_utf8(output.stdout).expect("a path").trim_end())
        })
        .clone()
}

/// An archive as `docker load` sees it: its files by name.
fn files_of(archive: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut archive = tar::Archive::new(std::fs::File::open(archive).expect("the archive"));
    let entries = archive.entries().expect("entries").map(|entry| {
        let mut entry = entry.expect("an entry");
        let mut content = Vec::new();
        entry.read_to_end(&mut content).expect("its content");
        (entry.path().expect("a path").to_string_lossy().into_owned(), content)
    });
    entries.collect()
}

fn digest_of(bytes: &[u8]) -> String {
    openssl::sha::sha256(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn texts(list: &Value) -> Vec<&str> {
    list.as_array().into_iter().flatten().filter_map(Value::as_str).collect()
}

/// Paths in a layer; demands what makes a rebuild give the same layer again.
fn paths_of(layer: &[u8]) -> BTreeSet<String> {
    let mut paths = BTreeSet::new();
    for entry in tar::Archive::new(layer).entries().expect("entries") {
        let entry = entry.expect("an entry");
        let path = entry.path().expect("a path").to_string_lossy().trim_end_matches('/').to_owned();
        let header = entry.header();
        assert_eq!((header.mtime().ok(), header.uid().ok(), header.gid().ok()), (Some(0), Some(0), Some(0)), "{path}");
        assert!(paths.last().is_none_or(|last: &String| last < &path), "{path} is not in order");
        paths.insert(path);
    }
    paths
}

/// Checks every image of an archive; their names.
fn check_archive(path: &Path) -> Vec<String> {
    let files = files_of(path);
    let manifest: Value = serde_json::from_slice(&files["manifest.json"]).expect("JSON");
    let mut names = Vec::new();
    for image in manifest.as_array().expect("a list") {
        let [name] = texts(&image["RepoTags"])[..] else { panic!("one name: {image}") };
        let configuration = &files[image["Config"].as_str().expect("a name")];
        assert_eq!(image["Config"], format!("{}.json", digest_of(configuration)), "{name}");
        let configuration: Value = serde_json::from_slice(configuration).expect("JSON");
        assert_eq!((&configuration["os"], &configuration["architecture"]), (&"linux".into(), &"amd64".into()));

        let layers = texts(&image["Layers"]);
        let digests: Vec<String> = layers.iter().map(|layer| format!("sha256:{}", digest_of(&files[*layer]))).collect();
        assert_eq!(texts(&configuration["rootfs"]["diff_ids"]), digests, "{name}");
        assert_eq!(configuration["history"].as_array().map(Vec::len), Some(layers.len()), "{name}");

        let paths: BTreeSet<String> = layers.iter().flat_map(|layer| paths_of(&files[*layer])).collect();
        let configuration = &configuration["config"];
        let command = [texts(&configuration["Entrypoint"]), texts(&configuration["Cmd"])].concat();
        let program = command.first().unwrap_or_else(|| panic!("{name} has a program"));
        let folders =
            if program.starts_with('/') { vec![""] } else { vec!["usr/local/sbin/", "usr/local/bin/", "usr/bin/"] };
        let program = program.trim_start_matches('/');
        assert!(folders.iter().any(|folder| paths.contains(&format!("{folder}{program}"))), "{name}: {program}");
        names.push(name.to_owned());
    }
    names
}

#[test]
fn archives_are_what_docker_load_takes_and_small() {
    const MIB: u64 = 1 << 20;
    let expected = [
        ("apps.tar", 3 * MIB, vec!["hello:1", "hello:2", "hello:broken", "worker:1"]),
        ("database.tar", 80 * MIB, vec!["postgres:15.10"]),
        (
            "platform.tar",
            56 * MIB,
            vec!["traefik:v3.6.7", "haproxy:2.6.12", "registry:2.8.3", "balabit/syslog-ng:4.8.0"],
        ),
    ];
    let folder = image_archives();
    let mut found: Vec<PathBuf> =
        std::fs::read_dir(&folder).expect("the folder").flatten().map(|entry| entry.path()).collect();
    found.sort();
    assert_eq!(found, expected.iter().map(|(name, _, _)| folder.join(name)).collect::<Vec<_>>());
    for (name, most_bytes, images) in expected {
        let path = folder.join(name);
        let bytes = path.metadata().expect("metadata").len();
        assert!(bytes <= most_bytes, "{name} has {bytes} bytes, more than {most_bytes}");
        assert_eq!(check_archive(&path), images, "{name}");
    }
}

/// The files of an image below `folder`.
fn unpack(archive: &Path, image: &str, folder: &Path) {
    let files = files_of(archive);
    let manifest: Value = serde_json::from_slice(&files["manifest.json"]).expect("JSON");
    let found = manifest.as_array().into_iter().flatten().find(|entry| texts(&entry["RepoTags"]) == [image]);
    for layer in texts(&found.unwrap_or_else(|| panic!("{image} is there"))["Layers"]) {
        tar::Archive::new(&files[layer][..]).unpack(folder).expect("the layer is unpacked");
    }
}

/// Runs `tests/fixtures/render-router.lua` by the Lua of the router's image, unpacked at `root`, with these flags.
fn render_router(root: &Path, dynamic: &Path, flags: &[&str]) -> Ended {
    let libraries = root.join("usr/lib/x86_64-linux-gnu");
    // Called by its loader, a program takes no library from the host.
    let mut lua = Command::new(libraries.join("ld-linux-x86-64.so.2"));
    lua.arg("--library-path").arg(&libraries).arg(root.join("usr/bin/lua5.3"));
    lua.env("LUA_PATH", format!("{0}/?.lua;{0}/?/init.lua", root.join("usr/share/lua/5.3").display()));
    lua.env("LUA_CPATH", format!("{}/lua/5.3/?.so", libraries.display()));
    lua.arg(fixture_path("render-router.lua")).arg(root.join("usr/lib/traefik"));
    lua.args([fixture_path("router-services.json"), fixture_path("router-tasks.json")]).arg(dynamic).args(flags);
    Ended::from(lua.stdin(Stdio::null()).output().expect("the image's Lua starts"))
}

#[test]
fn the_router_understands_flags_labels_and_files_or_says_why_not() {
    let folder = tempfile::tempdir().expect("a folder");
    unpack(&image_archives().join("platform.tar"), "traefik:v3.6.7", folder.path());
    let flags = [
        "--entryPoints.web.address=:80",
        "--entrypoints.websecure.address=127.0.0.1:8443",
        "--entryPoints.websecure.http.tls=true",
        "--entryPoints.mail.address=:993",
        "--entryPoints.ping.address=:9090",
        "--ping=true",
        "--ping.entryPoint=ping",
        "--providers.swarm.endpoint=tcp://publisher:2375",
        "--providers.swarm.exposedByDefault=false",
        "--providers.swarm.network=platform_router",
        "--serversTransport.forwardingTimeouts.dialTimeout=1s",
    ];
    let ended = render_router(folder.path(), &fixture_path("router-dynamic.yml"), &flags);
    assert_golden("router.txt", &ended.demand(0).stdout);

    let dynamic = folder.path().join("wrong.yml");
    std::fs::write(&dynamic, "http: {routers: {a: {rule: Host(`a`), middlewares: [b]}}, middlewares: {}}")
        .expect("write");
    let wrong = [
        "--entryPoints.web.address=80",
        "--entryPoints.web.adress=:80",
        "--ping=perhaps",
        "--providers.swarm.endpoint=unix:///a",
    ];
    let ended = render_router(folder.path(), &dynamic, &wrong).demand(1);
    // The stand-in reads tables, which have no order.
    let mut refusals: Vec<&str> = ended.stdout.lines().collect();
    refusals.sort_unstable();
    assert_golden("router-refusals.txt", &(refusals.join("\n") + "\n"));
}
