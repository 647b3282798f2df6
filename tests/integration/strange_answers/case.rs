//! What is run, which of its requests is answered strangely, and how.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::trap::Trap;
use super::{CREATE, DESTROY};

const FOR_GOOD: u64 = 1_000_000;
/// Answers that are waited for, as they should be: half a minute for a silence that stays, five for a busy server.
const WAITED_FOR: [&str; 2] = ["silent", "html_503"];
/// Answers that keep a processor or the clock busy.
const SLOW: [&str; 3] = ["endless", "silent", "html_503"];
const ANSWERS: [&str; 10] = [
    "html",
    "html_503",
    "empty",
    "empty_list",
    "cut_short",
    "redirect",
    "no_content",
    "other_resource",
    "endless",
    "silent",
];

/// One request of a command, as a fault names it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Request {
    pub method: String,
    pub resource_type: String,
    pub name: String,
    pub nth: u64,
}

#[derive(Clone, Debug)]
pub(super) struct Case {
    pub scene: Scene,
    pub request: Request,
    pub answer: &'static str,
    after_effect: bool,
    times: u64,
}

/// What is run, and among what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scene {
    Create,
    /// The group holds the cluster and nothing else.
    DestroyAlone,
    /// Somebody else's address is in the group.
    DestroyAmongOthers,
}

impl Scene {
    pub(super) fn command(self) -> &'static [&'static str] {
        if self == Self::Create { &CREATE } else { &DESTROY }
    }
}

impl Case {
    /// Images' versions are the list that Azure answers without an object around it: `[]` means that there is no such image.
    pub(super) fn is_like_azures(&self) -> bool {
        self.answer == "empty_list" && self.request.resource_type == "Microsoft.Compute/locations/publishers"
    }

    pub(super) fn fault(&self, trap: &Trap) -> Value {
        let replaced = |mut answer: Value| {
            answer["after_effect"] = json!(self.after_effect);
            json!({ "answer_replaced": answer })
        };
        let effect = match self.answer {
            "html_503" => replaced(json!({ "body": "html", "status": 503 })),
            "redirect" => replaced(json!({ "body": "html", "status": 302, "location": trap.url })),
            "no_content" => replaced(json!({ "body": "empty", "status": 204 })),
            "silent" if self.after_effect => json!("silent_after"),
            "silent" => json!("silent_before"),
            body => replaced(json!({ "body": body })),
        };
        let Request { method, resource_type, name, nth } = &self.request;
        let mut fault =
            json!({ "method": method, "type": resource_type, "nth": nth, "times": self.times, "effect": effect });
        if !name.is_empty() {
            fault["name"] = json!(name);
        }
        json!([fault])
    }
}

/// Every request with every answer, before the effect, and for what writes after it too, once and for good.
pub(super) fn product(scene: Scene, requests: &[Request]) -> Vec<Case> {
    let mut cases = Vec::new();
    for request in requests {
        for answer in ANSWERS {
            for after_effect in if request.method == "GET" { &[true][..] } else { &[false, true][..] } {
                for times in [1, FOR_GOOD] {
                    let (request, after_effect) = (request.clone(), *after_effect);
                    cases.push(Case { scene, request, answer, after_effect, times });
                }
            }
        }
    }
    cases.retain(|case| case.times == 1 || !WAITED_FOR.contains(&case.answer));
    cases
}

/// One case of each request and quick answer, before and after the effect, and of each kind of request (method and type) and
/// slow answer; which request of that kind, and whether the answer comes once or for good, goes round.
pub(super) fn sample(cases: Vec<Case>) -> Vec<Case> {
    let mut alike: BTreeMap<_, Vec<Case>> = BTreeMap::new();
    for case in cases {
        let Request { method, resource_type, name, nth } = case.request.clone();
        let which = if SLOW.contains(&case.answer) { None } else { Some((name, nth)) };
        alike.entry((method, resource_type, which, case.answer, case.after_effect)).or_default().push(case);
    }
    alike.into_values().enumerate().map(|(turn, mut cases)| cases.swap_remove(turn % cases.len())).collect()
}
