//! A step of Azure's, told as it begins and as it ends.

use tokio::time::Instant;

use crate::arm::ArmError;
use report::{Event, Reporter};

/// Does the step; `action` is its one word for programs that read events.
pub(super) async fn told(
    resource: String,
    action: &'static str,
    reporter: &Reporter,
    step: impl Future<Output = Result<(), ArmError>>,
) -> Result<(), ArmError> {
    reporter.event(Event::StepStarted { resource: resource.clone(), action });
    let start = Instant::now();
    let result = step.await;
    match &result {
        Ok(()) => reporter.event(Event::StepFinished { resource, action, seconds: start.elapsed().as_secs_f64() }),
        Err(error) => {
            let reason = match &error.code {
                Some(code) => format!("{code}: {}", error.message),
                None => error.message.clone(),
            };
            reporter.event(Event::StepFailed { resource, error: reason });
        }
    }
    result
}
