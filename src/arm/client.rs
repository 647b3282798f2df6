//! The requests that ARM takes, each with what it may be answered.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use azure_core::http::{Method, Url};
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::time::Instant;

use super::answer::{self, Begun, Resource, Subscription, shown};
use super::endpoint::Endpoint;
use super::error::{ArmError, ArmErrorKind};
use super::follow::{CONSISTENCY_DEADLINE, Followed};
use super::id::ResourceId;
use super::operation::{self, Goal, Monitor};
use super::patience::Patience;
use super::request::{ArmRequest, Sender};
use super::wait::WaitListener;
use crate::spec::SubscriptionId;

/// Good answers in a row after which every replica of ARM is taken to know a new resource group.
const CONSISTENT_ANSWERS: u32 = 3;
/// Wait between two such questions.
const CONSISTENCY_POLL: Duration = Duration::from_millis(200);
/// How often a deletion is asked for whose end Azure reports while the resource stays.
const DELETION_ROUNDS: u32 = 4;
const SUBSCRIPTIONS_API_VERSION: &str = "2022-12-01";
/// More pages than the longest list of a subscription has.
const MOST_PAGES: usize = 1000;

/// A signed-in client.
#[derive(Clone, Debug)]
pub(crate) struct Arm {
    sender: Arc<Sender>,
}

impl Arm {
    /// A client of `endpoint`; `listener` is told of long waits.
    pub(crate) fn new(endpoint: &Endpoint, patience: Patience, listener: Arc<dyn WaitListener>) -> Self {
        Self { sender: Arc::new(Sender::new(endpoint, patience, listener)) }
    }

    /// The resource; none when Azure says that it does not exist.
    pub(crate) async fn get(&self, id: &ResourceId) -> Result<Option<Resource>, ArmError> {
        let doing = format!("reading {id}");
        let request = self.request(&doing, Method::Get, id.path(), id.api_version())?;
        let read = self.sender.send(&request, |raw| answer::resource(raw, id)).await;
        or_absent(read, id.is_subscription())
    }

    /// The same as the type of its kind.
    pub(crate) async fn get_as<T: DeserializeOwned>(&self, id: &ResourceId) -> Result<Option<T>, ArmError> {
        let doing = format!("reading {id}");
        let request = self.request(&doing, Method::Get, id.path(), id.api_version())?;
        let read = self.sender.send(&request, |raw| answer::resource_as(raw, id)).await;
        or_absent(read, id.is_subscription())
    }

    /// What is computed from a resource and has no id of its own, such as `instanceView`; none when it does not exist.
    pub(crate) async fn view<T: DeserializeOwned>(&self, id: &ResourceId, view: &str) -> Result<Option<T>, ArmError> {
        self.get_path(&format!("reading the {view} of {id}"), &format!("{}/{view}", id.path()), id.api_version()).await
    }

    /// The document at a path that is not a plain resource; `path` may carry a query.
    pub(crate) async fn get_path<T: DeserializeOwned>(
        &self,
        doing: &str,
        path: &str,
        api_version: &str,
    ) -> Result<Option<T>, ArmError> {
        let request = self.request(doing, Method::Get, path, api_version)?;
        or_absent(self.sender.send(&request, answer::document).await, false)
    }

    /// All items of a list, from all its pages; none when Azure says that what is listed does not exist. A list that
    /// cannot be read to its end is an error.
    pub(crate) async fn list<T: DeserializeOwned>(
        &self,
        doing: &str,
        path: &str,
        api_version: &str,
    ) -> Result<Option<Vec<T>>, ArmError> {
        let mut request = self.request(doing, Method::Get, path, api_version)?;
        let mut items = Vec::new();
        let mut seen = BTreeSet::new();
        loop {
            let page = match self.sender.send(&request, answer::page).await {
                Err(error) if error.says_absent(false) && seen.is_empty() => return Ok(None),
                page => page?,
            };
            items.extend(page.items);
            let Some(link) = page.next_link else { return Ok(Some(items)) };
            seen.insert(request.url.clone());
            request.url = self.named_url(doing, &link)?;
            let is_circle = seen.contains(&request.url);
            if is_circle || seen.len() >= MOST_PAGES {
                let what =
                    if is_circle { "the list's next page is one that was read already" } else { "the list has no end" };
                let message = format!("{what}: `{}` after {} pages", shown(&link), seen.len());
                return Err(ArmError::local(ArmErrorKind::NotAzure, doing, message));
            }
        }
    }

    /// The items of one of the few lists that Azure answers whole, without an object around them.
    pub(crate) async fn bare_list<T: DeserializeOwned>(
        &self,
        doing: &str,
        path: &str,
        api_version: &str,
    ) -> Result<Option<Vec<T>>, ArmError> {
        let request = self.request(doing, Method::Get, path, api_version)?;
        or_absent(self.sender.send(&request, answer::bare_list).await, false)
    }

    /// The subscription; none when Azure says that it does not exist, or that it is not for who is signed in.
    pub(crate) async fn subscription(&self, subscription: &SubscriptionId) -> Result<Option<Subscription>, ArmError> {
        self.get_as(&ResourceId::subscription(subscription)).await
    }

    /// All subscriptions that whoever is signed in may see.
    /// <https://learn.microsoft.com/rest/api/resources/subscriptions/list>
    pub(crate) async fn subscriptions(&self, doing: &str) -> Result<Vec<Subscription>, ArmError> {
        Ok(self.list(doing, "/subscriptions", SUBSCRIPTIONS_API_VERSION).await?.unwrap_or_default())
    }

    /// Creates or replaces the resource and waits for the end of the operation.
    pub(crate) async fn put(&self, id: &ResourceId, body: &Value) -> Result<(), ArmError> {
        let doing = format!("creating {id}");
        let request = self.request(&doing, Method::Put, id.path(), id.api_version())?;
        let request = ArmRequest { body: Some(body), ..request };
        let begun = self.sender.send(&request, |raw| answer::written(raw, id)).await?;
        self.follow_begun(&doing, id, &begun, Goal::Exists).await.map(drop)
    }

    /// Deletes the resource, and returns when Azure, asked by its id, says that it does not exist.
    pub(crate) async fn delete(&self, id: &ResourceId) -> Result<(), ArmError> {
        let doing = format!("deleting {id}");
        let request = self.request(&doing, Method::Delete, id.path(), id.api_version())?;
        for round in 1..=DELETION_ROUNDS {
            match self.sender.send(&request, answer::deleted).await {
                Ok(begun) => drop(self.follow_begun(&doing, id, &begun, Goal::Gone).await?),
                Err(error) if error.says_absent(false) => {}
                Err(error) => return Err(error),
            }
            // Nobody's word is taken for it: one wrong answer must not lose what it takes to come back.
            match self.get(id).await? {
                None => return Ok(()),
                Some(resource) if resource.state.is_deleting() => {
                    let monitor = Monitor::Resource;
                    self.follow(Followed { doing: &doing, id, monitor, goal: Goal::Gone, first_wait: None }).await?;
                    return Ok(());
                }
                Some(_) => tokio::time::sleep(CONSISTENCY_POLL * round).await,
            }
        }
        let message = format!("Azure said {DELETION_ROUNDS} times that it is deleted, and still shows it");
        Err(ArmError::local(ArmErrorKind::OperationFailed, doing, message))
    }

    /// Runs an action of a resource and returns its result.
    pub(crate) async fn post<T: DeserializeOwned>(
        &self,
        id: &ResourceId,
        action: &str,
        body: Option<&Value>,
    ) -> Result<T, ArmError> {
        let doing = format!("asking {id} for `{action}`");
        let request = self.request(&doing, Method::Post, &format!("{}/{action}", id.path()), id.api_version())?;
        let request = ArmRequest { body: Some(body.unwrap_or(&Value::Null)), ..request };
        let mut begun = self.sender.send(&request, answer::acted).await?;
        if begun.status == 202 && begun.location.is_some() {
            // The result lies at `Location`; the operation's own URL only tells how it stands.
            begun.azure_async_operation = None;
        }
        let result = match begun.status {
            202 => self.follow_begun(&doing, id, &begun, Goal::Result).await?,
            _ => begun.document,
        };
        answer::result(&doing, &result.unwrap_or_default())
    }

    /// Runs an action of a resource that has no result, and waits for its end.
    pub(crate) async fn act(&self, id: &ResourceId, action: &str, doing: &str) -> Result<(), ArmError> {
        let request = self.request(doing, Method::Post, &format!("{}/{action}", id.path()), id.api_version())?;
        let request = ArmRequest { body: Some(&Value::Null), ..request };
        let begun = self.sender.send(&request, answer::acted_without_result).await?;
        self.follow_begun(doing, id, &begun, Goal::Done).await.map(drop)
    }

    /// Asks a path that is not a plain resource to do something; the answer's document.
    pub(crate) async fn post_path<T: DeserializeOwned>(
        &self,
        doing: &str,
        path: &str,
        api_version: &str,
        body: &Value,
    ) -> Result<T, ArmError> {
        let request = self.request(doing, Method::Post, path, api_version)?;
        let begun = self.sender.send(&ArmRequest { body: Some(body), ..request }, answer::acted).await?;
        answer::result(doing, &begun.document.unwrap_or_default())
    }

    /// Writes a document at a path that is not a plain resource and is done at once.
    pub(crate) async fn put_path(
        &self,
        doing: &str,
        path: &str,
        api_version: &str,
        body: &Value,
    ) -> Result<(), ArmError> {
        let request = self.request(doing, Method::Put, path, api_version)?;
        self.sender.send(&ArmRequest { body: Some(body), ..request }, answer::stored).await.map(drop)
    }

    /// Waits for the end of an operation that an earlier run began, by the resource's own state.
    pub(crate) async fn wait_for(&self, id: &ResourceId) -> Result<(), ArmError> {
        let doing = format!("waiting for {id}");
        let followed = Followed { doing: &doing, id, monitor: Monitor::Resource, goal: Goal::Exists, first_wait: None };
        self.follow(followed).await.map(drop)
    }

    /// Waits for the end of a deletion that somebody else began.
    pub(crate) async fn wait_until_gone(&self, id: &ResourceId) -> Result<(), ArmError> {
        let doing = format!("waiting until {id} is gone");
        let followed = Followed { doing: &doing, id, monitor: Monitor::Resource, goal: Goal::Gone, first_wait: None };
        self.follow(followed).await.map(drop)
    }

    /// Waits until every replica of ARM knows a resource group that was just made.
    /// <https://learn.microsoft.com/azure/azure-resource-manager/troubleshooting/error-not-found>
    pub(crate) async fn wait_until_consistent(&self, id: &ResourceId) -> Result<(), ArmError> {
        let deadline = Instant::now() + CONSISTENCY_DEADLINE;
        let mut good = 0;
        while good < CONSISTENT_ANSWERS {
            good = if self.get(id).await?.is_some() { good + 1 } else { 0 };
            if good == 0 {
                if Instant::now() >= deadline {
                    let message = "it was created, but Azure still says that it does not exist";
                    return Err(ArmError::local(ArmErrorKind::Unreachable, format!("reading {id}"), message));
                }
                tokio::time::sleep(CONSISTENCY_POLL).await;
            }
        }
        Ok(())
    }

    pub(super) fn sender(&self) -> &Sender {
        &self.sender
    }

    async fn follow_begun(
        &self,
        doing: &str,
        id: &ResourceId,
        begun: &Begun,
        goal: Goal,
    ) -> Result<Option<Value>, ArmError> {
        match operation::begin(doing, begun).map_err(|error| *error)? {
            Some(monitor) => self.follow(Followed { doing, id, monitor, goal, first_wait: begun.retry_after }).await,
            None => Ok(None),
        }
    }

    fn request<'a>(
        &self,
        doing: &'a str,
        method: Method,
        path: &str,
        api_version: &str,
    ) -> Result<ArmRequest<'a>, ArmError> {
        Ok(ArmRequest { doing, method, url: self.url(path, api_version)?, body: None })
    }

    /// The URL of a path that this program made.
    pub(super) fn url(&self, path: &str, api_version: &str) -> Result<Url, ArmError> {
        let wrong = |message: String| {
            ArmError::local(ArmErrorKind::Unexpected, format!("building the URL of `{}`", shown(path)), message)
        };
        if !is_plain(path) {
            return Err(wrong("a part of it is empty, or leads elsewhere".into()));
        }
        let mut url = self.sender.endpoint.base().join(path).map_err(|error| wrong(error.to_string()))?;
        url.query_pairs_mut().append_pair("api-version", api_version);
        Ok(url)
    }

    /// A URL that an answer names; it is complete. Only Azure's own hosts are asked: see [`Endpoint`].
    pub(super) fn named_url(&self, doing: &str, text: &str) -> Result<Url, ArmError> {
        let base = self.sender.endpoint.base();
        match base.join(text) {
            Ok(url) if self.sender.endpoint.owns(&url) => Ok(url),
            _ => {
                let asked = base.host_str().unwrap_or_default();
                let message = format!(
                    "the answer of `{asked}` leads to `{}`, which is no host of Azure Resource Manager's; nothing was sent there",
                    shown(text)
                );
                Err(ArmError::local(ArmErrorKind::NotAzure, doing, message))
            }
        }
    }
}

fn or_absent<T>(read: Result<T, ArmError>, is_subscription: bool) -> Result<Option<T>, ArmError> {
    match read {
        Err(error) if error.says_absent(is_subscription) => Ok(None),
        other => other.map(Some),
    }
}

/// Whether no part of the path is empty or a way up, however it is written.
fn is_plain(path: &str) -> bool {
    let path = path.split('?').next().unwrap_or_default();
    let is_way = |part: &str| {
        let part = part.to_ascii_lowercase().replace("%2e", ".");
        part.is_empty()
            || part == "."
            || part == ".."
            || part.contains(['\\', '#', '%'])
            || part.contains(char::is_control)
    };
    path.strip_prefix('/').is_some_and(|parts| !parts.split('/').any(is_way))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_lead_nowhere_else() {
        for (path, plain) in [
            ("/subscriptions/s/resourceGroups/g", true),
            ("/subscriptions/s/resourceGroups/größe", true),
            ("/subscriptions/s/skus?$filter=location%20eq%20'westeurope'", true),
            ("/subscriptions/../..", false),
            ("/subscriptions/%2E%2e/x", false),
            ("/subscriptions/./x", false),
            ("/subscriptions//x", false),
            ("/subscriptions/s\\x", false),
            ("/subscriptions/s%2fx", false),
            ("/subscriptions/s#x", false),
            ("subscriptions/s", false),
            ("https://evil.test/x", false),
        ] {
            assert_eq!(is_plain(path), plain, "{path}");
        }
    }
}
