//! What stands more than once where it may stand once.

use std::collections::BTreeMap;

/// Those of the names that come more than once, each told once, in the order in which they come again.
pub(crate) fn repeated<'n>(names: impl IntoIterator<Item = &'n str>) -> Vec<&'n str> {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    let mut again = Vec::new();
    for name in names {
        let count = counts.entry(name).or_default();
        *count += 1;
        if *count == 2 {
            again.push(name);
        }
    }
    again
}
