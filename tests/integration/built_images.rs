//! The machines' image is built with a program in mmdebstrap's place: what is in the way of a build, and what an interrupted one leaves.

use std::os::unix::fs::PermissionsExt as _;
use std::process::{Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};

use crate::sandbox::{CREATOR, Ended, Sandbox, wait_for};

const BUILDERS: [&[&str]; 2] = [&["local", "image", "build"], &["local", "up"]];

/// A user whose first `mmdebstrap` is a script.
struct Builder(Sandbox);

impl Builder {
    fn new() -> Self {
        let builder = Self(Sandbox::without_emulator());
        std::fs::create_dir(builder.0.path("bin")).unwrap();
        builder
    }

    fn mmdebstrap(&self, script: &str) {
        let (new, program) = (self.0.path("bin/new"), self.0.path("bin/mmdebstrap"));
        std::fs::write(&new, format!("#!/bin/sh\ncd '{}'\n{script}", self.0.path("").display())).unwrap();
        std::fs::set_permissions(&new, std::fs::Permissions::from_mode(0o755)).unwrap();
        std::fs::rename(new, program).unwrap();
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.0.command(CREATOR, arguments);
        let path = std::env::var("PATH").unwrap();
        command.env("PATH", format!("{}:{path}", self.0.path("bin").display()));
        command.env("AZURE_LOCAL_IMAGE_CACHE", self.0.path("cache"));
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    fn cache(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.0.path("cache")).unwrap();
        let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }
}

#[test]
fn an_interrupted_build_is_told_as_one_and_the_next_removes_what_it_left() {
    for arguments in BUILDERS {
        let builder = Builder::new();
        // It ends long after the command that started it.
        builder.mmdebstrap("trap '' TERM; touch started; until [ -e go ]; do sleep 0.05; done; exit 1\n");
        let child = builder.command(arguments).spawn().unwrap();
        wait_for("the build", || builder.0.path("started").exists());
        kill_process(Pid::from_raw(i32::try_from(child.id()).unwrap()).unwrap(), Signal::INT).unwrap();
        let ended = Ended::from(child.wait_with_output().unwrap()).demand(130);
        ended.says(&["error: interrupted\nhint: run the same command again"]);
        let left = builder.cache();
        let unfinished = left.iter().find(|name| name.ends_with(".unfinished")).unwrap_or_else(|| panic!("{left:?}"));
        std::fs::write(builder.0.path("cache").join(unfinished).join("disk.raw"), "half").unwrap();

        builder.mmdebstrap("ls -R cache >seen; echo 'E: no mirror' >&2; exit 1\n");
        std::fs::write(builder.0.path("go"), "").unwrap();
        let again = Ended::from(builder.command(arguments).output().unwrap()).demand(1);
        again.says(&["E: no mirror"]);
        let seen = std::fs::read_to_string(builder.0.path("seen")).unwrap();
        assert!(seen.contains("recipe.tar") && !seen.contains("disk.raw"), "{seen}");
        assert_eq!(builder.cache(), ["build.lock"]);
        assert!(!builder.0.path("azure-local").exists(), "an emulator without an image");
    }
}

#[test]
fn a_cache_that_cannot_be_and_packages_that_are_missing_are_told() {
    let builder = Builder::new();
    builder.mmdebstrap("touch started; exit 1\n");
    std::fs::write(builder.0.path("file"), "x").unwrap();
    let file = builder.0.path("file").display().to_string();
    let create = &["mycluster", "--local"][..];
    for arguments in BUILDERS.into_iter().chain([create]) {
        for cache in ["/dev/null/x", "/proc/x", &file] {
            let ended = builder.command(arguments).env("AZURE_LOCAL_IMAGE_CACHE", cache).output().unwrap();
            let ended = Ended::from(ended).demand(2);
            ended.says(&[&format!("error: creating `{cache}`: "), "hint: AZURE_LOCAL_IMAGE_CACHE names a folder"]);
        }
        let ended = Ended::from(builder.command(arguments).env("PATH", "/nowhere").output().unwrap()).demand(2);
        ended.says(&["image is built with are missing: mmdebstrap", "hint: sudo apt-get install mmdebstrap"]);
        assert_eq!(builder.cache(), ["build.lock"]);
    }
    assert!(!builder.0.path("started").exists());
}
