//! Scripted faults: which requests go wrong, and how. Set through `/azure-local/faults`.

use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};

use crate::arm::error::Failure;

/// A fault as the control endpoint takes and shows it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Fault {
    /// Any when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub method: Option<String>,
    /// Such as `Microsoft.Compute/virtualMachines`, or `operations` for polling; any when absent.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub resource_type: Option<String>,
    /// The resource's name; any when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The first matching request that goes wrong, counted from 1.
    #[serde(default = "one")]
    pub nth: u64,
    /// How many go wrong from there on.
    #[serde(default = "one")]
    pub times: u64,
    pub effect: Effect,
    /// Matching requests so far.
    #[serde(default)]
    pub seen: u64,
}

fn one() -> u64 {
    1
}

/// What goes wrong.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Effect {
    /// The request is answered with this and has no effect.
    Status {
        code: u16,
        error: String,
        message: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        retry_after_seconds: Option<u64>,
    },
    /// The request is handled this much later.
    DelayMilliseconds(u64),
    /// The connection is closed before anything is done.
    DropBefore,
    /// The connection is closed after everything is done.
    DropAfter,
    /// The operation that the request starts ends like this.
    OperationFailed(Failure),
    /// The virtual machine's operation ends as `OSProvisioningTimedOut`.
    NeverBoots,
    /// 401 as for a token that has expired.
    ExpiredToken,
    /// The client gets an answer that is not Azure's.
    AnswerReplaced(Replacement),
    /// Nothing is done, and the connection stays open without an answer.
    SilentBefore,
    /// Everything is done, and the connection stays open without an answer.
    SilentAfter,
    /// A list names itself as its next page.
    NextLinkToItself,
    /// The operation is to be followed at this origin, such as `http://192.0.2.1:8080`.
    PolledAt(String),
}

/// What comes in the place of Azure's answer, as from a captive portal, a broken proxy or a cache.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Replacement {
    pub body: ReplacedBody,
    /// Azure's own status when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// A `Location` header.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub location: Option<String>,
    /// Whether the request is carried out all the same. One that only reads always is.
    #[serde(default)]
    pub after_effect: bool,
}

/// The body of a replaced answer. Each has a `Content-Length` that fits, but for the two that have no end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ReplacedBody {
    /// A sign-in page.
    Html,
    Empty,
    /// `[]`.
    EmptyList,
    /// The first half of Azure's own.
    CutShort,
    /// A resource of the same type in another group; in a list, as its only entry.
    OtherResource,
    /// Comes as fast as it is read, for ever.
    Endless,
    /// A byte now and then, for ever.
    Trickle,
}

impl Fault {
    /// What is wrong with a fault that was sent, if anything.
    pub(crate) fn check(&self) -> Result<(), &'static str> {
        if self.nth == 0 {
            return Err("`nth` counts from 1");
        }
        match &self.effect {
            Effect::Status { code, .. } if !(400..600).contains(code) => Err("`code` is a 4xx or 5xx status"),
            Effect::AnswerReplaced(replacement) => replacement.check(),
            Effect::PolledAt(origin) if !is_origin(origin) => Err("`polled_at` is `http://host:port` and no more"),
            _ => Ok(()),
        }
    }
}

impl Replacement {
    fn check(&self) -> Result<(), &'static str> {
        if self.status.is_some_and(|status| !(200..600).contains(&status)) {
            return Err("`status` is at least 200 and below 600");
        }
        // HTTP has no place for it, and clients would not see it.
        if matches!(self.status, Some(204 | 304)) && self.body != ReplacedBody::Empty {
            return Err("an answer with status 204 or 304 has no body: `\"body\": \"empty\"`");
        }
        let is_header = |text: &String| text.bytes().all(|byte| byte.is_ascii_graphic());
        if !self.location.iter().all(is_header) {
            return Err("`location` is a URL");
        }
        Ok(())
    }
}

fn is_origin(text: &str) -> bool {
    let host = text.strip_prefix("http://").or_else(|| text.strip_prefix("https://"));
    host.is_some_and(|host| !host.is_empty() && host.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'/'))
}

/// The faults that are set.
#[derive(Default)]
pub(crate) struct Faults {
    faults: Mutex<Vec<Fault>>,
}

impl Faults {
    fn faults(&self) -> MutexGuard<'_, Vec<Fault>> {
        self.faults.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds faults to those that are set.
    pub(crate) fn add(&self, faults: Vec<Fault>) {
        self.faults().extend(faults.into_iter().map(|fault| Fault { seen: 0, ..fault }));
    }

    /// Removes all.
    pub(crate) fn clear(&self) {
        self.faults().clear();
    }

    /// All that are set, with their counts.
    pub(crate) fn list(&self) -> Vec<Fault> {
        self.faults().clone()
    }

    /// Counts a request and tells what goes wrong with it; of several faults the first one acts, all count.
    pub(crate) fn take(&self, method: &str, resource_type: &str, name: &str) -> Option<Effect> {
        let mut effect = None;
        for fault in self.faults().iter_mut() {
            let fits = fault.method.as_ref().is_none_or(|wanted| wanted.eq_ignore_ascii_case(method))
                && fault.resource_type.as_ref().is_none_or(|wanted| wanted.eq_ignore_ascii_case(resource_type))
                && fault.name.as_ref().is_none_or(|wanted| wanted.eq_ignore_ascii_case(name));
            if fits {
                fault.seen += 1;
                if effect.is_none() && (fault.nth..fault.nth.saturating_add(fault.times)).contains(&fault.seen) {
                    effect = Some(fault.effect.clone());
                }
            }
        }
        effect
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn faults_count_the_requests_they_match() {
        let faults = Faults::default();
        let listed: Vec<Fault> = serde_json::from_value(json!([
            { "method": "put", "type": "microsoft.compute/virtualmachines", "nth": 2, "times": 2, "effect": "never_boots" },
            { "name": "node-1", "effect": { "delay_milliseconds": 5 } },
        ]))
        .expect("two faults");
        faults.add(listed);
        let vm = ("Microsoft.Compute/virtualMachines", "node-1");
        let nic = ("Microsoft.Network/networkInterfaces", "node-2");
        let table = [
            ("PUT", vm, Some(Effect::DelayMilliseconds(5))),
            ("PUT", nic, None),
            ("GET", vm, None),
            ("PUT", vm, Some(Effect::NeverBoots)),
            ("PUT", vm, Some(Effect::NeverBoots)),
            ("PUT", vm, None),
            ("PUT", ("", ""), None),
        ];
        for (index, (method, (kind, name), effect)) in table.into_iter().enumerate() {
            assert_eq!(faults.take(method, kind, name), effect, "request {index}");
        }
        assert_eq!(faults.list()[0].seen, 4);
        faults.clear();
        assert!(faults.list().is_empty());
    }
}
