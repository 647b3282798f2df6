//! The bundles that are part of the program.

use include_dir::{Dir, include_dir};

use super::{Bundle, MANIFEST, STACK};
use diagnostics::Problems;

static PLATFORMS: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../platforms");

/// What their origin says.
pub(super) const ORIGIN: &str = "shipped";

/// All of them, by name.
pub(super) fn all() -> Vec<Bundle> {
    // A test reads them all, so there is none that cannot be read.
    PLATFORMS.dirs().filter_map(|folder| read(folder).ok()).collect()
}

fn read(folder: &Dir<'_>) -> Result<Bundle, Problems> {
    let text =
        |name: &str| Some((name.to_owned(), folder.get_file(folder.path().join(name))?.contents_utf8()?.to_owned()));
    Bundle::from_files(
        [MANIFEST, STACK].into_iter().filter_map(text).collect(),
        &format!("{ORIGIN}/{}", folder.path().display()),
    )
    .map(|bundle| Bundle { origin: ORIGIN.to_owned(), ..bundle })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_shipped_bundle_is_without_mistakes() {
        let mut names = Vec::new();
        for folder in PLATFORMS.dirs() {
            let bundle = read(folder).unwrap_or_else(|problems| panic!("{problems}"));
            assert_eq!(folder.path().to_str(), Some(&*bundle.name), "a bundle's folder has its name");
            names.push(bundle.name);
        }
        assert!(names.contains(&"platform".to_owned()), "{names:?}");
    }
}
