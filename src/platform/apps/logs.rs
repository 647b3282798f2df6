//! What an app's containers write, on all nodes, through a manager.
//! <https://docs.docker.com/reference/api/engine/version/v1.41/#tag/Task/operation/TaskLogs>

use std::collections::{BTreeSet, HashMap};
use std::ops::ControlFlow;
use std::time::Duration;

use bollard::Docker;
use bollard::query_parameters::LogsOptions;
use futures::StreamExt as _;
use futures::future::join_all;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::{App, Apps};
use crate::platform::swarm::{Member, Service, Task};
use crate::report::Failure;
use crate::spec::{Origin, Problems};

/// How often is looked for new tasks while their output is followed.
const LOOK_INTERVAL: Duration = Duration::from_secs(2);
/// A node that does not hand out its part must not hold up the others'.
const READ_TIMEOUT: Duration = Duration::from_secs(30);

/// What is wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LogRequest {
    /// Go on with what is written from now on.
    pub follow: bool,
    /// So many of the last lines; all that there are when none.
    pub lines: Option<usize>,
    /// Nothing written before this, in seconds since 1970.
    pub since: Option<i64>,
    /// One service alone.
    pub service: Option<String>,
}

/// A line.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct LogLine {
    /// RFC 3339 with nanoseconds.
    pub time: String,
    /// `web.1`: the service and the task's place, which is its slot or its node.
    pub process: String,
    pub text: String,
}

/// Takes a line; says whether more are wanted.
type Show<'s> = dyn FnMut(LogLine) -> Result<ControlFlow<()>, Failure> + Send + 's;

/// A task whose output is read.
#[derive(Clone, Debug)]
struct Writer {
    id: String,
    process: String,
    node: String,
    answers: bool,
}

impl Apps {
    /// Hands the lines that there are to `show`, in the order of their times; then, when it is asked for, those that are
    /// written from now on, without end.
    pub async fn logs(&self, app: &App, request: &LogRequest, show: &mut Show<'_>) -> Result<(), Failure> {
        let writers = self.writers(app, request).await?;
        let docker = self.manager().await?;
        for writer in writers.iter().filter(|writer| !writer.answers) {
            self.reporter.note(format!("▴ {} ran on {}, which does not answer", writer.process, writer.node));
        }
        let answering: Vec<&Writer> = writers.iter().filter(|writer| writer.answers).collect();
        let read = join_all(answering.iter().map(|writer| read(&docker, writer, request))).await;
        let mut last: HashMap<String, String> = HashMap::new();
        let mut lines = Vec::new();
        for (writer, (of_writer, complaint)) in answering.iter().zip(read) {
            if let Some(complaint) = complaint {
                self.reporter.note(format!("▴ {} on {}: {complaint}", writer.process, writer.node));
            }
            if let Some(newest) = of_writer.last() {
                last.insert(writer.id.clone(), newest.time.clone());
            }
            lines.extend(of_writer);
        }
        lines.sort_by(|one, other| one.time.cmp(&other.time));
        let skipped = request.lines.map_or(0, |most| lines.len().saturating_sub(most));
        for line in lines.into_iter().skip(skipped) {
            if show(line)?.is_break() {
                return Ok(());
            }
        }
        if request.follow { self.follow(app, request, last, show).await } else { Ok(()) }
    }

    async fn follow(
        &self,
        app: &App,
        request: &LogRequest,
        mut last: HashMap<String, String>,
        show: &mut Show<'_>,
    ) -> Result<(), Failure> {
        let (sender, mut receiver) = mpsc::channel::<(String, LogLine)>(1024);
        // Streams end with this function.
        let mut streams: JoinSet<String> = JoinSet::new();
        let mut followed: BTreeSet<String> = BTreeSet::new();
        let mut look = tokio::time::interval(LOOK_INTERVAL);
        loop {
            tokio::select! {
                Some((task, line)) = receiver.recv() => {
                    last.insert(task, line.time.clone());
                    if show(line)?.is_break() {
                        return Ok(());
                    }
                }
                Some(ended) = streams.join_next() => {
                    // A task that still runs is followed anew at the next look.
                    if let Ok(task) = ended {
                        followed.remove(&task);
                    }
                }
                _ = look.tick() => {
                    // Managers change while nodes come and go; the next look finds another one.
                    let (Ok(writers), Ok(docker)) = (self.writers(app, request).await, self.manager().await) else {
                        continue;
                    };
                    for writer in writers.into_iter().filter(|writer| writer.answers) {
                        if followed.insert(writer.id.clone()) {
                            let after = last.get(&writer.id).cloned();
                            streams.spawn(stream(docker.clone(), writer, after, sender.clone()));
                        }
                    }
                }
            }
        }
    }

    /// The tasks that the swarm remembers of the app.
    async fn writers(&self, app: &App, request: &LogRequest) -> Result<Vec<Writer>, Failure> {
        let swarm = &self.platform.swarm;
        let members = swarm.require().await?;
        let services = swarm.services(Some(&app.name.namespace())).await?;
        let chosen: Vec<&Service> = services
            .iter()
            .filter(|service| request.service.as_deref().is_none_or(|wanted| wanted == service.component()))
            .collect();
        if let (Some(wanted), true) = (&request.service, chosen.is_empty()) {
            let known: Vec<&str> = services.iter().map(Service::component).collect();
            let mut problems = Problems::new();
            let message = format!("there is no service `{wanted}`; the app has {}", known.join(", "));
            problems.add(Origin::Flag("--service"), message);
            return Err(problems.into());
        }
        let tasks = swarm.tasks(&chosen, &members).await?;
        let writer = |task: &Task| {
            let service = chosen.iter().find(|service| service.id == task.service_id)?;
            // What never became a container wrote nothing.
            task.container_id.as_ref()?;
            Some(Writer {
                id: task.id.clone(),
                process: format!("{}.{}", service.component(), task.place()),
                node: task.node.clone(),
                answers: answers(&members, task),
            })
        };
        Ok(tasks.iter().filter_map(writer).collect())
    }

    /// Docker on a manager that answers.
    async fn manager(&self) -> Result<Docker, Failure> {
        let asked = self
            .platform
            .swarm
            .ask("asking a manager for logs", |docker| async move { docker.inspect_swarm().await.map(|_| docker) });
        Ok(asked.await?)
    }
}

fn answers(members: &[Member], task: &Task) -> bool {
    members.iter().any(|member| member.ready && task.node_id.as_deref() == Some(&member.id))
}

fn options(request: &LogRequest, follow: bool) -> LogsOptions {
    LogsOptions {
        follow,
        stdout: true,
        stderr: true,
        timestamps: true,
        since: request.since.and_then(|since| i32::try_from(since).ok()).unwrap_or_default(),
        tail: request.lines.map_or_else(|| "all".to_owned(), |lines| lines.to_string()),
        ..LogsOptions::default()
    }
}

/// What a task has written, and what is to be said of it.
async fn read(docker: &Docker, writer: &Writer, request: &LogRequest) -> (Vec<LogLine>, Option<String>) {
    let mut output = docker.task_logs(&writer.id, Some(options(request, false)));
    let mut text = String::new();
    let reading = async {
        while let Some(part) = output.next().await {
            text.push_str(&String::from_utf8_lossy(part?.as_ref()));
        }
        Ok::<(), bollard::errors::Error>(())
    };
    let complaint = match tokio::time::timeout(READ_TIMEOUT, reading).await {
        Ok(Ok(())) => None,
        Ok(Err(error)) => Some(error.to_string()),
        Err(_) => Some(format!("its node did not hand out its output within {} s", READ_TIMEOUT.as_secs())),
    };
    (lines(&writer.process, &text), complaint)
}

/// Sends what a task writes from `after` on; ends with the task or the connection. Returns the task's id.
async fn stream(
    docker: Docker,
    writer: Writer,
    after: Option<String>,
    sender: mpsc::Sender<(String, LogLine)>,
) -> String {
    let since = after.as_deref().and_then(seconds);
    let request = LogRequest { since, ..LogRequest::default() };
    let mut output = docker.task_logs(&writer.id, Some(options(&request, true)));
    while let Some(Ok(part)) = output.next().await {
        for line in lines(&writer.process, &String::from_utf8_lossy(part.as_ref())) {
            let is_new = after.as_ref().is_none_or(|after| line.time > *after);
            if is_new && sender.send((writer.id.clone(), line)).await.is_err() {
                return writer.id;
            }
        }
    }
    writer.id
}

/// Docker's lines: a time, a space, what was written.
fn lines(process: &str, text: &str) -> Vec<LogLine> {
    let line = |line: &str| {
        let (time, text) = line.split_once(' ').unwrap_or((line, ""));
        LogLine { time: time.to_owned(), process: process.to_owned(), text: text.trim_end_matches('\r').to_owned() }
    };
    text.lines().map(line).collect()
}

/// Whole seconds since 1970 of a time in RFC 3339.
fn seconds(time: &str) -> Option<i64> {
    let parsed = time::OffsetDateTime::parse(time, &time::format_description::well_known::Rfc3339).ok()?;
    Some(parsed.unix_timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dockers_lines() {
        let text = "2026-11-21T10:51:34.123456789Z one two\n2026-11-21T10:51:35.000000000Z \n\
                    2026-11-21T10:51:36.000000000Z three\r\n";
        let found = lines("web.1", text);
        let texts: Vec<&str> = found.iter().map(|line| line.text.as_str()).collect();
        assert_eq!(texts, ["one two", "", "three"]);
        assert_eq!(found[0].time, "2026-11-21T10:51:34.123456789Z");
        assert_eq!(seconds(&found[0].time), Some(1_795_258_294));
    }
}
