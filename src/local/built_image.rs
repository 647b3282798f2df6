//! The image that machines start from unless a disk was given: built once, by `local up` and `local image build`; what is in the way
//! is told with what helps.

use anyhow::Context as _;
use azure_local::image::{self, BuildError, Image};
use report::{Mendable, Reporter};

/// Builds the image unless it is there. When this is dropped before its end, so is the build; the next one removes what it left.
pub async fn build(reporter: &Reporter) -> anyhow::Result<Image> {
    let cache = super::image_cache()?;
    let says = reporter.clone();
    let running = image::RunningProgram::default();
    let _ends_with_this = running.end_on_drop();
    let build = move || image::build(&cache, &running, &mut |text: &str| says.note(text));
    tokio::task::spawn_blocking(build).await?.map_err(mendable)
}

/// The image that was built; none is an error.
pub(super) fn find() -> anyhow::Result<Image> {
    let cache = super::image_cache()?;
    image::find(&cache)
        .with_context(|| format!("no image in `{}`; azure-coreos-cluster local image build makes it", cache.display()))
}

/// Builds the image when there is none, and says how long that takes.
pub(super) async fn ensure(reporter: &Reporter) -> anyhow::Result<()> {
    if image::find(&super::image_cache()?).is_some() {
        return Ok(());
    }
    reporter.note("building the machines' image from Debian packages; once, about two minutes");
    build(reporter).await.map(drop)
}

fn mendable(error: BuildError) -> anyhow::Error {
    let hint = match &error {
        BuildError::Cache { .. } => "AZURE_LOCAL_IMAGE_CACHE names a folder that can be written".to_owned(),
        BuildError::PackagesMissing(packages) => {
            format!("sudo apt-get install {}; then run the same command again", packages.join(" "))
        }
        BuildError::Step(_) => return error.into(),
    };
    Mendable::usage(format!("{:#}", anyhow::Error::new(error)), hint).into()
}
