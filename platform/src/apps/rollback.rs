//! Brings back what an earlier release ran, as a new release.

use super::compose_file::Owner;
use super::images::Images;
use super::render::Blueprint;
use super::{App, AppName, Apps, Begun, Release, Wait};
use diagnostics::{Origin, Problems};
use report::Failure;

impl Apps {
    /// Source and configuration of release `version`, else of the last one that ran before the current one.
    pub async fn roll_back(&self, name: &AppName, version: Option<u32>, wait: Wait) -> Result<(App, Begun), Failure> {
        let app = self.require(name).await?;
        let target = app.rollback_target(version).map_err(|error| {
            let mut problems = Problems::new();
            problems.add_with_hint(
                Origin::Flag("VERSION"),
                error.to_string(),
                format!("platformctl apps releases {name}"),
            );
            problems
        })?;
        let content = target.content.clone();
        let what = Release::rollback_to(target.version);
        let blueprint = Blueprint::read(&content.source, Owner { app: name, config: &content.config })?;
        self.require_router().await?;
        let images = Images { platform: &self.platform, reporter: &self.reporter };
        images.provide_again(&content.images).await?;
        self.release(&app, &blueprint, content, &what, wait).await
    }
}
