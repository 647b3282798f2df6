//! Whether a machine runs, in Azure's words.

use std::fmt;

/// What Azure says of a machine's power.
/// <https://learn.microsoft.com/azure/virtual-machines/states-billing>
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum PowerState {
    Running,
    Starting,
    /// Off, and still paid for: it keeps its place.
    Stopped,
    Stopping,
    /// Off, and not paid for.
    Deallocated,
    Deallocating,
    /// Azure does not say, or says `unknown`, or a word that is not known here.
    Unknown,
}

impl PowerState {
    /// Whether it is off, or about to be.
    pub(crate) fn is_off(&self) -> bool {
        matches!(self, Self::Stopped | Self::Stopping | Self::Deallocated | Self::Deallocating)
    }
}

impl From<Option<&str>> for PowerState {
    /// Of `PowerState/…` without its prefix; case does not count.
    fn from(text: Option<&str>) -> Self {
        match text.unwrap_or_default().to_ascii_lowercase().as_str() {
            "running" => Self::Running,
            "starting" => Self::Starting,
            "stopped" => Self::Stopped,
            "stopping" => Self::Stopping,
            "deallocated" => Self::Deallocated,
            "deallocating" => Self::Deallocating,
            _ => Self::Unknown,
        }
    }
}

impl fmt::Display for PowerState {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Running => "running",
            Self::Starting => "starting",
            Self::Stopped => "stopped",
            Self::Stopping => "stopping",
            Self::Deallocated => "deallocated",
            Self::Deallocating => "deallocating",
            Self::Unknown => "in a power state that Azure does not tell",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn azures_words() {
        for (text, power, off) in [
            (Some("running"), PowerState::Running, false),
            (Some("Running"), PowerState::Running, false),
            (Some("starting"), PowerState::Starting, false),
            (Some("stopped"), PowerState::Stopped, true),
            (Some("stopping"), PowerState::Stopping, true),
            (Some("deallocated"), PowerState::Deallocated, true),
            (Some("deallocating"), PowerState::Deallocating, true),
            (Some("unknown"), PowerState::Unknown, false),
            (Some("hibernated"), PowerState::Unknown, false),
            (None, PowerState::Unknown, false),
        ] {
            let found = PowerState::from(text);
            assert_eq!((found.is_off(), found), (off, power), "{text:?}");
        }
    }
}
