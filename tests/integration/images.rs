//! The container images of the tests (`tests/images/`): where their archives are, and what they must be like.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use serde_json::Value;

use crate::sandbox::platformctl;

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

/// Puts the archive of our own images beside `platformctl`, where it looks for it.
pub(crate) fn own_images() {
    static DONE: OnceLock<()> = OnceLock::new();
    DONE.get_or_init(|| build_own_images(platformctl().parent().expect("the program lies in a folder")));
}

fn build_own_images(folder: &Path) {
    let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("images/build");
    let built = Command::new(program).arg(folder).stdin(Stdio::null()).output().expect("images/build starts");
    assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
}

/// An archive as `docker load` sees it: its files by name.
pub(crate) fn files_of(archive: &Path) -> BTreeMap<String, Vec<u8>> {
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
    hex::encode(openssl::sha::sha256(bytes))
}

pub(crate) fn texts(list: &Value) -> Vec<&str> {
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
        ("database.tar", 80 * MIB, vec!["postgres:17"]),
        (
            "platform.tar",
            // Half of it is the router.
            96 * MIB,
            vec!["caddy:2.11.7", "registry:2.8.3", "balabit/syslog-ng:4.8.1"],
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

/// The one version of the router: the bundle's, that of the tests' image, and that of the program in both.
#[test]
fn the_router_is_what_the_bundle_names() {
    let bundle = platform::bundle::Bundle::shipped_named("platform").expect("the bundle");
    let image = bundle.settings.get("router", "image").and_then(|setting| setting.default.clone()).expect("an image");
    let version = image.strip_prefix("caddy:").expect("the router is Caddy");
    let says = Command::new(crate::router::caddy()).arg("version").output().expect("it starts");
    let says = String::from_utf8_lossy(&says.stdout).into_owned();
    assert_eq!(says.split_whitespace().next(), Some(&*format!("v{version}")));

    let files = files_of(&image_archives().join("platform.tar"));
    let manifest: Value = serde_json::from_slice(&files["manifest.json"]).expect("JSON");
    let found = manifest.as_array().into_iter().flatten().find(|entry| texts(&entry["RepoTags"]) == [&*image]);
    let layers = texts(&found.unwrap_or_else(|| panic!("{image} is there"))["Layers"]);
    let program = layers.iter().find_map(|layer| {
        let mut layer = tar::Archive::new(&files[*layer][..]);
        let mut entries = layer.entries().expect("entries").map(|entry| entry.expect("an entry"));
        let mut entry = entries.find(|entry| entry.path().is_ok_and(|path| path.ends_with("usr/bin/caddy")))?;
        let mut content = Vec::new();
        entry.read_to_end(&mut content).expect("its content");
        Some(content)
    });
    assert!(program == std::fs::read(crate::router::caddy()).ok(), "the image holds that very program");
}

/// `PT_INTERP`: names the program that loads the libraries.
const LOADER: u32 = 3;

/// Types of a program's segments: <https://refspecs.linuxfoundation.org/elf/gabi4+/ch5.pheader.html>
fn segments(program: &[u8]) -> Vec<u32> {
    assert_eq!(program[..5], *b"\x7fELF\x02", "a program of 64 bits");
    let short = |at: usize| usize::from(u16::from_le_bytes([program[at], program[at + 1]]));
    let word = |at: usize| u32::from_le_bytes(program[at..at + 4].try_into().expect("four bytes"));
    let (start, size, count) = (word(32) as usize, short(54), short(56));
    (0..count).map(|index| word(start + index * size)).collect()
}

/// The controller's image, of the version that the bundle names, is one program that needs nothing else.
#[test]
fn our_own_image_holds_one_program_that_stands_alone() {
    let folder = tempfile::tempdir().expect("a folder");
    build_own_images(folder.path());
    let archive = folder.path().join("platform-controller.tar");
    let bundle = platform::bundle::Bundle::shipped_named("platform").expect("the bundle");
    let image = bundle.settings.get("controller", "image").and_then(|setting| setting.default.clone());
    assert_eq!(check_archive(&archive), [image.expect("an image")]);

    let files = files_of(&archive);
    let manifest: Value = serde_json::from_slice(&files["manifest.json"]).expect("JSON");
    let [layer] = texts(&manifest[0]["Layers"])[..] else { panic!("one layer: {manifest}") };
    tar::Archive::new(&files[layer][..]).unpack(folder.path()).expect("the layer is unpacked");
    let program = folder.path().join("platform-controller");
    let bytes = std::fs::read(&program).expect("the program");
    assert!(!segments(&bytes).contains(&LOADER), "it needs the machine's libraries");
    let loaded = std::fs::read(std::env::current_exe().expect("this program")).expect("this program");
    assert!(segments(&loaded).contains(&LOADER), "this one does, and it shows");
    let says = Command::new(program).arg("--version").env_clear().output().expect("it starts");
    let says = String::from_utf8_lossy(&says.stdout).into_owned();
    assert_eq!(says.trim_end(), format!("platform-controller {}", env!("CARGO_PKG_VERSION")));
}
