//! Which of our templates a user has put texts of their own in place of. `userdata` checks and renders them.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

/// The shipped texts with a user's own in place of some. Default: the shipped ones. Serialised: the user's own by name.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TemplateSet {
    pub(crate) replaced: BTreeMap<String, String>,
}

impl fmt::Debug for TemplateSet {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A user's text may hold secrets.
        formatter.debug_set().entries(self.replaced.keys()).finish()
    }
}
