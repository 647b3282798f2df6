//! What a user's file is for, which decides what of it acts.

use crate::spec::Dialect;

/// How a file comes to its reader.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// A cloud-config that is sent as it stands.
    CloudConfigAlone,
    /// An Ignition document of version 3.`minor` that is sent as it stands.
    IgnitionAlone { minor: u32 },
    /// It is laid over ours, and the result is written in this dialect.
    Merged { dialect: Dialect, fedora_coreos: bool },
    /// An Ignition document of ours, with everything in it.
    Rendered { fedora_coreos: bool },
}

/// What every document of ours has to fit: the base file's purpose, before a cluster is known.
impl Default for Purpose {
    fn default() -> Self {
        Self::Merged { dialect: Dialect::Ignition, fedora_coreos: false }
    }
}

impl Purpose {
    /// Whether Ignition is to read it.
    pub fn is_ignition(self) -> bool {
        !matches!(self, Self::CloudConfigAlone | Self::Merged { dialect: Dialect::CloudConfig, .. })
    }

    /// Whether it is known to be for Fedora CoreOS.
    pub fn image_is_fedora_coreos(self) -> bool {
        matches!(self, Self::Merged { fedora_coreos: true, .. } | Self::Rendered { fedora_coreos: true })
    }

    /// Whether it is laid over ours.
    pub fn is_merged(self) -> bool {
        matches!(self, Self::Merged { .. })
    }

    /// The minor number of the Ignition version that is read.
    pub fn minor(self) -> u32 {
        match self {
            Self::IgnitionAlone { minor } => minor,
            _ => 3,
        }
    }
}
