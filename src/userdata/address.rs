//! Addresses that a cloud-config can leave to the machine: `$private_ipv4` and its like.
//!
//! coreos-cloudinit puts them in by itself, Ignition does not; a text that is merged has them put in beforehand.

use std::net::Ipv4Addr;

use cloudinit_rules::substitution::{PRIVATE_IPV4 as PRIVATE, SUBSTITUTIONS};

use super::cloud_config::CloudConfig;

/// The first address that `text` asks for and that machines on Azure do not have.
pub(super) fn absent(text: &str) -> Option<&'static str> {
    let asked = |name: &str| text.match_indices(name).any(|(start, _)| !text[..start].ends_with('\\'));
    SUBSTITUTIONS.into_iter().find(|name| *name != PRIVATE && asked(name))
}

/// `config` with a node's address in every text that asks for it; a backslash before the name keeps the name.
pub(super) fn put_in(config: &CloudConfig, address: Ipv4Addr) -> CloudConfig {
    let mut config = config.clone();
    let files = config.write_files.iter_mut().filter(|file| file.encoding.is_none()).map(|file| &mut file.content);
    for text in files {
        *text = with_address(text, address);
    }
    for unit in &mut config.coreos.units {
        for text in unit.content.iter_mut().chain(unit.drop_ins.iter_mut().map(|drop_in| &mut drop_in.content)) {
            *text = with_address(text, address);
        }
    }
    config
}

fn with_address(text: &str, address: Ipv4Addr) -> String {
    /// Private use, so no text has it: stands for a name that is to stay.
    const KEPT: &str = "\u{E000}";
    let address = address.to_string();
    let mut text = text.to_owned();
    for name in SUBSTITUTIONS {
        let kept = format!("\\{name}");
        let value = if name == PRIVATE { address.as_str() } else { "" };
        text = text.replace(&kept, KEPT).replace(name, value).replace(KEPT, name);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts() {
        for (text, result, missing) in [
            ("a=$private_ipv4:1 $private_ipv4", "a=10.0.0.4:1 10.0.0.4", None),
            (r"\$private_ipv4 $private", "$private_ipv4 $private", None),
            (r"\$public_ipv4", "$public_ipv4", None),
            ("$public_ipv4", "", Some("$public_ipv4")),
            ("x$private_ipv6", "x", Some("$private_ipv6")),
        ] {
            assert_eq!(with_address(text, Ipv4Addr::new(10, 0, 0, 4)), result, "{text}");
            assert_eq!(absent(text), missing, "{text}");
        }
    }
}
