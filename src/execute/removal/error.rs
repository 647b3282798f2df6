//! Why it is not known what removing a cluster means.

use crate::arm::{ArmError, ArmErrorKind, ResourceId};
use report::first_few;

/// Resources that a message names.
pub(super) const MOST_SHOWN: usize = 3;

/// Why it is not known what removing a cluster means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum RemovalError {
    /// Azure refused, or did not answer, or its answers contradict each other.
    Azure(ArmError),
    /// These have the ids of the cluster's machines, disks and interfaces, and not its tag: a policy or a person took it
    /// away, or they are somebody else's. Neither may they be removed, nor the keys that open them.
    Untagged { group: ResourceId, ids: Vec<ResourceId> },
}

impl From<ArmError> for RemovalError {
    fn from(error: ArmError) -> Self {
        Self::Azure(error)
    }
}

impl RemovalError {
    /// The same in the words of what Azure is asked.
    pub(crate) fn into_arm_error(self) -> ArmError {
        match self {
            Self::Azure(error) => error,
            Self::Untagged { group, ids } => {
                let message = format!(
                    "without the cluster's tag, so that nothing tells whose they are, there are: {}",
                    first_few(&ids, MOST_SHOWN)
                );
                ArmError::local(ArmErrorKind::Refused, format!("looking into {group}"), message)
            }
        }
    }
}
