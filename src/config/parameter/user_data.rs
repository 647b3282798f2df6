//! What its machines are told at their first boot.

use serde_json::json;

use super::{Group, Kind, Parameter};

pub const CUSTOM_DATA: Parameter = Parameter::new(Group::UserData, Kind::File, "custom_data", "--custom-data", "FILE")
    .help("Your cloud-config or Ignition file, merged over ours")
    .default("none")
    .example("user.yaml")
    .resolved(|spec| json!(spec.custom_data.is_some()))
    .aliases(&["user-data", "userdata", "cloud-init"]);

pub const NTP_SERVERS: Parameter = Parameter::new(Group::UserData, Kind::List, "ntp_servers", "--ntp-server", "HOST")
    .help("Additional NTP server (repeatable)")
    .default("none: the host's clock")
    .example("time.windows.com")
    .resolved(|spec| json!(spec.ntp_servers))
    .aliases(&["ntp-servers"]);

pub const CUSTOM_DATA_ONLY: Parameter = Parameter::switch(Group::UserData, "custom_data_only", "--custom-data-only")
    .help("Send the file of --custom-data untouched, in place of ours: nothing of etcd, disks or clocks is set up then")
    .resolved(|spec| json!(spec.custom_data_only));

pub const USER_DATA_FORMAT: Parameter =
    Parameter::new(Group::UserData, Kind::Choice(&FORMATS), "user_data_format", "--user-data-format", "FORMAT")
        .help(
            "What machines are told in: ignition (before the first boot) or cloud-config (Flatcar only, at each boot)",
        )
        .default("ignition")
        .example("cloud-config")
        .resolved(|spec| json!(spec.user_data_format));

const FORMATS: [&str; 2] = ["ignition", "cloud-config"];

pub const TEMPLATES: Parameter = Parameter::new(Group::UserData, Kind::Directory, "templates", "--templates", "DIR")
    .help("Templates and base files of your own in place of the shipped ones; `templates dump DIR` writes those")
    .default("the shipped ones")
    .example("templates");

pub const DISCOVERY_SERVICE_URL: Parameter =
    Parameter::new(Group::UserData, Kind::Text, "discovery_service_url", "--discovery-service-url", "URL")
        .help(
            "Let etcd's members find each other there (etcd 3.6 and older): a fresh token's URL, or a service's, which is asked for one",
        )
        .default("none: each member is told the others")
        .example("https://discovery.example.com/new")
        .settled("discovery URL")
        .resolved(|spec| json!(spec.discovery_url));

pub const NO_DISCOVERY_URL: Parameter = Parameter::switch(Group::UserData, "no_discovery_url", "--no-discovery-url")
    .help("Tell each etcd member the others, whatever discovery URL the file or the environment names");
