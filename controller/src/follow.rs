//! The swarm's services and domains' certificates to the configuration that is served, for as long as the program runs. `cli` starts it.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use tokio::sync::{Notify, watch};

use crate::caddy::Base;
use crate::certificates::Certificates;
use crate::engine::Engine;
use crate::shown;
use crate::site;
use routing::{Domain, LabelPrefix};

/// Services are read anew at least this often: an event may be lost.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
/// A command changes several services, and each makes several events.
const SETTLING: Duration = Duration::from_millis(50);
/// Of the log: a label may hold any text.
const LONGEST_MISTAKE: usize = 500;
/// Before events are asked for again.
const EVENTS_PAUSE: Duration = Duration::from_secs(1);

/// What is known of the swarm.
#[derive(Clone, Debug)]
pub struct State {
    /// For routers; none before services were read for the first time. It stays while they cannot be read.
    pub configuration: Option<Arc<str>>,
    /// When services were last read.
    pub read_at: Option<Instant>,
    /// Why they could not be read the last time.
    pub trouble: Option<String>,
    /// Of all routes.
    pub domains: Arc<[Domain]>,
}

/// How services become a configuration.
#[derive(Clone, Debug)]
pub struct Rendering {
    pub base: Base,
    pub prefix: LabelPrefix,
    /// Whom routers ask for tasks' addresses instead of their machine's own resolver.
    pub resolvers: Vec<SocketAddr>,
}

/// Nothing is known yet; [`follow`] changes that.
pub fn begin() -> (watch::Sender<State>, watch::Receiver<State>) {
    watch::channel(State { configuration: None, read_at: None, trouble: None, domains: Arc::default() })
}

/// Keeps `state` up to date; never returns. Until `certificates` were read once nothing is served: routers would drop those that
/// they have.
pub async fn follow(
    engine: Engine,
    rendering: Rendering,
    mut certificates: watch::Receiver<Certificates>,
    state: watch::Sender<State>,
) {
    let changed = Arc::new(Notify::new());
    tokio::spawn(listen(engine.clone(), changed.clone()));
    let mut mistakes = Vec::new();
    loop {
        let known = certificates.borrow_and_update().clone();
        read(&engine, &rendering, &known, &state, &mut mistakes).await;
        tokio::select! {
            () = changed.notified() => {}
            // Whoever follows etcd never ends.
            Ok(()) = certificates.changed() => {}
            () = tokio::time::sleep(LONGEST_PAUSE) => {}
        }
        // Whatever woke us, more may come in a moment.
        tokio::time::sleep(SETTLING).await;
    }
}

async fn read(
    engine: &Engine,
    rendering: &Rendering,
    certificates: &Certificates,
    state: &watch::Sender<State>,
    told: &mut Vec<String>,
) {
    match engine.services().await {
        Ok(services) => {
            let found = site::read(&services, &rendering.prefix);
            for mistake in found.mistakes.iter().filter(|mistake| !told.contains(mistake)) {
                tracing::warn!("{}", report::one_line(mistake, LONGEST_MISTAKE));
            }
            *told = found.mistakes;
            let configuration = certificates.as_ref().map(|known| {
                let shown = shown::names_of_each(known, now());
                rendering.base.with(&found.sites, &rendering.resolvers, &shown).to_string()
            });
            state.send_modify(|state| {
                if state.trouble.take().is_some() {
                    tracing::info!("Docker answers again");
                }
                if let Some(configuration) = configuration.filter(|one| state.configuration.as_deref() != Some(one)) {
                    tracing::info!("{} apps have routes", found.sites.len());
                    state.configuration = Some(configuration.into());
                }
                state.domains = found.sites.iter().flat_map(|site| site.route.domains.iter().cloned()).collect();
                state.read_at = Some(Instant::now());
            });
        }
        Err(error) => state.send_modify(|state| {
            let trouble = error.to_string();
            if state.trouble.as_ref() != Some(&trouble) {
                tracing::warn!("{trouble}; routers keep what they have");
            }
            state.trouble = Some(trouble);
        }),
    }
}

/// Seconds since 1970.
pub(crate) fn now() -> i64 {
    let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since_1970.as_secs()).unwrap_or(i64::MAX)
}

/// Listens for changes, again and again.
async fn listen(engine: Engine, changed: Arc<Notify>) {
    loop {
        if let Err(error) = engine.follow(|| changed.notify_one()).await {
            tracing::debug!("{error}");
        }
        tokio::time::sleep(EVENTS_PAUSE).await;
    }
}
