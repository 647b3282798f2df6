//! Clients that ask without a pause while something happens, and what they count.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::cluster::Cluster;

/// A client that asks again when a request fails, as browsers do, for as long as it is told to.
pub(super) fn keep_asking(cluster: &Cluster, host: &str, path: &str, stop: &AtomicBool) -> Duration {
    let mut longest = Duration::ZERO;
    let mut last_good = Instant::now();
    while !stop.load(Ordering::Relaxed) {
        if cluster.get(host, path).is_ok_and(|(status, _)| status == 200) {
            longest = longest.max(last_good.elapsed());
            last_good = Instant::now();
        }
    }
    longest.max(last_good.elapsed())
}

/// Says how long nothing was answered, and demands that it was shorter than `bound`: far more than it takes, since machines here
/// may be emulated and share their processors with other tests.
pub(super) fn silent_at_most(longest: Duration, when: &str, bound: Duration) {
    eprintln!("longest time without an answer {when}: {:.1} s", longest.as_secs_f64());
    assert!(longest < bound, "nothing was answered for {longest:?} {when}; {bound:?} is the most");
}

/// A client that asks once for each answer that it wants; how many requests it sent, and which of them failed.
pub(super) fn count(cluster: &Cluster, host: &str, stop: &AtomicBool) -> (usize, Vec<String>) {
    let (mut asked, mut failed) = (0, Vec::new());
    while !stop.load(Ordering::Relaxed) {
        asked += 1;
        match cluster.get(host, "/") {
            Ok((200, _)) => {}
            other => failed.push(format!("request {asked}: {other:?}")),
        }
    }
    (asked, failed)
}

/// Does something while two clients ask, and demands that each of their requests was answered.
pub(super) fn nothing_is_lost_while(cluster: &Cluster, host: &str, what: &str, change: impl FnOnce()) {
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let clients = [(); 2].map(|()| scope.spawn(|| count(cluster, host, &stop)));
        change();
        stop.store(true, Ordering::Relaxed);
        let counted = clients.map(|client| client.join().unwrap());
        let asked: usize = counted.iter().map(|(asked, _)| asked).sum();
        let failed: Vec<&String> = counted.iter().flat_map(|(_, failed)| failed).collect();
        eprintln!("while {what}: {asked} requests, {} failed", failed.len());
        assert!(asked > 0 && failed.is_empty(), "while {what}: {failed:?}");
    });
}
