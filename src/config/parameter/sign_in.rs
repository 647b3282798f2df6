//! Who asks Azure.

use serde_json::json;

use super::{Group, Kind, Parameter};

pub const SUBSCRIPTION: Parameter = Parameter::new(Group::SignIn, Kind::Text, "subscription", "--subscription", "ID")
    .help("Subscription id")
    .default("AZURE_SUBSCRIPTION_ID, else that of `az login`")
    .example("00000000-0000-0000-0000-000000000000")
    .aliases(&["subscription-id", "sub"]);

pub const TENANT: Parameter = Parameter::new(Group::SignIn, Kind::Text, "tenant", "--tenant", "ID")
    .help("Directory (tenant) of a service principal")
    .default("AZURE_TENANT_ID")
    .example("00000000-0000-0000-0000-000000000000")
    .aliases(&["tenant-id"]);

pub const CLIENT_ID: Parameter = Parameter::new(Group::SignIn, Kind::Text, "client_id", "--client-id", "ID")
    .help("Application (client) of a service principal, or of a user-assigned managed identity")
    .default("AZURE_CLIENT_ID")
    .example("00000000-0000-0000-0000-000000000000");

pub const AZURE_CERT: Parameter = Parameter::new(Group::SignIn, Kind::File, "azure_cert", "--azure-cert", "FILE")
    .help("Certificate of a service principal with its key, PEM or PFX, as `mgmt-cert` makes it")
    .default("none: see `whoami`")
    .example("azure-cert.pem");

pub const CLOUD: Parameter = Parameter::new(Group::SignIn, Kind::Choice(&CLOUDS), "cloud", "--cloud", "CLOUD")
    .help("Azure's cloud: public, usgov or china")
    .default("public")
    .example("usgov")
    .settled("cloud")
    .resolved(|spec| json!(spec.cloud));

const CLOUDS: [&str; 3] = ["public", "usgov", "china"];
