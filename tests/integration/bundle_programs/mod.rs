//! The programs that the bundle `platform` names, out of the tests' images, with what the bundle and `platformctl` give them: the very
//! programs that run on clusters, without Docker and without machines.

mod database;
mod logger;
mod registry;

use std::path::Path;
use std::process::Stdio;

use platform::bundle::{Bundle, Values};
use serde_json::Value;

use crate::sandbox::Process;
use crate::unpacked_image::UnpackedImage;

/// A component as the bundle renders it: its image with its configs where its container has them, and what runs in it.
struct Component {
    image: UnpackedImage,
    name: &'static str,
    command: Vec<String>,
}

impl Component {
    fn new(name: &'static str) -> Self {
        Self { image: UnpackedImage::of(&image_of(name)), name, command: Vec::new() }
    }

    /// Takes the bundle's configs and command with these settings.
    fn configure(&mut self, settings: &[(&str, &str)]) {
        let mut values = Values::new();
        values.set("platform", "domain", "example.com");
        for (key, value) in settings {
            values.set(self.name, key, value);
        }
        let rendered = Bundle::shipped_named("platform").expect("the bundle").render(&values);
        let rendered = rendered.unwrap_or_else(|problems| panic!("{problems}"));
        let service = rendered.services.iter().find(|service| service.component == self.name).expect("the service");
        let spec = serde_json::to_value(&service.spec).expect("JSON");
        let container = &spec["TaskTemplate"]["ContainerSpec"];
        for used in container["Configs"].as_array().into_iter().flatten() {
            let content = rendered.configs.iter().find(|config| used["ConfigName"] == *config.name).expect("a config");
            let place = self.image.path(used["File"]["Name"].as_str().expect("a path"));
            std::fs::create_dir_all(place.parent().expect("a folder")).expect("a folder");
            std::fs::write(place, &content.content).expect("a config");
        }
        let words =
            [&container["Command"], &container["Args"]].map(|list| list.as_array().cloned().unwrap_or_default());
        self.command = words.concat().iter().filter_map(Value::as_str).map(str::to_owned).collect();
    }

    /// What starts it, in place of `default` where the bundle leaves the command to the image.
    fn start(&self, default: &[&str], log: &Path, variables: &[(&str, &str)]) -> Process {
        let default: Vec<String> = default.iter().map(|word| (*word).to_owned()).collect();
        let words = if self.command.is_empty() { &default } else { &self.command };
        let mut command = self.image.command(0, &words[0]);
        let log = std::fs::File::create(log).expect("a log");
        command.args(&words[1..]).stdin(Stdio::null()).stdout(log.try_clone().expect("a log")).stderr(log);
        command.envs(variables.iter().copied());
        Process(command.spawn().expect("it starts"))
    }
}

/// The image of one of the bundle's components.
fn image_of(component: &str) -> String {
    let bundle = Bundle::shipped_named("platform").expect("the bundle");
    let setting = bundle.settings.get(component, "image").and_then(|setting| setting.default.clone());
    setting.unwrap_or_else(|| panic!("{component} has an image"))
}

/// The programs of the images that are made of Debian packages are of the versions that the bundle names. A tag that is a major
/// version stands for every release of it.
#[test]
fn names_say_which_version_is_inside() {
    for (component, program, before) in [
        ("database", "/usr/local/bin/postgres", "postgres (PostgreSQL) "),
        ("registry", "/usr/bin/registry", "/usr/bin/registry github.com/docker/distribution "),
        ("logger", "/usr/sbin/syslog-ng", "syslog-ng 4 ("),
    ] {
        let image = image_of(component);
        let (_, tag) = image.rsplit_once(':').expect("a version");
        let said = UnpackedImage::of(&image).command(1000, program).arg("--version").output().expect("it starts");
        let said = String::from_utf8_lossy(&said.stdout).into_owned();
        let rest = said.strip_prefix(before).unwrap_or_else(|| panic!("{image}: {said}"));
        let version: String = rest.chars().take_while(|character| ".0123456789".contains(*character)).collect();
        assert!(version == tag || version.starts_with(&format!("{tag}.")), "{image} holds version {version}: {said}");
    }
}
