//! What needs more than one file of the module. Random configurations are written down in both dialects, read back by
//! readers that know only the dialect, and must state the same.

mod cloud_config_reader;
mod ignition_reader;
mod overlay;
mod random;
mod state;
mod wrong_values;

use proptest::prelude::*;

use super::{cloudinit, ignition};
use crate::spec::TemplateSet;

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn both_dialects_state_the_same(user_data in random::user_data()) {
        let ignition = ignition_reader::read(&ignition::document(&user_data).to_string());
        let document = cloudinit::document(&user_data, &TemplateSet::default()).unwrap();
        let cloud_config = cloud_config_reader::read(&cloudinit::text(&document).unwrap());
        prop_assert_eq!(ignition, cloud_config);
    }
}
