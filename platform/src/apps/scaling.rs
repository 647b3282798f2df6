//! Changes how many tasks an app's services have. That is no release: it goes with the app.

use std::collections::BTreeMap;

use super::compose_file::Owner;
use super::render::Blueprint;
use super::scale::{self, WEB};
use super::{App, AppName, Apps, Wait};
use diagnostics::{Origin, Problems};
use report::Failure;

impl Apps {
    /// What `3` or `web=3 worker=0` ask for; a number alone is for the public service.
    pub async fn scale(&self, name: &AppName, words: &[String], wait: Wait) -> Result<App, Failure> {
        let app = self.require(name).await?;
        let (services, public) = match app.intended() {
            Some(release) => {
                let content = &release.content;
                let blueprint =
                    Blueprint::read(&content.source, Owner { app: name, config: &content.config, on: None })?;
                (blueprint.services(), blueprint.public)
            }
            None => (BTreeMap::from([(WEB.to_owned(), false)]), WEB.to_owned()),
        };
        let wanted = scale::wanted(words, &services, &public).map_err(|error| {
            let mut problems = Problems::new();
            problems.add(Origin::Flag("SERVICE=N"), error.to_string());
            problems
        })?;
        let (app, ()) = self
            .change(name, |app| {
                app.scale.extend(wanted.clone());
                Ok(())
            })
            .await?;
        self.roll_out(&app, wait).await
    }
}
