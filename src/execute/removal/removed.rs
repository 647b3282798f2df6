//! What goes with a cluster: a plan of its removal, and the order of it. `verdict` makes it out of what Azure says; `destroy`
//! carries it out.

use super::super::own_resources::stage;
use crate::arm::ResourceId;

/// How many stages [`stage`] tells apart.
const STAGES: usize = 4;

/// What is going to be removed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Removal {
    /// Nothing of the cluster exists.
    Nothing,
    /// The group with these resources, all of them ours.
    Group { group: ResourceId, resources: Vec<ResourceId> },
    /// Ours among others; stages are removed one after another, a stage's members together.
    Resources { stages: Vec<Vec<ResourceId>>, others: Vec<String> },
}

impl Removal {
    /// Everything that goes, each by its id.
    pub(crate) fn ids(&self) -> Vec<&ResourceId> {
        match self {
            Self::Nothing => Vec::new(),
            Self::Group { group, resources } => resources.iter().chain([group]).collect(),
            Self::Resources { stages, .. } => stages.iter().flatten().collect(),
        }
    }

    /// Whether no resource of the cluster was found, but for its group.
    pub(super) fn is_hollow(&self) -> bool {
        match self {
            Self::Nothing => true,
            Self::Group { resources, .. } => resources.is_empty(),
            Self::Resources { stages, .. } => stages.is_empty(),
        }
    }

    /// The same with the group left where it is.
    pub(crate) fn without_group(self) -> Self {
        match self {
            Self::Group { resources, .. } => Self::Resources { stages: staged(&resources), others: Vec::new() },
            other => other,
        }
    }
}

/// Resources in the order in which they go.
pub(in super::super) fn staged(ids: &[ResourceId]) -> Vec<Vec<ResourceId>> {
    let mut stages = vec![Vec::new(); STAGES];
    for id in ids {
        stages[stage(id)].push(id.clone());
    }
    stages.retain(|stage| !stage.is_empty());
    stages
}
