//! How long operations take: Azure's figures or nothing, and a scale that makes time pass faster.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use crate::arm::id::ResourceId;
use crate::arm::kind::Kind;
use crate::state::operation::Action;

/// Whose figures are used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Profile {
    /// Every operation ends at once; only real machines take their time.
    None,
    /// Medians of what was seen on Azure (logs in public repositories and issues).
    Azure,
}

/// Factor for the profile's times: 1 is real time, 0.1 ten times faster. Token buckets follow it too.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub struct TimeScale(f64);

impl TimeScale {
    pub const REAL: Self = Self(1.0);
    /// A thousand times faster than Azure.
    pub const SMALLEST: f64 = 0.001;
    /// Waits of a minute take most of a day.
    pub const LARGEST: f64 = 1000.0;

    /// From [`Self::SMALLEST`] to [`Self::LARGEST`]; the error says so.
    pub fn new(factor: f64) -> Result<Self, TimeScaleError> {
        let is_within = (Self::SMALLEST..=Self::LARGEST).contains(&factor);
        if is_within { Ok(Self(factor)) } else { Err(TimeScaleError) }
    }

    /// The factor.
    pub fn factor(self) -> f64 {
        self.0
    }
}

impl FromStr for TimeScale {
    type Err = TimeScaleError;

    fn from_str(text: &str) -> Result<Self, TimeScaleError> {
        Self::new(text.parse().map_err(|_| TimeScaleError)?)
    }
}

impl fmt::Display for TimeScale {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

/// What is no factor, or one outside of the bounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it is a number from {} to {}", TimeScale::SMALLEST, TimeScale::LARGEST)]
pub struct TimeScaleError;

/// A profile and a scale of time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Latency {
    pub profile: Profile,
    pub scale: TimeScale,
}

/// How long GETs of a new resource group may still answer 404.
const REPLICATION: Duration = Duration::from_millis(1500);
/// Below this a wait is not worth a second of the client's time.
const WORTH_WAITING: Duration = Duration::from_millis(500);
/// Jitter of +-10 %.
const JITTER_PERCENT: u64 = 10;

impl Latency {
    /// Everything at once.
    pub fn none() -> Self {
        Self { profile: Profile::None, scale: TimeScale::REAL }
    }

    /// Azure's figures times `scale`.
    pub fn azure(scale: TimeScale) -> Self {
        Self { profile: Profile::Azure, scale }
    }

    /// How long `action` on `id` takes. The same id always gets the same jitter, so that runs can be compared.
    pub(crate) fn duration(&self, action: Action, id: &ResourceId) -> Duration {
        if self.profile == Profile::None {
            return Duration::ZERO;
        }
        let percent = 100 - JITTER_PERCENT + stable_hash(&id.key()) % (2 * JITTER_PERCENT + 1);
        let median = Duration::from_millis(median_milliseconds(action, id.kind));
        (median * percent as u32 / 100).mul_f64(self.scale.factor())
    }

    /// How long a resource group's deletion takes, by the heaviest thing in it.
    pub(crate) fn group_deletion(&self, heaviest: Option<Kind>) -> Duration {
        let milliseconds = match (self.profile, heaviest) {
            (Profile::None, _) => 0,
            (_, None) => 16_000,
            (_, Some(Kind::VirtualMachine | Kind::LoadBalancer)) => 75_000,
            _ => 46_000,
        };
        Duration::from_millis(milliseconds).mul_f64(self.scale.factor())
    }

    /// How long GETs of a new resource group may still answer 404.
    pub(crate) fn replication(&self) -> Duration {
        match self.profile {
            Profile::None => Duration::ZERO,
            Profile::Azure => REPLICATION.mul_f64(self.scale.factor()),
        }
    }

    /// The `Retry-After` of an operation, in whole seconds: 1 for network, 4 for machines, 5 for deletions (assumed
    /// from Azure's recommended polling). Rounded up; 0 when the scaled value is below half a second. Both
    /// profiles give it: without Azure's latency only real machines are waited for.
    pub(crate) fn retry_after_seconds(&self, action: Action, kind: Kind) -> u64 {
        let seconds = match (action, kind) {
            (Action::Delete, _) => 5.0,
            (_, Kind::VirtualMachine) => 4.0,
            _ => 1.0,
        };
        let scaled = Duration::from_secs_f64(seconds * self.scale.factor());
        if scaled < WORTH_WAITING { 0 } else { scaled.as_secs_f64().ceil() as u64 }
    }
}

fn median_milliseconds(action: Action, kind: Kind) -> u64 {
    match (action, kind) {
        (Action::Delete, Kind::VirtualMachine) => 20_000,
        (Action::Delete, Kind::NetworkInterface | Kind::LoadBalancer | Kind::VirtualNetwork) => 5_000,
        (Action::Delete, _) => 3_000,
        (Action::Start | Action::Restart, _) => 20_000,
        (Action::PowerOff | Action::Deallocate, _) => 15_000,
        (Action::QueryPortMapping, _) => 500,
        (Action::Put, kind) => match kind {
            Kind::ResourceGroup
            | Kind::UserAssignedIdentity
            | Kind::ProximityPlacementGroup
            | Kind::AvailabilitySet
            | Kind::ScaleSet => 1_500,
            Kind::Image => 15_000,
            Kind::NetworkSecurityGroup => 3_000,
            Kind::PublicIpAddress | Kind::LoadBalancer | Kind::VirtualNetwork | Kind::NetworkInterface => 4_000,
            Kind::Disk => 2_000,
            Kind::VirtualMachine => 49_000,
        },
    }
}

/// FNV-1a: the same on every run and machine, which std's hashers do not promise.
pub(crate) fn stable_hash(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_stay_within_the_jitter_and_are_repeatable() {
        let latency = Latency::azure(TimeScale::REAL);
        let mut seen = std::collections::BTreeSet::new();
        for index in 0..100 {
            let id = ResourceId::new("s", "g", Kind::VirtualMachine, &format!("node-{index}"));
            let duration = latency.duration(Action::Put, &id);
            assert_eq!(duration, latency.duration(Action::Put, &id));
            assert!((44_100..=53_900).contains(&duration.as_millis()), "{duration:?}");
            seen.insert(duration);
        }
        assert!(seen.len() > 5, "only {} different durations", seen.len());
    }

    #[test]
    fn scales_are_bounded_and_no_bound_is_too_much_for_a_wait() {
        for bad in ["0", "-1", "0.0009", "1000.1", "1e20", "1e300", "inf", "NaN", "", "fast"] {
            let error = bad.parse::<TimeScale>().expect_err(bad);
            assert_eq!(error.to_string(), "it is a number from 0.001 to 1000");
        }
        for good in ["0.001", "1", "1e3"] {
            let latency = Latency::azure(good.parse().expect(good));
            let id = ResourceId::new("s", "g", Kind::VirtualMachine, "node-1");
            assert!(latency.duration(Action::Put, &id) > latency.replication(), "{good}");
            assert!(latency.group_deletion(Some(Kind::VirtualMachine)) > latency.replication(), "{good}");
        }
    }

    #[test]
    fn no_profile_takes_no_time() {
        let id = ResourceId::new("s", "g", Kind::VirtualMachine, "node-1");
        assert_eq!(Latency::none().duration(Action::Put, &id), Duration::ZERO);
        assert_eq!(Latency::none().group_deletion(Some(Kind::VirtualMachine)), Duration::ZERO);
    }

    #[test]
    fn retry_after_is_in_whole_seconds() {
        let table = [
            (1.0, Action::Put, Kind::NetworkInterface, 1),
            (1.0, Action::Put, Kind::VirtualMachine, 4),
            (1.0, Action::Delete, Kind::NetworkInterface, 5),
            (0.5, Action::Put, Kind::NetworkInterface, 1),
            (0.1, Action::Put, Kind::NetworkInterface, 0),
            (0.1, Action::Delete, Kind::VirtualMachine, 1),
            (0.3, Action::Put, Kind::VirtualMachine, 2),
        ];
        for (scale, action, kind, seconds) in table {
            let latency = Latency::azure(TimeScale::new(scale).expect("a scale"));
            assert_eq!(latency.retry_after_seconds(action, kind), seconds, "{scale} {action:?} {kind:?}");
        }
    }
}
