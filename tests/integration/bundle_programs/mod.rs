//! The programs that the bundle `platform` names, out of the tests' images, with what the bundle and `platformctl` give them: the very
//! programs that run on clusters, without Docker and without machines.

mod database;

use std::process::Child;

use platform::bundle::Bundle;

use crate::unpacked_image::UnpackedImage;

/// Ends with the test.
struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
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
