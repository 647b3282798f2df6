//! What needs more than one file of the module. Random configurations are written down in both dialects, read back by
//! readers that know only the dialect, and must state the same; and so must the steps that a local machine takes.

mod cloud_config_reader;
mod ignition_reader;
mod overlay;
mod random;
mod state;
mod steps_reader;
mod wrong_values;

use proptest::prelude::*;

use super::{cloudinit, ignition};
use crate::spec::TemplateSet;

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn both_dialects_state_the_same(user_data in random::user_data()) {
        let ignition = ignition_reader::read(&ignition::document(&user_data).to_string());
        let document = cloudinit::document(&user_data, &TemplateSet::default(), &|_| true).unwrap();
        let text = cloudinit::text(&document).unwrap();
        let mut cloud_config = cloud_config_reader::read(&text);
        prop_assert_eq!(&ignition, &cloud_config);
        // What is written down alike comes to this: no bits above, and nothing where a text is empty.
        cloud_config.files.values_mut().for_each(|file| file.mode &= 0o777);
        cloud_config.users.values_mut().for_each(|user| user.fields.retain(|_, text| !text.is_empty()));
        prop_assert_eq!(cloud_config, steps_reader::read(&text));
    }
}
