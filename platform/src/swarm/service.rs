//! Services: what the swarm keeps running. A service is made and changed as a whole; the labels of ours say what they
//! are and how many tasks they have when they run.

use std::collections::HashMap;

use bollard::models::{Service as ServiceObject, ServiceSpec, ServiceUpdateStatusStateEnum, TaskSpec};
use bollard::query_parameters::{InspectServiceOptions, ListServicesOptions, UpdateServiceOptionsBuilder};

use super::placement::{STOPPED, eligible};
use super::{Member, Swarm, health_check, is_no_swarm};
use nodes::cluster::DockerError;

/// Groups services; Docker's own tools show it as the stack's name.
pub const NAMESPACE_LABEL: &str = "com.docker.stack.namespace";
/// The bundle's name on its services.
pub const BUNDLE_LABEL: &str = "platform.bundle";
/// The component of a bundle, or the service of an app.
pub const COMPONENT_LABEL: &str = "platform.component";
/// How many replicas the service has when it runs.
const REPLICAS_LABEL: &str = "platform.replicas";
/// What the spec was when we last wrote it, as a SHA-256.
const FINGERPRINT_LABEL: &str = "platform.fingerprint";
/// Changes of one service that overtake each other are made again.
const MOST_CONFLICTS: u32 = 10;

/// A service as the swarm has it.
#[derive(Clone, Debug)]
pub struct Service {
    pub id: String,
    pub name: String,
    pub spec: ServiceSpec,
    pub update_state: Option<ServiceUpdateStatusStateEnum>,
    /// Why the update paused or was rolled back.
    pub update_message: Option<String>,
    version: u64,
}

/// What became of a service that was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Applied {
    Created,
    Updated,
    Unchanged,
}

/// Whether a service runs once it is what its spec says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Started {
    Always,
    /// One that is made now is stopped; one that exists runs or not, as before.
    AsBefore,
}

impl Service {
    pub(super) fn read(service: ServiceObject) -> Option<Self> {
        let mut spec = service.spec?;
        health_check::restore(&mut spec);
        let update = service.update_status.unwrap_or_default();
        Some(Self {
            id: service.id?,
            name: spec.name.clone()?,
            update_state: update.state,
            update_message: update.message,
            version: service.version?.index?,
            spec,
        })
    }

    /// The value of a label.
    pub fn label(&self, label: &str) -> Option<&str> {
        self.spec.labels.as_ref()?.get(label).map(String::as_str)
    }

    /// The component's name, else the service's.
    pub fn component(&self) -> &str {
        self.label(COMPONENT_LABEL).unwrap_or(&self.name)
    }

    /// Whether it has one task on every eligible node.
    pub fn is_global(&self) -> bool {
        self.spec.mode.as_ref().is_some_and(|mode| mode.global.is_some())
    }

    /// Whether it is meant to run.
    pub fn is_started(&self) -> bool {
        if self.is_global() {
            !constraints(&self.spec).iter().any(|constraint| constraint == STOPPED)
        } else {
            replicas(&self.spec) > 0
        }
    }

    /// How many tasks it should have now.
    pub fn desired_tasks(&self, members: &[Member]) -> usize {
        if self.is_global() {
            eligible(members, constraints(&self.spec)).len()
        } else {
            usize::try_from(replicas(&self.spec)).unwrap_or_default()
        }
    }

    /// How many replicas it has when it runs.
    pub fn replicas_when_started(&self) -> i64 {
        let labelled = self.label(REPLICAS_LABEL).and_then(|count| count.parse().ok());
        labelled.unwrap_or_else(|| replicas(&self.spec).max(1))
    }

    /// The image of its containers, without the digest that the swarm may have added.
    pub fn image(&self) -> &str {
        let image = container(&self.spec).and_then(|container| container.image.as_deref()).unwrap_or_default();
        image.split_once('@').map_or(image, |(name, _)| name)
    }

    /// Whether its spec has a health check; its image may have one too.
    pub fn has_health_check(&self) -> bool {
        let check = container(&self.spec).and_then(|container| container.health_check.as_ref());
        let test = check.and_then(|check| check.test.as_ref());
        test.is_some_and(|test| test.first().is_some_and(|word| word != "NONE"))
    }

    /// Whether its last change is through, with what was asked for.
    pub fn is_settled(&self) -> bool {
        matches!(self.update_state, None | Some(ServiceUpdateStatusStateEnum::COMPLETED))
    }

    /// Whether the swarm stopped its last change, or took it back.
    fn is_given_up(&self) -> bool {
        !self.is_settled() && !self.is_updating()
    }

    /// Whether a change is being rolled out.
    pub fn is_updating(&self) -> bool {
        matches!(
            self.update_state,
            Some(ServiceUpdateStatusStateEnum::UPDATING | ServiceUpdateStatusStateEnum::ROLLBACK_STARTED)
        )
    }
}

fn container(spec: &ServiceSpec) -> Option<&bollard::models::TaskSpecContainerSpec> {
    spec.task_template.as_ref()?.container_spec.as_ref()
}

fn constraints(spec: &ServiceSpec) -> &[String] {
    let placement = spec.task_template.as_ref().and_then(|task| task.placement.as_ref());
    placement.and_then(|placement| placement.constraints.as_deref()).unwrap_or_default()
}

/// How many tasks a spec asks for; 0 for a global service.
pub fn replicas(spec: &ServiceSpec) -> i64 {
    let replicated = spec.mode.as_ref().and_then(|mode| mode.replicated.as_ref());
    replicated.and_then(|replicated| replicated.replicas).unwrap_or_default()
}

/// Makes a spec run, with `replicas` tasks when it is replicated, or not.
pub(super) fn set_started(spec: &mut ServiceSpec, started: bool, replicas: i64) {
    let mode = spec.mode.get_or_insert_default();
    if let Some(replicated) = &mut mode.replicated {
        replicated.replicas = Some(if started { replicas } else { 0 });
        spec.labels.get_or_insert_default().insert(REPLICAS_LABEL.to_owned(), replicas.to_string());
        return;
    }
    let task: &mut TaskSpec = spec.task_template.get_or_insert_default();
    let constraints = task.placement.get_or_insert_default().constraints.get_or_insert_default();
    constraints.retain(|constraint| constraint != STOPPED);
    if !started {
        constraints.push(STOPPED.to_owned());
    }
}

/// A SHA-256 of everything in the spec; equal specs have equal ones.
fn fingerprint(spec: &ServiceSpec) -> String {
    // A map of the document sorts its keys, which the spec's own maps do not.
    let document = serde_json::to_value(spec).unwrap_or_default().to_string();
    hex::encode(openssl::sha::sha256(document.as_bytes()))
}

impl Swarm {
    /// All services of a namespace, sorted by name; with `None` all services there are.
    pub async fn services(&self, namespace: Option<&str>) -> Result<Vec<Service>, DockerError> {
        let filter = namespace.map(|namespace| format!("{NAMESPACE_LABEL}={namespace}"));
        let options = ListServicesOptions {
            filters: filter.map(|filter| HashMap::from([("label".to_owned(), vec![filter])])),
            ..ListServicesOptions::default()
        };
        let listed = self.ask("listing services", |docker| {
            let options = options.clone();
            async move { docker.list_services(Some(options)).await }
        });
        let mut services: Vec<Service> = match listed.await {
            Ok(services) => services.into_iter().filter_map(Service::read).collect(),
            Err(error) if is_no_swarm(&error) => Vec::new(),
            Err(error) => return Err(error),
        };
        services.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(services)
    }

    /// The service of this name.
    pub async fn service(&self, name: &str) -> Result<Option<Service>, DockerError> {
        let found = self.ask(format!("reading service `{name}`"), |docker| async move {
            docker.inspect_service(name, None::<InspectServiceOptions>).await
        });
        match found.await {
            Ok(service) => Ok(Service::read(service)),
            Err(error) if error.is_not_found() => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Makes the service what `spec` says: its replicas are those it has when it runs, and it refers to secrets and
    /// configs by id.
    pub async fn apply(&self, mut spec: ServiceSpec, started: Started) -> Result<Applied, DockerError> {
        let name = spec.name.clone().unwrap_or_default();
        let wanted = replicas(&spec);
        let fingerprint = fingerprint(&spec);
        spec.labels.get_or_insert_default().insert(FINGERPRINT_LABEL.to_owned(), fingerprint.clone());
        health_check::note(&mut spec);
        let existing = match self.service(&name).await? {
            Some(existing) => existing,
            None => {
                let mut created = spec.clone();
                set_started(&mut created, started == Started::Always, wanted);
                let result = self.ask(format!("creating service `{name}`"), |docker| {
                    let spec = created.clone();
                    async move { docker.create_service(spec, None).await }
                });
                match result.await {
                    Ok(_) => return Ok(Applied::Created),
                    // An earlier try got through.
                    Err(error) if error.is_conflict() => match self.service(&name).await? {
                        Some(existing) => existing,
                        None => return Err(error),
                    },
                    Err(error) => return Err(error),
                }
            }
        };
        let started = existing.is_started() || started == Started::Always;
        let as_wanted = !existing.is_given_up()
            && existing.label(FINGERPRINT_LABEL) == Some(&fingerprint)
            && existing.is_started() == (started && (existing.is_global() || wanted > 0))
            && (existing.is_global() || !started || replicas(&existing.spec) == wanted);
        if as_wanted {
            return Ok(Applied::Unchanged);
        }
        self.update(&name, |current| {
            let forced = current.task_template.as_ref().and_then(|task| task.force_update);
            *current = spec.clone();
            current.task_template.get_or_insert_default().force_update = forced;
            set_started(current, started, wanted);
        })
        .await?;
        Ok(Applied::Updated)
    }

    /// Whether a service is there that was made from another spec than this.
    pub async fn differs(&self, spec: &ServiceSpec) -> Result<bool, DockerError> {
        let Some(existing) = self.service(spec.name.as_deref().unwrap_or_default()).await? else { return Ok(false) };
        Ok(existing.label(FINGERPRINT_LABEL) != Some(&fingerprint(spec)))
    }

    /// Changes a service; when someone else changed it meanwhile, reads it again and changes that.
    pub async fn update(&self, name: &str, edit: impl Fn(&mut ServiceSpec)) -> Result<(), DockerError> {
        let mut conflicts = 0;
        loop {
            let found = self.ask(format!("reading service `{name}`"), |docker| async move {
                docker.inspect_service(name, None::<InspectServiceOptions>).await
            });
            let Some(service) = Service::read(found.await?) else { return Ok(()) };
            let mut spec = service.spec.clone();
            edit(&mut spec);
            // Written again, the swarm forgets that it gave up on an earlier change, which is no word on this one.
            if spec == service.spec && !service.is_given_up() {
                return Ok(());
            }
            let version = i32::try_from(service.version).unwrap_or(i32::MAX);
            let updated = self.ask(format!("updating service `{name}`"), |docker| {
                let spec = spec.clone();
                let options = UpdateServiceOptionsBuilder::default().version(version).build();
                async move { docker.update_service(name, spec, options, None).await }
            });
            match updated.await {
                Err(error) if error.message().contains("out of sequence") && conflicts < MOST_CONFLICTS => {
                    conflicts += 1;
                }
                other => return other.map(drop),
            }
        }
    }

    /// Starts or stops a service.
    pub async fn set_started(&self, service: &Service, started: bool) -> Result<(), DockerError> {
        let count = service.replicas_when_started();
        self.update(&service.name, |spec| set_started(spec, started, count)).await
    }

    /// Changes how many replicas a service has when it runs.
    pub async fn scale(&self, name: &str, replicas: i64) -> Result<(), DockerError> {
        let Some(service) = self.service(name).await? else { return Ok(()) };
        // Scaled to nothing it looks stopped; a number brings it back.
        let started = service.is_started() || service.replicas_when_started() == 0;
        self.update(name, |spec| set_started(spec, started, replicas)).await
    }

    /// Replaces every task by a new one, as the service's update settings say.
    pub async fn force_update(&self, name: &str) -> Result<(), DockerError> {
        let forced =
            |spec: &ServiceSpec| spec.task_template.as_ref().and_then(|task| task.force_update).unwrap_or_default();
        // Counted once: when only the answer was lost, the next try finds it done.
        let wanted = std::sync::OnceLock::new();
        self.update(name, |spec| {
            let count = forced(spec).max(*wanted.get_or_init(|| forced(spec) + 1));
            spec.task_template.get_or_insert_default().force_update = Some(count);
        })
        .await
    }

    /// Removes a service when it is there.
    pub async fn remove_service(&self, name: &str) -> Result<(), DockerError> {
        let removed =
            self.ask(format!("removing service `{name}`"), |docker| async move { docker.delete_service(name).await });
        match removed.await {
            Err(error) if error.is_not_found() => Ok(()),
            other => other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bollard::models::{ServiceSpecMode, ServiceSpecModeReplicated};

    fn service(global: bool) -> Service {
        let mode = if global {
            ServiceSpecMode { global: Some(HashMap::new()), ..ServiceSpecMode::default() }
        } else {
            let replicated = ServiceSpecModeReplicated { replicas: Some(3) };
            ServiceSpecMode { replicated: Some(replicated), ..ServiceSpecMode::default() }
        };
        let spec = ServiceSpec { name: Some("x".into()), mode: Some(mode), ..ServiceSpec::default() };
        Service { id: "1".into(), name: "x".into(), spec, update_state: None, update_message: None, version: 1 }
    }

    #[test]
    fn stopping_and_starting_again_keeps_the_count() {
        for global in [false, true] {
            let mut service = service(global);
            assert!(service.is_started());
            for started in [false, false, true] {
                let count = service.replicas_when_started();
                set_started(&mut service.spec, started, count);
                assert_eq!(service.is_started(), started, "global: {global}");
            }
            assert_eq!(replicas(&service.spec), if global { 0 } else { 3 });
            assert!(constraints(&service.spec).is_empty());
        }
    }

    #[test]
    fn fingerprints_follow_the_content_not_the_order() {
        let with = |labels: &[(&str, &str)]| ServiceSpec {
            labels: Some(labels.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()),
            ..ServiceSpec::default()
        };
        let one = fingerprint(&with(&[("a", "1"), ("b", "2"), ("c", "3")]));
        assert_eq!(one, fingerprint(&with(&[("c", "3"), ("b", "2"), ("a", "1")])));
        assert_ne!(one, fingerprint(&with(&[("c", "3"), ("b", "2"), ("a", "2")])));
    }
}
