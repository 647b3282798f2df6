//! Where it is on Azure.

use serde_json::json;

use super::{Group, Kind, Parameter};

pub const SKIP_PREFLIGHT: Parameter = Parameter::switch(Group::Azure, "skip_preflight", "--skip-preflight")
    .help("Do not ask Azure beforehand whether it would refuse");

pub const LOCATION: Parameter = Parameter::new(Group::Azure, Kind::Text, "location", "--location", "REGION")
    .help("Region")
    .default("westeurope")
    .example("northeurope")
    .everyday()
    .settled("location")
    .resolved(|spec| json!(spec.location))
    .aliases(&["region"]);

pub const RESOURCE_GROUP: Parameter =
    Parameter::new(Group::Azure, Kind::Text, "resource_group", "--resource-group", "GROUP")
        .help("Resource group, made when missing")
        .default("NAME")
        .example("production")
        .settled("resource group")
        .resolved(|spec| json!(spec.resource_group))
        .aliases(&["group", "rg"]);

pub const TAGS: Parameter = Parameter::new(Group::Azure, Kind::Map, "tags", "--tag", "NAME=VALUE")
    .help("Tag on every resource (repeatable)")
    .default("none")
    .example("cost-center=42,team=web")
    .resolved(|spec| json!(spec.tags))
    .aliases(&["tags"]);
