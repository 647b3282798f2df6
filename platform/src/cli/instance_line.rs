//! One task of a component or of an app's service as `status` and `apps info` show it.

/// What the line says.
#[derive(Clone, Debug)]
pub(super) struct InstanceLine<'a> {
    /// With its number: `router@2`, `web.1`.
    pub name: String,
    /// Whether it is meant to run; what is not, is history.
    pub wanted: bool,
    /// Docker's word.
    pub state: &'a str,
    /// Empty when none is chosen.
    pub machine: &'a str,
    pub since: &'a str,
    pub error: Option<&'a str>,
}

impl InstanceLine<'_> {
    /// The line, below that of its component.
    pub(super) fn text(&self) -> String {
        let Self { name, state, since, .. } = self;
        let was = if self.wanted { "" } else { "earlier: " };
        let machine = if self.machine.is_empty() { "no machine" } else { self.machine };
        let error = self.error.map(|error| format!(": {error}")).unwrap_or_default();
        format!("    {name} {was}{state} on {machine} since {since}{error}\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines() {
        let line = |wanted, machine, error| {
            InstanceLine { name: "router@2".into(), wanted, state: "failed", machine, since: "now", error }.text()
        };
        assert_eq!(line(true, "a", None), "    router@2 failed on a since now\n");
        assert_eq!(line(false, "", Some("exit 3")), "    router@2 earlier: failed on no machine since now: exit 3\n");
    }
}
