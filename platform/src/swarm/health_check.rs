//! A service's health check, kept in a label of its own: Docker writes the key `Healthcheck`, bollard's model of a service
//! reads `HealthCheck`, so that a service that is read, changed and written back would lose it.

use bollard::models::{HealthConfig, ServiceSpec, TaskSpec, TaskSpecContainerSpec};

const LABEL: &str = "platform.health-check";

/// Notes the health check of a spec that is about to be written.
pub(super) fn note(spec: &mut ServiceSpec) {
    let container = spec.task_template.as_ref().and_then(|task| task.container_spec.as_ref());
    let noted = container.and_then(|container| serde_json::to_string(container.health_check.as_ref()?).ok());
    let labels = spec.labels.get_or_insert_default();
    match noted {
        Some(text) => labels.insert(LABEL.to_owned(), text),
        None => labels.remove(LABEL),
    };
}

/// Gives a spec that was read the health check that was noted when it was written.
pub(super) fn restore(spec: &mut ServiceSpec) {
    let noted = spec.labels.as_ref().and_then(|labels| labels.get(LABEL));
    let noted: Option<HealthConfig> = noted.and_then(|text| {
        let read = serde_json::from_str(text);
        read.inspect_err(|error| tracing::warn!(%error, "a service's label `{LABEL}` holds no health check")).ok()
    });
    if let (Some(noted), Some(task)) = (noted, &mut spec.task_template)
        && let Some(container) = &mut task.container_spec
    {
        container.health_check.get_or_insert(noted);
    }
}

/// Whether two specs make the same containers, as far as that can be read: nothing is noted with a task.
pub(super) fn same_but_for_it(one: &TaskSpec, other: &TaskSpec) -> bool {
    let without = |spec: &TaskSpec| {
        let container = spec.container_spec.clone()?;
        Some(TaskSpecContainerSpec { health_check: None, ..container })
    };
    without(one) == without(other)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_docker_writes_is_read_back() {
        let container = json!({"Image": "x", "HealthCheck": {"Test": ["CMD", "check"], "Interval": 1_000_000_000}});
        let mut written: ServiceSpec =
            serde_json::from_value(json!({"Name": "x", "TaskTemplate": {"ContainerSpec": container}})).unwrap();
        note(&mut written);
        let text = serde_json::to_string(&written).unwrap().replace("\"HealthCheck\"", "\"Healthcheck\"");
        let mut read: ServiceSpec = serde_json::from_str(&text).unwrap();
        assert_ne!(read, written, "bollard reads Docker's key now: this file can go");
        // Tasks are read in the same way, and belong to the service all the same.
        let task = read.task_template.clone().unwrap();
        assert!(same_but_for_it(&task, written.task_template.as_ref().unwrap()));
        restore(&mut read);
        assert_eq!(read, written);

        written.task_template.as_mut().unwrap().container_spec.as_mut().unwrap().health_check = None;
        note(&mut written);
        assert_eq!(written.labels.as_ref().and_then(|labels| labels.get(LABEL)), None);
    }
}
