//! What a user gave for parameters, and where: one layer on top of the other.

use std::collections::BTreeMap;

use super::parameter::{Kind, Parameter};
use diagnostics::Origin;

/// The text of one parameter, unchecked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Given {
    /// One text; several of lists, `key=value` of maps.
    pub texts: Vec<String>,
    pub origin: Origin,
}

/// What was given for each parameter, by its key.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Values(BTreeMap<&'static str, Given>);

impl Values {
    /// What was given for a parameter.
    pub fn get(&self, parameter: &Parameter) -> Option<&Given> {
        self.0.get(parameter.key)
    }

    /// The one text of a parameter.
    pub fn text(&self, parameter: &Parameter) -> Option<&str> {
        self.get(parameter)?.texts.first().map(String::as_str)
    }

    /// Whether a switch is on; what is no boolean counts as not given here and is a mistake elsewhere.
    pub fn is_on(&self, parameter: &Parameter) -> bool {
        self.text(parameter) == Some("true")
    }

    /// Where a parameter's value comes from, for mistakes that only others know of.
    pub fn origin(&self, parameter: &Parameter) -> Origin {
        self.get(parameter).map_or(Origin::Default, |given| given.origin.clone())
    }

    /// Keeps texts as they were given; commas part the elements of lists and maps.
    pub fn insert(&mut self, parameter: &Parameter, texts: Vec<String>, origin: Origin) {
        let texts = match parameter.kind {
            Kind::List | Kind::Map => {
                texts.iter().flat_map(|text| text.split(',')).map(|text| text.trim().to_owned()).collect()
            }
            _ => texts,
        };
        self.insert_parted(parameter, texts, origin);
    }

    /// Keeps texts that are elements already.
    pub fn insert_parted(&mut self, parameter: &Parameter, texts: Vec<String>, origin: Origin) {
        self.0.insert(parameter.key, Given { texts, origin });
    }

    /// These, and over them whatever `upper` has.
    pub fn under(mut self, upper: Self) -> Self {
        self.0.extend(upper.0);
        self
    }
}
