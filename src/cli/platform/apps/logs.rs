//! `platformctl apps logs`.

use std::io::{ErrorKind, Write as _};
use std::ops::ControlFlow;
use std::time::{SystemTime, UNIX_EPOCH};

use super::arguments::LogsArguments;
use crate::cli::arguments::OutputFormat;
use crate::cli::ended_by_signal;
use crate::cli::platform::arguments::ConnectionArguments;
use crate::cli::platform::connect;
use crate::config::yaml;
use crate::platform::apps::{Apps, LogLine, LogRequest};
use crate::report::{Failure, Reporter};

/// Follows until a signal, which is its good end.
pub async fn follow(connection: &ConnectionArguments, arguments: &LogsArguments) -> Result<(), Failure> {
    tokio::select! {
        result = run(connection, arguments) => result,
        () = ended_by_signal() => Ok(()),
    }
}

/// Shows what there is.
pub async fn run(connection: &ConnectionArguments, arguments: &LogsArguments) -> Result<(), Failure> {
    let platform = connect::platform(connection).await?;
    let apps = Apps::new(platform, Reporter::new(None));
    let app = apps.require(&arguments.name).await?;
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let request = LogRequest {
        follow: arguments.follow,
        lines: Some(arguments.lines),
        since: arguments.since.and_then(|ago| i64::try_from(now.saturating_sub(ago).as_secs()).ok()),
        service: arguments.service.clone(),
    };
    let mut show = |line: LogLine| {
        let text = match arguments.output {
            OutputFormat::Text => format!("{}| {}\n", line.process, line.text),
            OutputFormat::Json => serde_json::to_string(&line).map_err(anyhow::Error::from)? + "\n",
            OutputFormat::Yaml => yaml::to_string(&[line]).map_err(anyhow::Error::from)?,
        };
        let mut stdout = std::io::stdout().lock();
        match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
            // Nobody reads any more: `… | head`.
            Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(ControlFlow::Break(())),
            Err(error) => Err(Failure::Other(error.into())),
            Ok(()) => Ok(ControlFlow::Continue(())),
        }
    };
    apps.logs(&app, &request, &mut show).await
}
