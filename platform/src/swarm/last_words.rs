//! The last lines that the tasks of a failed rollout wrote, and nothing that tasks of other releases wrote before.

use bollard::models::ServiceUpdateStatusStateEnum;
use bollard::query_parameters::LogsOptions;
use futures::TryStreamExt as _;
use futures::future::join_all;

use super::{Service, Swarm, Task};
use nodes::cluster::DockerError;

/// So many of the newest tasks are asked: one that fails again and again says the same.
const MOST_TASKS: usize = 3;

impl Swarm {
    /// The last lines of the tasks that a service's rollout failed with, oldest first; none when these wrote nothing.
    pub(super) async fn last_words(&self, service: &str, most: usize) -> Result<Vec<String>, DockerError> {
        let Some(service) = self.service(service).await? else { return Ok(Vec::new()) };
        let members = self.members().await?.unwrap_or_default();
        let tasks = self.tasks(&[&service], &members).await?;
        let failed = tasks_of_rollout(&service, &tasks);
        let newest = failed.into_iter().rev().take(MOST_TASKS);
        let mut lines = Vec::new();
        for words in join_all(newest.map(|task| self.words_of(&task.id, most))).await {
            lines.extend(words?);
        }
        // Each begins with its time in a form whose texts sort as the times do.
        lines.sort();
        let without_time = |line: &String| line.split_once(' ').map_or_else(String::new, |(_, text)| text.to_owned());
        Ok(lines[lines.len().saturating_sub(most)..].iter().map(without_time).collect())
    }

    /// A task's last lines, each with its time. <https://docs.docker.com/reference/api/engine/version/v1.44/#tag/Task/operation/TaskLogs>
    async fn words_of(&self, task: &str, most: usize) -> Result<Vec<String>, DockerError> {
        let options = LogsOptions {
            stdout: true,
            stderr: true,
            timestamps: true,
            tail: most.to_string(),
            ..LogsOptions::default()
        };
        let output: Vec<_> = self
            .ask(format!("reading the log of task `{task}`"), |docker| {
                let options = options.clone();
                async move { docker.task_logs(task, Some(options)).try_collect().await }
            })
            .await?;
        let text: String = output.iter().map(|line| String::from_utf8_lossy(line.as_ref()).into_owned()).collect();
        Ok(text.lines().map(str::to_owned).collect())
    }
}

/// The tasks of what was rolled out last. When the swarm itself has gone back, they are those that are not of the spec
/// that the service has again, and have failed.
fn tasks_of_rollout<'t>(service: &Service, tasks: &'t [Task]) -> Vec<&'t Task> {
    let gone_back = matches!(
        service.update_state,
        Some(
            ServiceUpdateStatusStateEnum::ROLLBACK_STARTED
                | ServiceUpdateStatusStateEnum::ROLLBACK_COMPLETED
                | ServiceUpdateStatusStateEnum::ROLLBACK_PAUSED
        )
    );
    let of_rollout = |task: &&Task| match gone_back {
        true => task.has_failed() && !task.follows(service),
        false => task.follows(service),
    };
    tasks.iter().filter(|task| task.service_id == service.id).filter(of_rollout).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn service(image: &str, update: Option<&str>) -> Service {
        let object = json!({
            "ID": "s", "Version": {"Index": 1}, "UpdateStatus": update.map(|state| json!({"State": state})),
            "Spec": {"Name": "app-x_web", "TaskTemplate": template(image)},
        });
        Service::read(serde_json::from_value(object).unwrap()).unwrap()
    }

    fn template(image: &str) -> Value {
        json!({"ContainerSpec": {"Image": image}})
    }

    fn task(id: &str, image: &str, state: &str) -> Task {
        let object = json!({"ID": id, "ServiceID": "s", "Spec": template(image), "Status": {"State": state}});
        Task::read(serde_json::from_value(object).unwrap(), &[]).unwrap()
    }

    #[test]
    fn only_tasks_of_the_failed_rollout_speak() {
        let tasks = [
            task("old-1", "x:1", "shutdown"),
            task("old-2", "x:1", "failed"),
            task("new-1", "x:2", "failed"),
            task("new-2", "x:2", "running"),
        ];
        for (image, update, expected) in [
            ("x:2", Some("paused"), vec!["new-1", "new-2"]),
            ("x:2", None, vec!["new-1", "new-2"]),
            ("x:3", Some("updating"), vec![]),
            ("x:1", Some("rollback_completed"), vec!["new-1"]),
        ] {
            let found: Vec<&str> =
                tasks_of_rollout(&service(image, update), &tasks).iter().map(|task| task.id.as_str()).collect();
            assert_eq!(found, expected, "{image} {update:?}");
        }
    }
}
