//! `platformctl apps deploy`.

use std::path::Path;

use anyhow::Context as _;

use super::arguments::DeployArguments;
use super::change::{came_of, change_of};
use crate::Platform;
use crate::apps::{Apps, Deployment, ImageOptions, Source};
use crate::cli::arguments::ConnectionArguments;
use crate::images::Archive;
use diagnostics::{Origin, Problems, given_file};
use report::{Failure, Reporter};

/// A Compose file beyond this is none: etcd holds it with every release.
const LARGEST_COMPOSE_BYTES: usize = 128 * 1024;

/// Runs the command.
pub(super) async fn run(connection: &ConnectionArguments, arguments: &DeployArguments) -> Result<(), Failure> {
    let deployment = Deployment {
        source: source(arguments)?,
        port: arguments.port,
        archive: arguments.archive.as_deref().map(archive).transpose()?,
        wait: arguments.change.wait(),
    };
    let name = &arguments.name;
    // Before anybody waits for a connection.
    deployment.check(name)?;
    let work = async |platform: &Platform, reporter: &Reporter| {
        Apps::new(platform.clone(), reporter.clone()).deploy(name, &deployment).await
    };
    let command = format!("apps deploy {name}");
    let (app, begun) = change_of(connection, &arguments.change.result, &command).run(work).await?;
    came_of(&app, Some(begun), &arguments.change)
}

fn source(arguments: &DeployArguments) -> Result<Source, Failure> {
    if let Some(image) = &arguments.image {
        let options = ImageOptions {
            health: arguments.health.clone(),
            memory_bytes: arguments.memory,
            nano_cpus: arguments.cpus,
        };
        return Ok(Source::Image { image: image.clone(), options });
    }
    let file = arguments.compose.as_deref().context("neither an image nor a file")?;
    let text = given_file::read_text(file)
        .map_err(|error| Failure::Usage(format!("reading `{}`: {error}", file.display())))?;
    if text.len() > LARGEST_COMPOSE_BYTES {
        let mut problems = Problems::new();
        let message = format!("has {} bytes; {LARGEST_COMPOSE_BYTES} are the most", text.len());
        problems.add(Origin::File { path: file.display().to_string(), line: None }, message);
        return Err(problems.into());
    }
    Ok(Source::Compose {
        file: file.file_name().unwrap_or_default().to_string_lossy().into_owned(),
        text,
        public: arguments.public.clone(),
        port: arguments.port,
    })
}

fn archive(path: &Path) -> Result<Archive, Failure> {
    Archive::open(path).map_err(|error| {
        let mut problems = Problems::new();
        problems.add(Origin::Flag("--archive"), error.to_string());
        problems.into()
    })
}
