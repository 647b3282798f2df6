//! Why the image was not built: what whoever runs the build can mend is told apart from what went wrong in it.

use std::io;
use std::path::{Path, PathBuf};

/// Why there is no image.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// The cache's folder cannot be used; `doing` is a verb in -ing.
    #[error("{doing} `{}`", .path.display())]
    Cache { doing: &'static str, path: PathBuf, source: io::Error },
    /// Debian packages that the build needs.
    #[error("packages that the image is built with are missing: {}", .0.join(", "))]
    PackagesMissing(Vec<&'static str>),
    /// A step of the build failed.
    #[error(transparent)]
    Step(#[from] anyhow::Error),
}

impl BuildError {
    /// Makes an error of the cache out of the system's.
    pub(super) fn cache(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Cache { doing, path: path.to_owned(), source }
    }
}
