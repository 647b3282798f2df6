//! Replaces the tasks of an app, few at a time.

use super::{App, AppName, Apps, Wait};
use crate::swarm::Service;
use diagnostics::{Origin, Problems};
use report::Failure;

impl Apps {
    /// Restarts the services that have tasks, all or the named ones.
    pub async fn restart(&self, name: &AppName, only: &[String], wait: Wait) -> Result<App, Failure> {
        let app = self.require(name).await?;
        let services = self.platform.swarm.services(Some(&name.namespace())).await?;
        let mut problems = Problems::new();
        for wanted in only {
            if !services.iter().any(|service| service.component() == wanted) {
                let known: Vec<&str> = services.iter().map(Service::component).collect();
                let message = format!("there is no service `{wanted}`; the app has {}", known.join(", "));
                problems.add(Origin::Flag("SERVICE"), message);
            }
        }
        if !problems.is_empty() {
            return Err(problems.into());
        }
        for service in services.iter().filter(|service| service.is_started()) {
            if only.is_empty() || only.iter().any(|wanted| wanted == service.component()) {
                self.platform.swarm.force_update(&service.name).await?;
            }
        }
        self.roll_out(&app, wait).await
    }
}
