//! Who asks Azure.

use super::{Group, Kind, Parameter};

pub const SUBSCRIPTION: Parameter = Parameter::new(Group::SignIn, Kind::Text, "subscription", "--subscription", "ID")
    .help("Subscription id")
    .default("AZURE_SUBSCRIPTION_ID, else that of `az login`")
    .example("00000000-0000-0000-0000-000000000000");
