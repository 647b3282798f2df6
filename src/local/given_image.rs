//! A Flatcar disk that the user names: what `local up --image` and the daemon say of a file that is none.

use std::path::Path;

use azure_local::image::given::{self, GivenImage};
use report::Mendable;

/// Looks at the file; the error says what it is instead, and what helps.
pub async fn examine(path: &Path) -> anyhow::Result<GivenImage> {
    let owned = path.to_owned();
    let examined = tokio::task::spawn_blocking(move || given::examine(&owned)).await?;
    examined.map_err(|error| {
        let (file, remedy) = (diagnostics::quoted(&path.to_string_lossy()), error.remedy(path));
        let what = format!("--image {file}: {error}");
        let mut mendable = Mendable::usage(what, remedy);
        if error.is_content() {
            mendable = Mendable::file(path.display(), error.to_string(), mendable.hint);
        }
        mendable.into()
    })
}
