//! What machines are told at their first boot.

use std::collections::BTreeSet;
use std::net::IpAddr;

use super::parameter::{CUSTOM_DATA, CUSTOM_DATA_ONLY, NTP_SERVERS, TEMPLATES, USER_DATA_FORMAT};
use super::resolver::Resolver;
use crate::spec::Image;
use crate::spec::{Dialect, Overlay, TemplateSet};
use crate::userdata::Purpose;

/// The user's file, and whether it is sent alone; what of it acts depends on image and form.
pub(super) fn custom_data(resolver: &mut Resolver, image: &Image, dialect: Dialect) -> (Option<Overlay>, bool) {
    let earlier = resolver.earlier;
    let only =
        resolver.switch(&CUSTOM_DATA_ONLY).unwrap_or_else(|| earlier.is_some_and(|earlier| earlier.custom_data_only));
    let changed = earlier.is_some_and(|earlier| earlier.custom_data_only != only);
    let Some(file) = resolver.input.file(&CUSTOM_DATA) else {
        let kept = earlier.and_then(|earlier| earlier.custom_data.clone());
        if only && kept.is_none() {
            resolver.problem(&CUSTOM_DATA_ONLY, "sends the file of `--custom-data` alone, and none is given");
        } else if changed && kept.is_some() {
            resolver.problem(&CUSTOM_DATA_ONLY, "reads the file of `--custom-data` in another way; name it again");
        }
        return (kept, only);
    };
    let parsed = match file.text() {
        Ok(text) if only => Overlay::whole(&file.path, text),
        Ok(text) => {
            let purpose = Purpose::Merged { dialect, fedora_coreos: image.is_fedora_coreos() };
            Overlay::parse(&file.path, text, purpose)
        }
        Err(message) => {
            resolver.problem(&CUSTOM_DATA, message);
            return (None, only);
        }
    };
    match parsed {
        Ok(overlay) => (Some(overlay), only),
        Err(problems) => {
            resolver.problems.extend(problems);
            (None, only)
        }
    }
}

/// Nothing of ours is sent beside a file that is sent alone.
pub(super) fn check_alone(resolver: &mut Resolver, custom_data_only: bool) {
    for parameter in [&TEMPLATES, &NTP_SERVERS, &USER_DATA_FORMAT] {
        if custom_data_only && resolver.given(parameter).is_some() {
            resolver.problem(parameter, "has no effect on the file of `--custom-data-only`; write it there");
        }
    }
}

/// Fedora CoreOS reads nothing but Ignition, and its chrony no folder with more sources.
/// <https://github.com/coreos/fedora-coreos-config/tree/testing-devel/overlay.d/20platform-chrony>
pub(super) fn check_image(resolver: &mut Resolver, image: &Image, format: Dialect, ntp_servers: &[String]) {
    if !image.is_fedora_coreos() {
        return;
    }
    if format == Dialect::CloudConfig {
        let message = "Fedora CoreOS reads no cloud-config";
        resolver.problem_with_hint(&USER_DATA_FORMAT, message, "leave the format out: Ignition is the default");
    }
    if !ntp_servers.is_empty() {
        let message = "Fedora CoreOS takes the host's clock and no further sources";
        resolver.problem_with_hint(&NTP_SERVERS, message, "write an /etc/chrony.conf of your own with --custom-data");
    }
}

/// The templates that the user's folder replaces.
pub(super) fn templates(resolver: &mut Resolver) -> TemplateSet {
    match &resolver.input.templates {
        Some(Ok(templates)) => templates.clone(),
        Some(Err(problems)) => {
            resolver.problems.extend(problems.clone());
            TemplateSet::default()
        }
        None => resolver.earlier.map(|earlier| earlier.templates.clone()).unwrap_or_default(),
    }
}

pub(super) fn ntp_servers(resolver: &mut Resolver) -> Vec<String> {
    let Some(servers) = resolver.list::<String>(&NTP_SERVERS) else {
        return resolver.earlier.map(|earlier| earlier.ntp_servers.clone()).unwrap_or_default();
    };
    let mut seen = BTreeSet::new();
    for server in &servers {
        if let Err(why) = check_host(server) {
            resolver.problem(&NTP_SERVERS, format!("`{server}` {why}"));
        } else if !seen.insert(server.to_ascii_lowercase()) {
            resolver.problem(&NTP_SERVERS, format!("`{server}` is named twice"));
        }
    }
    servers
}

/// A host's name, or an address that a machine can ask. A name whose last label is a number is read as an address.
/// <https://url.spec.whatwg.org/#ends-in-a-number-checker>
fn check_host(text: &str) -> Result<(), &'static str> {
    if let Ok(address) = text.parse::<IpAddr>() {
        let is_somebody = !(address.is_unspecified() || address.is_loopback() || address.is_multicast());
        return if is_somebody { Ok(()) } else { Err("is the address of no other machine") };
    }
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
    };
    let last = text.rsplit('.').next().unwrap_or_default();
    let is_hexadecimal = last.get(..2).is_some_and(|start| start.eq_ignore_ascii_case("0x"))
        && last.chars().skip(2).all(|c| c.is_ascii_hexdigit());
    match text.len() <= 253 && text.split('.').all(is_label) {
        true if is_hexadecimal || last.chars().all(|c| c.is_ascii_digit()) => {
            Err("ends in a number, as addresses do, and is none")
        }
        true => Ok(()),
        false => Err("is neither a host name nor an address"),
    }
}
