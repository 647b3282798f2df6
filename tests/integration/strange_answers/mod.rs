//! Every request of `create` and of `destroy` meets every answer that is not Azure's: what a captive portal, a broken proxy
//! or a cache sends, or nothing at all. The demand is the same each time: nothing foreign is touched, nothing is called done
//! that is not, keys stay while there is something that they fit, and a later run ends as if nothing had been.
//!
//! By default every request meets each answer that comes at once, before and after the effect, once or for good in turn;
//! what has to be waited for meets each kind of request (method and type). `--ignored` runs the complete product.

mod case;
mod stage;
mod trap;

use std::collections::{BTreeSet, VecDeque};
use std::sync::Mutex;

use case::{Case, Scene, product, sample};
use stage::{Beginnings, Stage};
use trap::Trap;

const NAME: &str = "storm";
const CREATE: [&str; 6] = [NAME, "--local", "--no-wait", "--num-nodes", "1", "--allow-small"];
const DESTROY: [&str; 3] = ["destroy", NAME, "--yes"];
/// Silences are waited for while others work.
const WORKERS: usize = 3;
const DONE: i32 = 0;
const AZURE_REFUSED: i32 = 5;
const AZURE_UNREACHABLE: i32 = 6;

/// What is wrong after a run under the fault, if anything.
fn play(stage: &mut Stage, case: &Case, expected: &BTreeSet<String>, trap: &Trap) -> Result<(), String> {
    stage.sandbox.faults(case.fault(trap));
    let ended = stage.run(case.scene.command());
    let (_, faults) = stage.sandbox.request("GET", "/azure-local/faults", None);
    stage.sandbox.no_faults();
    let demand = |holds: bool, what: &str| {
        let shown = || format!("{what}\nexit code {:?}\n{}{}", ended.status, ended.stdout, ended.stderr);
        if holds { Ok(()) } else { Err(shown()) }
    };
    demand(faults[0]["seen"].as_u64() >= Some(case.request.nth), "the request was not made")?;
    demand(trap.visits() == 0, "a redirect was followed")?;
    let code = ended.status.unwrap_or(-1);
    let fits = [DONE, AZURE_UNREACHABLE].contains(&code) || (code == AZURE_REFUSED && case.is_like_azures());
    demand(fits, "neither done nor exit code 6")?;
    let is_stranger = case.answer != "silent" && code == AZURE_UNREACHABLE;
    // A list of somebody else's is one of Azure's: what tells is that it lacks what our own questions find.
    // What has no end ends at the cap or at the time-out, whichever a busy machine comes to first.
    let told = ["not Azure Resource Manager's", "answers contradict each other", "no whole answer came within"];
    demand(!is_stranger || told.iter().any(|words| ended.stderr.contains(words)), "it is not told what came")?;
    stage.check_foreign().map_err(|what| demand(false, &what).unwrap_err())?;
    let ours = stage.ours();
    match case.scene {
        Scene::Create => {
            demand(code != DONE || ours == *expected, "called done, and is not")?;
            let has_machine = ours.iter().any(|id| id.contains("/virtualMachines/"));
            demand(!has_machine || stage.keys(), "a machine is there, and its keys are not")?;
            let later = stage.run(&CREATE);
            demand(later.status == Some(DONE), &format!("a later run does not end well:\n{}", later.stderr))?;
            demand(stage.ours() == *expected, "a later run ends with other resources")?;
        }
        Scene::DestroyAlone | Scene::DestroyAmongOthers => {
            demand(code != DONE || ours.is_empty(), "called gone, and is not")?;
            demand(code != DONE || !stage.sandbox.cluster(NAME).exists(), "called gone, and the directory is there")?;
            demand(ours.is_empty() || stage.keys(), "something is there, and its keys are not")?;
            let later = stage.run(&DESTROY);
            demand(later.status == Some(DONE), &format!("a later run does not end well:\n{}", later.stderr))?;
            demand(stage.ours().is_empty(), "a later run leaves something")?;
            demand(!stage.sandbox.cluster(NAME).exists(), "a later run leaves the directory")?;
        }
    }
    stage.check_foreign()?;
    Ok(())
}

fn play_all(scenes: &[Scene], choose: impl Fn(Vec<Case>) -> Vec<Case>) {
    let beginnings = Beginnings::make();
    let trap = Trap::set();
    let mut stage = Stage::default();
    let cases: Vec<Case> =
        scenes.iter().flat_map(|scene| product(*scene, &stage.requests(&beginnings, *scene))).collect();
    let cases = choose(cases);
    let count = cases.len();
    let queue = Mutex::new(VecDeque::from(cases));
    let failures = Mutex::new(Vec::new());
    let next = || queue.lock().unwrap().pop_front();
    std::thread::scope(|scope| {
        for _ in 0..WORKERS.min(count) {
            scope.spawn(|| {
                let mut stage = Stage::default();
                while let Some(case) = next() {
                    stage.begin(&beginnings, case.scene);
                    if let Err(what) = play(&mut stage, &case, &beginnings.whole_cluster, &trap) {
                        failures.lock().unwrap().push(format!("{case:?}\n{what}"));
                    }
                }
            });
        }
    });
    let failures = failures.into_inner().unwrap();
    assert!(failures.is_empty(), "{} of {count} cases:\n\n{}", failures.len(), failures.join("\n\n"));
}

#[test]
fn create_meets_each_answer() {
    play_all(&[Scene::Create], sample);
}

#[test]
fn destroy_meets_each_answer() {
    play_all(&[Scene::DestroyAlone, Scene::DestroyAmongOthers], sample);
}

#[test]
#[ignore = "the complete product takes some minutes"]
fn each_answer_meets_each_request() {
    play_all(&[Scene::Create, Scene::DestroyAlone, Scene::DestroyAmongOthers], |cases| cases);
}
