//! The end of a command that changes a cluster, told as an event.

use std::future::Future;
use std::time::Instant;

use report::{Event, Failure, Reporter, exit_code};

/// Does the work, and tells its end, one by the user too, for whom `hint` is.
pub(super) async fn tell_finished<T>(
    hint: &str,
    reporter: &Reporter,
    work: impl Future<Output = Result<T, Failure>>,
) -> Result<T, Failure> {
    let start = Instant::now();
    let result = report::command::unless_interrupted(hint, work).await;
    reporter.finish();
    let code = result.as_ref().err().map_or(exit_code::DONE, Failure::exit_code);
    reporter.event(Event::Finished { exit_code: code, seconds: start.elapsed().as_secs_f64() });
    result
}
