//! What its machines are told at their first boot.

use serde_json::json;

use super::{Group, Kind, Parameter};

pub const CUSTOM_DATA: Parameter = Parameter::new(Group::UserData, Kind::File, "custom_data", "--custom-data", "FILE")
    .help("Your cloud-config or Ignition file, merged over ours")
    .default("none")
    .example("user.yaml")
    .resolved(|spec| json!(spec.custom_data.is_some()));

pub const NTP_SERVERS: Parameter = Parameter::new(Group::UserData, Kind::List, "ntp_servers", "--ntp-server", "HOST")
    .help("Additional NTP server (repeatable)")
    .default("none: the host's clock")
    .example("time.windows.com")
    .resolved(|spec| json!(spec.ntp_servers));
