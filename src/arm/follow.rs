//! Follows an operation to its end.

use std::time::Duration;

use azure_core::http::Method;
use serde_json::Value;
use tokio::time::Instant;

use super::answer::InstanceView;
use super::client::Arm;
use super::error::{ArmError, ArmErrorKind};
use super::id::ResourceId;
use super::operation::{self, Goal, Monitor, Outcome};
use super::request::ArmRequest;

/// Compute allows 15 reads of one operation a minute.
/// <https://learn.microsoft.com/troubleshoot/azure/virtual-machines/windows/troubleshooting-throttling-errors>
const VIRTUAL_MACHINE_POLL: Duration = Duration::from_secs(4);
/// Wait between two polls when Azure names none.
const DEFAULT_POLL: Duration = Duration::from_secs(2);
/// A shorter `Retry-After` than this is not meant as an invitation to spin.
const SHORTEST_POLL: Duration = Duration::from_millis(50);
/// A longer one than this is no answer to "how does it stand?": it is asked earlier.
const LONGEST_POLL: Duration = Duration::from_secs(60);
/// Longest time an operation may take; Azure itself gives up on a machine's provisioning after 40 minutes.
const OPERATION_DEADLINE: Duration = Duration::from_secs(60 * 60);
/// What stays unknown this long is not late but gone.
pub(super) const CONSISTENCY_DEADLINE: Duration = Duration::from_secs(120);

/// What is followed, and what for.
#[derive(Clone, Debug)]
pub(super) struct Followed<'a> {
    /// In words: ``deleting network interface `x` ``.
    pub doing: &'a str,
    pub id: &'a ResourceId,
    pub monitor: Monitor,
    pub goal: Goal,
    /// What Azure asked for before the first poll.
    pub first_wait: Option<Duration>,
}

impl Arm {
    /// Polls until the operation has ended; the last answer's document, where it has one.
    pub(super) async fn follow(&self, followed: Followed<'_>) -> Result<Option<Value>, ArmError> {
        let Followed { doing, id, monitor, goal, first_wait } = followed;
        let is_slow = id.is_virtual_machine() && goal != Goal::Gone;
        let shortest = if is_slow { VIRTUAL_MACHINE_POLL } else { SHORTEST_POLL };
        let url = match &monitor {
            Monitor::AsyncOperation(url) | Monitor::Location(url) => self.named_url(doing, url)?,
            Monitor::Resource => self.url(id.path(), id.api_version())?,
        };
        let request = ArmRequest { doing, method: Method::Get, url, body: None };
        let deadline = Instant::now() + OPERATION_DEADLINE;
        let mut wait = first_wait;
        let mut missing_since = None;
        while Instant::now() < deadline {
            self.wait_for_poll(doing, wait, shortest).await;
            let read = |raw: &_| {
                let outcome = operation::poll(doing, raw, &monitor, goal, id)?;
                Ok((outcome, raw.retry_after))
            };
            let outcome = match self.sender().send(&request, read).await {
                Ok((outcome, retry_after)) => {
                    missing_since = None;
                    wait = retry_after;
                    outcome
                }
                Err(error) if error.says_absent(id.is_subscription()) => {
                    let since = missing_since.get_or_insert_with(Instant::now);
                    if goal != Goal::Gone && since.elapsed() > CONSISTENCY_DEADLINE {
                        let message = "it has disappeared: Azure says that it does not exist";
                        return Err(ArmError::local(ArmErrorKind::OperationFailed, doing, message));
                    }
                    wait = None;
                    operation::absent(goal)
                }
                Err(error) => return Err(error),
            };
            match outcome {
                Outcome::Running => {}
                Outcome::Succeeded(document) => return Ok(document),
                Outcome::Failed(error) => return Err(self.explain(id, &monitor, *error).await),
            }
        }
        let message = format!("the operation has not ended within {} minutes", OPERATION_DEADLINE.as_secs() / 60);
        Err(ArmError::local(ArmErrorKind::Unreachable, doing, message))
    }

    /// Sleeps as long as Azure asks, within bounds.
    async fn wait_for_poll(&self, doing: &str, asked: Option<Duration>, shortest: Duration) {
        let wait = asked.unwrap_or(DEFAULT_POLL);
        if wait <= LONGEST_POLL {
            return tokio::time::sleep(wait.max(shortest)).await;
        }
        let message = format!("Azure asks to be asked again in {} s only", wait.as_secs());
        let reason = ArmError::local(ArmErrorKind::Unreachable, doing, message);
        self.sender().wait(&reason, LONGEST_POLL, false).await;
    }

    /// A resource that ended Failed does not say why; a virtual machine's instance view does.
    async fn explain(&self, id: &ResourceId, monitor: &Monitor, mut error: ArmError) -> ArmError {
        if *monitor != Monitor::Resource || error.code.is_some() || !id.is_virtual_machine() {
            return error;
        }
        let Ok(Some(view)) = self.view::<InstanceView>(id, "instanceView").await else { return error };
        if let Some(status) = view.error() {
            error.code = Some(status.short_code().to_owned());
            if let Some(message) = &status.message {
                error.message.clone_from(message);
            }
        }
        error
    }
}
