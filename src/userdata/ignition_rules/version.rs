//! Which images read which version of an Ignition document.

/// Who reads an Ignition version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Readers {
    Both,
    /// Flatcar translates old versions, which have other keys, while the machine starts.
    FlatcarAlone,
    /// Newer than the Ignition of Flatcar's stable images.
    FedoraAlone,
    Nobody,
}

impl Readers {
    /// Of what stands in `ignition.version`, or in version 1's own key `ignitionVersion`.
    ///
    /// Flatcar's stable images have Ignition 2.24, which reads 3.5.0 and older; Fedora CoreOS's have 2.26, which reads 3.6.0.
    /// <https://coreos.github.io/ignition/release-notes/>, <https://www.flatcar.org/releases>
    pub(crate) fn of(version: &str, has_own_key: bool) -> Self {
        match version {
            "1" if has_own_key => Self::FlatcarAlone,
            _ if has_own_key => Self::Nobody,
            "3.0.0" | "3.1.0" | "3.2.0" | "3.3.0" | "3.4.0" | "3.5.0" => Self::Both,
            "3.6.0" => Self::FedoraAlone,
            "2.0.0" | "2.1.0" | "2.2.0" | "2.3.0" => Self::FlatcarAlone,
            _ => Self::Nobody,
        }
    }

    /// Whether an image reads it.
    pub(crate) fn include(self, fedora_coreos: bool) -> bool {
        match self {
            Self::Both => true,
            Self::FlatcarAlone => !fedora_coreos,
            Self::FedoraAlone => fedora_coreos,
            Self::Nobody => false,
        }
    }
}

/// The minor version of a document of version 3, whose keys are known; none of any other.
pub(crate) fn minor(version: &str) -> Option<u32> {
    version.strip_prefix("3.")?.strip_suffix(".0")?.parse().ok()
}
