//! What the emulator knows: resources, operations and settings, in memory and in the journal file. Every change goes
//! through the methods here, so that nothing is answered that a crash could undo.

pub(crate) mod clock;
pub(crate) mod operation;
pub(crate) mod resource;
pub(crate) mod settings;
mod store;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::path::Path;

use crate::arm::id::resource_part;
use crate::arm::kind::Kind;
use crate::state::clock::now_milliseconds;
use crate::state::operation::{Action, Operation, Outcome};
use crate::state::resource::{Provisioning, Resource};
use crate::state::settings::Settings;
use crate::state::store::{Record, Store};

/// Everything the emulator knows.
pub(crate) struct State {
    resources: BTreeMap<String, Resource>,
    operations: BTreeMap<String, Operation>,
    settings: Settings,
    store: Store,
    /// The address that the first public IP gets.
    pub frontend_base: Ipv4Addr,
}

impl State {
    /// Reads the journal at `path`, compacts it, and keeps it open for what follows.
    pub(crate) fn open(path: &Path, frontend_base: Ipv4Addr) -> anyhow::Result<Self> {
        let mut resources: BTreeMap<String, Resource> = BTreeMap::new();
        let mut custom_data: BTreeMap<String, String> = BTreeMap::new();
        let mut operations = BTreeMap::new();
        let mut settings = Settings::default();
        for record in store::read(path)? {
            match record {
                Record::Resource(resource) => {
                    resources.insert(resource.id.key(), resource.into_owned());
                }
                Record::CustomData { key, text } => {
                    custom_data.insert(key.into_owned(), text.into_owned());
                }
                Record::Removed(key) => {
                    resources.remove(key.as_ref());
                    custom_data.remove(key.as_ref());
                }
                Record::Operation(operation) => {
                    operations.insert(operation.id.clone(), operation.into_owned());
                }
                Record::Settings(found) => settings = found.into_owned(),
            }
        }
        let now = now_milliseconds();
        operations.retain(|_, operation| !operation.is_forgotten(now));
        for (key, text) in custom_data {
            if let Some(resource) = resources.get_mut(&key) {
                resource.custom_data = Some(text);
            }
        }
        let store = Store::compacted(path, records(&resources, &operations, &settings))?;
        Ok(Self { resources, operations, settings, store, frontend_base })
    }

    /// Why the journal cannot be written any more, if so: then no further change may be accepted.
    pub(crate) fn broken(&self) -> Option<&str> {
        self.store.broken()
    }

    /// Makes several changes that a crash leaves done or undone together.
    pub(crate) fn together<T>(&mut self, changes: impl FnOnce(&mut Self) -> T) -> T {
        self.store.hold();
        let result = changes(self);
        self.store.release();
        self.forget_secrets();
        result
    }

    /// Takes up again what a crash left without its operation: in a non-terminal state, and nothing at work on it.
    pub(crate) fn adopt_orphans(&mut self) {
        let orphans: Vec<Operation> = self
            .resources
            .iter()
            .filter(|(key, resource)| !resource.provisioning.is_terminal() && self.running_on(key).is_none())
            .map(|(_, resource)| {
                let action = match resource.provisioning {
                    Provisioning::Deleting => Action::Delete,
                    _ => Action::Put,
                };
                Operation::new(action, &resource.id, resource.location(), 0)
            })
            .collect();
        for operation in orphans {
            self.begin(operation);
        }
    }

    /// The resource with this key.
    pub(crate) fn get(&self, key: &str) -> Option<&Resource> {
        self.resources.get(key)
    }

    /// All resources of a kind.
    pub(crate) fn of_kind(&self, kind: Kind) -> impl Iterator<Item = &Resource> {
        self.resources.values().filter(move |resource| resource.id.kind == kind)
    }

    /// A group's resources, without the group itself.
    pub(crate) fn in_group<'a>(&'a self, group_key: &str) -> impl Iterator<Item = &'a Resource> {
        let prefix = format!("{group_key}/");
        self.resources.iter().filter(move |(key, _)| key.starts_with(&prefix)).map(|(_, resource)| resource)
    }

    /// The resources that refer to `key` or to one of its sub-resources.
    pub(crate) fn referrers<'a>(&'a self, key: &'a str) -> impl Iterator<Item = &'a Resource> {
        self.resources.values().filter(move |resource| {
            resource.references.iter().any(|reference| reference == key || (resource_part(reference) == key))
        })
    }

    /// Stores a resource, new or changed.
    pub(crate) fn put(&mut self, resource: Resource) {
        let key = resource.id.key();
        let known = self.resources.get(&key).and_then(|stored| stored.custom_data.as_ref());
        if known != resource.custom_data.as_ref()
            && let Some(record) = custom_data_record(&resource)
        {
            self.store.append(&record);
        }
        self.store.append(&Record::Resource(Cow::Borrowed(&resource)));
        self.resources.insert(key, resource);
    }

    /// Changes a stored resource; nothing happens when it is gone.
    pub(crate) fn update(&mut self, key: &str, change: impl FnOnce(&mut Resource)) {
        if let Some(resource) = self.resources.get_mut(key) {
            change(resource);
            self.store.append(&Record::Resource(Cow::Borrowed(resource)));
        }
    }

    /// Forgets a resource.
    pub(crate) fn remove(&mut self, key: &str) {
        if let Some(resource) = self.resources.remove(key) {
            self.store.append(&Record::Removed(Cow::Borrowed(key)));
            self.store.holds_secrets |= resource.custom_data.is_some();
            self.forget_secrets();
        }
    }

    /// Writes the journal anew when it still has the customData of a machine that is gone.
    fn forget_secrets(&mut self) {
        if !self.store.holds_secrets || self.store.is_held() || self.store.broken().is_some() {
            return;
        }
        match self.store.replaced(records(&self.resources, &self.operations, &self.settings)) {
            Ok(store) => self.store = store,
            // The old journal is still good; the secrets go at the next start.
            Err(error) => tracing::warn!("{error:#}"),
        }
    }

    /// The operation with this id.
    pub(crate) fn operation(&self, id: &str) -> Option<&Operation> {
        self.operations.get(id)
    }

    /// The operation that is at work on a resource.
    pub(crate) fn running_on(&self, key: &str) -> Option<&Operation> {
        let operation = self.operations.get(self.get(key)?.operation.as_deref()?)?;
        operation.is_running().then_some(operation)
    }

    /// All operations that have not ended.
    pub(crate) fn running(&self) -> Vec<Operation> {
        self.operations.values().filter(|operation| operation.is_running()).cloned().collect()
    }

    /// Stores a new operation and makes it the one at work on its resource.
    pub(crate) fn begin(&mut self, operation: Operation) {
        let (id, key) = (operation.id.clone(), operation.resource.key());
        self.track(operation);
        self.update(&key, |resource| resource.operation = Some(id));
    }

    /// Stores a new operation that changes nothing.
    pub(crate) fn track(&mut self, operation: Operation) {
        self.store.append(&Record::Operation(Cow::Borrowed(&operation)));
        self.operations.insert(operation.id.clone(), operation);
    }

    /// Ends an operation and gives its resource, if still there, the provisioning state that follows.
    pub(crate) fn finish(&mut self, id: &str, outcome: Outcome) {
        let Some(operation) = self.operations.get_mut(id).filter(|operation| operation.is_running()) else {
            return;
        };
        operation.finished_milliseconds = Some(now_milliseconds());
        operation.outcome = Some(outcome.clone());
        let (key, changes) = (operation.resource.key(), operation.action.changes_resource());
        self.store.append(&Record::Operation(Cow::Borrowed(operation)));
        if changes {
            self.update(&key, |resource| match outcome {
                Outcome::Succeeded => {
                    resource.provisioning = Provisioning::Succeeded;
                    resource.failure = None;
                }
                // A group whose deletion failed is there as before.
                Outcome::Failed(_) if resource.is(Kind::ResourceGroup) => {
                    resource.provisioning = Provisioning::Succeeded;
                }
                Outcome::Failed(failure) => {
                    resource.provisioning = Provisioning::Failed;
                    resource.failure = Some(failure);
                }
            });
        }
    }

    /// What the control endpoints set.
    pub(crate) fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Changes the settings.
    pub(crate) fn change_settings(&mut self, change: impl FnOnce(&mut Settings)) {
        change(&mut self.settings);
        self.store.append(&Record::Settings(Cow::Borrowed(&self.settings)));
    }
}

/// Everything that a journal has to say.
fn records<'a>(
    resources: &'a BTreeMap<String, Resource>,
    operations: &'a BTreeMap<String, Operation>,
    settings: &'a Settings,
) -> impl Iterator<Item = Record<'a>> {
    let of_resource = |resource| [Some(Record::Resource(Cow::Borrowed(resource))), custom_data_record(resource)];
    resources
        .values()
        .flat_map(of_resource)
        .flatten()
        .chain(operations.values().map(|operation| Record::Operation(Cow::Borrowed(operation))))
        .chain([Record::Settings(Cow::Borrowed(settings))])
}

/// What the journal keeps apart from a resource's own record.
fn custom_data_record(resource: &Resource) -> Option<Record<'_>> {
    let text = resource.custom_data.as_deref()?;
    Some(Record::CustomData { key: Cow::Owned(resource.id.key()), text: Cow::Borrowed(text) })
}
