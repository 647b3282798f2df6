//! Judges the contents of a cloud-config's files, and writes those that are tagged as base64 in a way that both dialects know.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use cloudinit_rules::content::{self, Undecodable};
use cloudinit_rules::scalar;
use cloudinit_rules::substitution::SUBSTITUTIONS;

use super::judge::Judge;
use super::{Section, values};
use crate::userdata::address;
use crate::userdata::mistake::Mistake;
use diagnostics::yaml::{Node, Value};

/// Encodings whose content is no text, so that it is written in base64 by its tag alone.
const COMPRESSED: [&str; 2] = ["gz", "gzip"];

impl<'a> Judge<'a, '_> {
    /// What keeps content from being decoded; what its encoding may be is the encoding's own matter.
    pub(super) fn content_mistake(&self, bytes: &[u8], file: &Node<'a>) -> Option<Mistake> {
        let encoding = file.get("encoding").filter(|node| !node.is_null())?;
        let encoding = scalar::text(&encoding, self.written).unwrap_or_default();
        if self.encoding_mistake(&encoding, file).is_some() {
            return None;
        }
        let what = match content::check(bytes, &encoding).err()? {
            Undecodable::Base64 => "is not base64, as its `encoding` says",
            Undecodable::Gzip => "is not compressed with gzip, as its `encoding` says",
            Undecodable::Encoding | Undecodable::TooLarge => return None,
        };
        Some(Mistake::new(what, ""))
    }

    pub(super) fn encoding_mistake(&self, encoding: &str, file: &Node<'a>) -> Option<Mistake> {
        let is_tagged = file.get("content").is_some_and(|content| content.is_binary());
        if is_tagged && COMPRESSED.contains(&encoding) {
            return None;
        }
        values::mistake(Section::File, "encoding", encoding, self.purpose)
    }

    /// Puts what a tagged content stands for into the file that was read of it.
    pub(super) fn spell_content(&self, node: &Node<'a>, file: &mut Value) {
        let Some(content) = node.get("content").filter(Node::is_binary) else { return };
        let Ok(bytes) = scalar::bytes(&content, self.written) else { return };
        let (content, encoding) = match file["encoding"].as_str() {
            None => match plain(&bytes) {
                Some(text) => return file["content"] = text.into(),
                None => (STANDARD.encode(&bytes), "base64"),
            },
            Some(encoding) if COMPRESSED.contains(&encoding) => (STANDARD.encode(&bytes), "gzip+base64"),
            // Base64 once more.
            Some(_) => return file["content"] = String::from_utf8_lossy(&bytes).into(),
        };
        file["content"] = content.into();
        file["encoding"] = encoding.into();
    }
}

/// A text that a cloud-config has without an encoding, its addresses kept as they are: base64 hid them.
fn plain(bytes: &[u8]) -> Option<String> {
    let is_shown = |character: char| "\n\t".contains(character) || !(character.is_control() || character == '\u{feff}');
    let text = std::str::from_utf8(bytes).ok().filter(|text| text.chars().all(is_shown))?;
    Some(kept(text))
}

/// A text in which no address will be put in.
pub(super) fn kept(text: &str) -> String {
    SUBSTITUTIONS.into_iter().fold(text.to_owned(), |text, name| text.replace(name, &format!("\\{name}")))
}

pub(super) fn addresses(content: &str) -> Option<Mistake> {
    address::absent(content).map(|name| {
        let instead = format!("of addresses only `$private_ipv4` is known; `\\{name}` keeps the text as it stands");
        Mistake::new(format!("`{name}` is empty on Azure"), instead)
    })
}

#[cfg(test)]
mod tests {
    use crate::spec::cloud_config::{CloudConfig, Encoding};
    use crate::spec::{Dialect, Overlay};
    use crate::userdata::{Purpose, address};

    fn read(text: &str) -> Result<CloudConfig, String> {
        let purpose = Purpose::Merged { dialect: Dialect::CloudConfig, fedora_coreos: false };
        match Overlay::parse("x", &format!("#cloud-config\n{text}\n"), purpose) {
            Ok(Overlay::CloudConfig { document }) => Ok(address::put_in(&document, "10.0.0.4".parse().unwrap())),
            Ok(_) => panic!("{text}"),
            Err(problems) => Err(problems.to_string()),
        }
    }

    #[test]
    fn what_is_tagged_as_base64_is_decoded() {
        for (file, content, encoding) in [
            ("content: !!binary aGk=", "hi", None),
            // `$private_ipv4 \$public_ipv4`: coreos-cloudinit puts addresses in before it decodes.
            ("content: !!binary JHByaXZhdGVfaXB2NCBcJHB1YmxpY19pcHY0", r"$private_ipv4 \$public_ipv4", None),
            ("content: !!binary gIE=", "gIE=", Some(Encoding::Base64)),
            ("content: !!binary DQ==", "DQ==", Some(Encoding::Base64)),
            ("encoding: b64, content: !!binary YUdrPQ==", "aGk=", Some(Encoding::Base64)),
            (
                "encoding: gzip, content: !!binary H4sIAAAAAAACA8vIBACsKpPYAgAAAA==",
                "H4sIAAAAAAACA8vIBACsKpPYAgAAAA==",
                Some(Encoding::GzipBase64),
            ),
        ] {
            let config = read(&format!("write_files: [{{path: /a, {file}}}]")).unwrap();
            let read = &config.write_files[0];
            assert_eq!((read.content.as_str(), read.encoding), (content, encoding), "{file}");
        }
        let unit = read("coreos: {units: [{name: a.service, content: !!binary JHByaXZhdGVfaXB2NA==}]}").unwrap();
        assert_eq!(unit.coreos.units[0].content.as_deref(), Some("$private_ipv4"));
        for (text, mistake) in [
            (
                "write_files:\n- path: /a\n  content: !!binary aG k",
                "line 4: `write_files[0].content`: is not base64, as its tag",
            ),
            ("write_files:\n- path: /a\n  encoding: gzip\n  content: !!binary aGk=", "is not compressed with gzip"),
            ("write_files:\n- path: /a\n  encoding: gzip\n  content: aGk=", "compressed content is no text"),
            ("coreos: {units: [{name: a.service, content: !!binary gA==}]}", "is no UTF-8 text"),
            ("users: [{name: !!binary gA==}]", "must be UTF-8"),
        ] {
            let problems = read(text).unwrap_err();
            assert!(problems.contains(mistake), "{text}: {problems}");
        }
    }
}
