//! What every change goes through: a reporter, the cluster's lock, the work, and the lock's release on every way out.

use std::pin::Pin;

use super::arguments::ConnectionArguments;
use super::connect;
use super::setup::ProgressArguments;
use crate::Platform;
use crate::lifecycle::Installation;
use nodes::cluster::{ClusterLock, Holder, Taken};
use report::command::ended_by_signal;
use report::{Failure, Reporter};

/// A change, as others are told while they wait for it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Change<'a> {
    pub connection: &'a ConnectionArguments,
    pub progress: &'a ProgressArguments,
    /// The command after the program's name, without values: `start platform`.
    pub command: &'a str,
}

impl Change<'_> {
    /// Does `work` under the cluster's lock. It ends early by Ctrl-C and SIGTERM and when the lock is lost; whatever ends
    /// it, the lock is let go before this returns.
    pub(super) async fn run<T>(
        self,
        work: impl AsyncFnOnce(&Platform, &Reporter) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        let reporter = self.progress.reporter()?;
        let signal = ended_by_signal();
        tokio::pin!(signal);
        let connecting = async {
            let platform = connect::platform(self.connection).await?;
            // The lock waits for whoever has it; an etcd without most of its members says so here.
            platform.check_store().await?;
            Ok::<_, Failure>(platform)
        };
        let platform = tokio::select! {
            platform = connecting => platform?,
            () = signal.as_mut() => return Err(interrupted()),
        };
        let result = under_lock(platform, &format!("platformctl {}", self.command), &reporter, signal, work).await;
        reporter.finish();
        result
    }

    /// The same about a platform that is installed; says when it is done.
    pub(super) async fn run_installed(
        self,
        work: impl AsyncFnOnce(&Platform, &Installation, &Reporter) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        self.run(async |platform, reporter| {
            let installation = platform.require_installation().await?;
            work(platform, &installation, reporter).await?;
            reporter.finish();
            reporter.note("Done.");
            Ok(())
        })
        .await
    }
}

/// Does `work` on a platform while its cluster's lock is held for `command`, such as `platformctl start`; it ends early when
/// `signal` does.
pub async fn under_lock<T>(
    platform: Platform,
    command: &str,
    reporter: &Reporter,
    mut signal: Pin<&mut impl Future<Output = ()>>,
    work: impl AsyncFnOnce(&Platform, &Reporter) -> Result<T, Failure>,
) -> Result<T, Failure> {
    let holder = Holder::here(user(), command);
    let lock = match ClusterLock::take(&platform.cluster, &holder, reporter, signal.as_mut()).await? {
        Taken::Held(lock) => lock,
        Taken::GivenUp => return Err(interrupted()),
    };
    let platform = platform.locked(&lock);
    let result = tokio::select! {
        result = work(&platform, reporter) => result,
        failure = lock.lost() => Err(failure),
        () = signal => Err(interrupted()),
    };
    lock.release().await;
    result
}

fn interrupted() -> Failure {
    Failure::Interrupted { hint: "run the same command again".into() }
}

/// The account that the command runs under, for people.
fn user() -> String {
    let named =
        ["USER", "LOGNAME"].into_iter().find_map(|name| std::env::var(name).ok().filter(|user| !user.is_empty()));
    named.unwrap_or_else(|| format!("user {}", rustix::process::getuid().as_raw()))
}
