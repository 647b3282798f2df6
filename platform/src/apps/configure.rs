//! Changes an app's configuration; what runs is brought up anew with it.

use std::collections::{BTreeMap, BTreeSet};

use super::compose_file::Owner;
use super::deploy::chosen_port;
use super::images::Images;
use super::render::Blueprint;
use super::{App, AppName, Apps, Begun, ConfigChange, Content, Source, Wait};
use diagnostics::suggestion;
use diagnostics::{Origin, Problems};
use report::Failure;

impl Apps {
    /// Makes all of `change` or nothing of it. When something is deployed it becomes a release, which is rolled out.
    pub async fn configure(
        &self,
        name: &AppName,
        change: &ConfigChange,
        wait: Wait,
    ) -> Result<(App, Option<Begun>), Failure> {
        let app = self.require(name).await?;
        let config = app.config.changed(change).map_err(|error| {
            let mut problems = Problems::new();
            problems.add(Origin::Flag("NAME=VALUE"), error.to_string());
            problems
        })?;
        for absent in change.absent(&app.config) {
            let near = suggestion(absent, app.config.names());
            let near = near.map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
            self.reporter.note(format!("`{absent}` was not set{near}"));
        }
        let Some(base) = app.intended() else {
            let set = |app: &mut App| {
                app.config = config.clone();
                Ok(())
            };
            return Ok((self.change(name, set).await?.0, None));
        };
        let base = base.clone();
        let source = base.content.source.clone();
        let reached = self.require_router().await?;
        let blueprint = Blueprint::read(&source, Owner { app: name, config: &config, on: Some(&reached) })?;
        let known: BTreeMap<String, String> = base.content.images.clone();
        let new: BTreeSet<&str> = blueprint.images().into_iter().filter(|image| !known.contains_key(*image)).collect();
        let images = Images { platform: &self.platform, reporter: &self.reporter };
        let found = if new.is_empty() { BTreeMap::new() } else { images.provide(&new, None).await? };
        let port = match &source {
            Source::Image { .. } => base.content.port,
            Source::Compose { port, .. } => chosen_port(&blueprint, &found, *port, Some(&base))?,
        };
        let named = blueprint.images();
        let pinned = known.into_iter().filter(|(image, _)| named.contains(image.as_str()));
        let content = Content {
            source,
            images: pinned.chain(found.into_iter().map(|(image, found)| (image, found.pinned))).collect(),
            config,
            public: blueprint.public.clone(),
            port,
        };
        let (app, begun) = self.release(&app, &blueprint, content, &change.what(), wait).await?;
        Ok((app, Some(begun)))
    }
}
