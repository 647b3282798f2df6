//! How a node's systemd stands, by `systemctl is-system-running` and `systemctl --failed --plain --no-legend`. Readiness
//! and the doctor each judge it in their own words.
//! <https://www.freedesktop.org/software/systemd/man/latest/systemctl.html#is-system-running>

/// What systemd says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SystemState<'a> {
    Running,
    /// It runs, and these units failed.
    Degraded {
        failed: Vec<&'a str>,
    },
    /// Its boot is not over; in systemd's word.
    Starting(&'a str),
    /// Nothing.
    Silent,
    /// `maintenance`, `stopping`, ….
    Other(&'a str),
}

impl<'a> SystemState<'a> {
    /// Of the word and the list.
    pub fn read(state: &'a str, failed: &'a str) -> Self {
        match state.trim() {
            "running" => Self::Running,
            "degraded" => {
                Self::Degraded { failed: failed.lines().filter_map(|line| line.split_whitespace().next()).collect() }
            }
            word @ ("starting" | "initializing") => Self::Starting(word),
            "" => Self::Silent,
            word => Self::Other(word),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states() {
        let list = "a.service loaded failed failed A\n\n  b.mount loaded failed failed B\n";
        for (state, failed, expected) in [
            ("running\n", "", SystemState::Running),
            ("running", list, SystemState::Running),
            ("degraded\n", list, SystemState::Degraded { failed: vec!["a.service", "b.mount"] }),
            ("degraded", "", SystemState::Degraded { failed: vec![] }),
            ("starting", "", SystemState::Starting("starting")),
            ("initializing", "", SystemState::Starting("initializing")),
            (" \n", "", SystemState::Silent),
            ("maintenance", "", SystemState::Other("maintenance")),
        ] {
            assert_eq!(SystemState::read(state, failed), expected);
        }
    }
}
