//! Three machines on which a platform runs: made once by the first test that asks, kept on disk, and given to each test as they
//! were then.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use serde_json::Value;

use super::certificates::Authorities;
use super::cluster::{Cluster, NAME};
use super::install;
use crate::images::own_images;
use crate::sandbox::{Sandbox, turn_of_machines, wait_for};

/// Where the suspended cluster is.
struct Kept {
    /// The sandbox that tests use one after the other: files hold its path.
    live: PathBuf,
    /// What it was like when the cluster was suspended.
    saved: PathBuf,
    inventory: Value,
    authorities: Mutex<Authorities>,
    /// Removes the folder when this process ends, however it ends: nothing else outlives the last test.
    _remover: Child,
}

/// The cluster as it was when its platform had been started, running again; one test has it at a time. Panics when it could not
/// be made: once it has failed, it is not tried again.
pub(super) fn running_platform() -> Cluster {
    resumed(kept())
}

/// Those that its certificates come from.
pub(super) fn authorities() -> MutexGuard<'static, Authorities> {
    kept().authorities.lock().unwrap_or_else(PoisonError::into_inner)
}

fn kept() -> &'static Kept {
    static KEPT: OnceLock<Option<Kept>> = OnceLock::new();
    let kept = KEPT.get_or_init(|| catch_unwind(AssertUnwindSafe(make)).ok());
    kept.as_ref().expect("the test that came first says why no platform could be prepared")
}

fn make() -> Kept {
    // `install` finds them by itself.
    own_images();
    let root = tempfile::Builder::new().prefix("coreos-").tempdir().expect("a folder").keep();
    let remover = Command::new("sh")
        .args(["-c", "cat > /dev/null; exec rm -rf -- \"$0\""])
        .arg(&root)
        .stdin(Stdio::piped())
        .spawn()
        .expect("`sh` starts");
    let (live, saved) = (root.join("live"), root.join("saved"));
    let mut sandbox = Sandbox::in_folder(&live, turn_of_machines());
    sandbox.start_emulator_with_machines();
    let created = sandbox.succeed(&[NAME, "--deis", "--data-disk", "8", "--local", "-o", "json"]);
    let cluster = Cluster { inventory: created.json(), sandbox };
    install::what_is_missing_is_told(&cluster);
    install::settings_are_kept(&cluster);
    let authorities = Authorities::in_folder(&root);
    install::install_goes_on_after_a_kill(&cluster, &authorities);
    install::start_goes_on_after_a_kill(&cluster);

    let down = cluster.sandbox.succeed(&["local", "down", "--suspend"]);
    assert!(down.stdout.contains("the memory of 3 machines"), "{}", down.stdout);
    let Cluster { sandbox, inventory } = cluster;
    drop(sandbox);
    std::fs::rename(&live, &saved).expect("the folder is moved");
    Kept { live, saved, inventory, authorities: Mutex::new(authorities), _remover: remover }
}

fn resumed(kept: &Kept) -> Cluster {
    let mut sandbox = Sandbox::in_folder(&kept.live, turn_of_machines());
    restore(&kept.saved, &kept.live);
    sandbox.start_emulator_with_machines();
    let mut cluster = Cluster { sandbox, inventory: kept.inventory.clone() };
    wait_for("the machines to go on", || {
        let (_, status) = cluster.sandbox.request("GET", "/azure-local/status", None);
        let machines = status["machines"].as_array().map(Vec::as_slice).unwrap_or_default();
        machines.len() == 3 && machines.iter().all(|machine| machine["running"] == true)
    });
    // Where ports below 1024 are refused to this user, others are taken at each start.
    let (_, listeners) = cluster.sandbox.request("GET", "/azure-local/listeners", None);
    if listeners.as_array().unwrap().iter().any(|listener| listener["public"] != listener["bound"]) {
        cluster.inventory = cluster.sandbox.succeed(&[NAME, "--local", "-o", "json"]).json();
    }
    wait_for("the platform to go on", || cluster.ctl(&["status"]).status == Some(0));
    cluster
}

/// Makes `live` what `saved` is: a copy, since each test spoils its own.
fn restore(saved: &Path, live: &Path) {
    std::fs::remove_dir_all(live).expect("what the last test left is removed");
    let copied =
        Command::new("cp").args(["--archive", "--reflink=auto", "--sparse=always"]).args([saved, live]).status();
    assert!(copied.is_ok_and(|status| status.success()), "the cluster is copied");
}
