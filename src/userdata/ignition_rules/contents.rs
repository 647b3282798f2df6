//! What stands in a data URL, held against what the document says of it. Ignition finds out while the machine starts.
//!
//! <https://github.com/coreos/ignition/blob/main/internal/resource/url.go>

use std::io::{self, Read, Write};

use flate2::read::MultiGzDecoder;
use openssl::hash::{Hasher, MessageDigest};
use openssl::x509::X509;

use super::data_url;
use super::schema::Object;
use crate::userdata::mistake::Mistake;

/// Compressed certificates and documents beyond this are not looked at.
const MOST_UNPACKED_BYTES: u64 = 4 << 20;
/// Of contents that unpack to so much or more, no hash is made: a document of a few MiB can hold several GiB.
const MOST_HASHED_BYTES: u64 = 64 << 20;

/// What is wrong with the contents of something that is fetched, at its key: they are not packed as it says, or have another
/// hash. Nothing of them is quoted, since they may be a secret. Contents that are somewhere else are not looked at.
pub(super) fn mistake(object: &Object) -> Option<(&'static str, Mistake)> {
    let bytes = data_url::decoded(object.text("source")?).ok()?;
    let is_packed = object.text("compression") == Some("gzip");
    let hash = object.object("verification").and_then(|verification| verification.text("hash"));
    let sum = hash.and_then(Sum::read);
    // Without a hash the contents are read to their end all the same.
    let mut hasher = Hasher::new(sum.as_ref().map_or_else(MessageDigest::sha256, |sum| sum.function)).ok()?;
    match unpacked(&bytes, is_packed, &mut hasher) {
        Err(_) => {
            let mistake =
                Mistake::new("is `gzip`, and the data URL's content is not", "leave it out, or compress the content");
            return Some(("compression", mistake));
        }
        Ok(count) if count == MOST_HASHED_BYTES => return None,
        Ok(_) => {}
    }
    let actual = hasher.finish().ok()?;
    let sum = sum.filter(|sum| *sum.bytes != *actual)?;
    let whose = if is_packed { "the unpacked content" } else { "the content" };
    let mistake = Mistake::new(
        format!("has a hash that is not that of {whose}"),
        format!("write what `{}` says of {whose}", sum.program),
    );
    Some(("verification", mistake))
}

fn unpacked(bytes: &[u8], is_packed: bool, to: &mut impl Write) -> io::Result<u64> {
    match is_packed {
        true => io::copy(&mut MultiGzDecoder::new(bytes).take(MOST_HASHED_BYTES), to),
        false => io::copy(&mut &*bytes, to),
    }
}

/// A hash as Ignition writes it.
struct Sum {
    function: MessageDigest,
    program: &'static str,
    bytes: Vec<u8>,
}

impl Sum {
    /// None when it is not one, which its key's rule says.
    fn read(text: &str) -> Option<Self> {
        let (name, digits) = text.split_once('-')?;
        let (function, program) = match name {
            "sha256" => (MessageDigest::sha256(), "sha256sum"),
            "sha512" => (MessageDigest::sha512(), "sha512sum"),
            _ => return None,
        };
        let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
        let bytes: Option<Vec<u8>> = digits.as_bytes().chunks(2).map(byte).collect();
        bytes.filter(|bytes| bytes.len() == function.size()).map(|bytes| Self { function, program, bytes })
    }
}

/// The whole of a data URL's content, unpacked; none where its own rules speak of it, and where it is too much to be looked at.
fn content(object: &Object) -> Option<Vec<u8>> {
    let bytes = data_url::decoded(object.text("source")?).ok()?;
    if object.text("compression").is_none() {
        return Some(bytes);
    }
    let mut content = Vec::new();
    MultiGzDecoder::new(&*bytes).take(MOST_UNPACKED_BYTES).read_to_end(&mut content).ok()?;
    ((content.len() as u64) < MOST_UNPACKED_BYTES).then_some(content)
}

/// What is wrong with a bundle of certificate authorities: Ignition stops at the first thing in it that is no certificate.
/// <https://github.com/coreos/ignition/blob/main/internal/resource/http.go>
pub(super) fn authority_mistake(object: &Object) -> Option<(&'static str, Mistake)> {
    let content = content(object)?;
    let instead = "write certificates as PEM (`-----BEGIN CERTIFICATE-----`)";
    let what = |what: &str| Some(("source", Mistake::new(format!("holds {what}"), instead)));
    let Ok(text) = String::from_utf8(content) else { return what("no PEM") };
    let blocks = text.matches("-----BEGIN ").count();
    if blocks == 0 {
        return what("no PEM certificate");
    }
    let certificates = X509::stack_from_pem(text.as_bytes()).unwrap_or_default();
    if certificates.len() != blocks || text.matches("-----BEGIN CERTIFICATE-----").count() != blocks {
        return what("something else than certificates that can be read");
    }
    let rest = text.rsplit("-----END CERTIFICATE-----").next().unwrap_or_default();
    if rest.trim().is_empty() { None } else { what("words behind the last certificate") }
}

/// What is wrong with a document that is merged into this one: Ignition reads it while the machine starts.
pub(super) fn config_mistake(object: &Object) -> Option<(&'static str, Mistake)> {
    let document: Option<serde_json::Value> = serde_json::from_slice(&content(object)?).ok();
    let has_version = document.is_some_and(|document| document["ignition"]["version"].is_string());
    let instead = "write a document with `ignition.version`, and look at it with `user-data lint`";
    (!has_version).then(|| ("source", Mistake::new("holds no Ignition document", instead)))
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    use diagnostics::yaml::Document;

    use super::*;
    use crate::pki::Authority;

    const OF_X: &str = "sha256-2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881";

    fn key(of: fn(&Object) -> Option<(&'static str, Mistake)>, resource: &str) -> Option<&'static str> {
        let document = Document::parse("x", resource).unwrap();
        let found = of(&Object(document.root().value()));
        found.map(|(key, _)| key)
    }

    #[test]
    fn contents_against_what_is_said_of_them() {
        let (packed, of_other) = ("data:;base64,H4sIAAAAAAAAA0sEAEO+t+gBAAAA", OF_X.replace("2d71", "2d72"));
        let of_a = "sha256-ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb";
        for (source, compression, hash, right) in [
            ("data:,x", "", "", None),
            ("data:,x", "", OF_X, None),
            ("data:,x", "", &*OF_X.to_uppercase().replace("SHA", "sha"), None),
            ("data:,x", "", &of_other, Some("verification")),
            ("data:,x", "gzip", OF_X, Some("compression")),
            ("data:,", "gzip", "", Some("compression")),
            (packed, "gzip", "", None),
            // Of what is in it.
            (packed, "gzip", of_a, None),
            (packed, "gzip", OF_X, Some("verification")),
            (packed, "", of_a, Some("verification")),
            ("https://a.test/x", "gzip", OF_X, None),
            // Its own rule speaks of these.
            ("data:,[", "gzip", OF_X, None),
            ("data:,x", "", "md5-a", None),
            ("data:,x", "", "sha256-ab", None),
        ] {
            let resource = format!(
                "{{\"source\": \"{source}\", \"compression\": \"{compression}\", \"verification\": {{\"hash\": \"{hash}\"}}}}"
            );
            assert_eq!(key(mistake, &resource), right, "{resource}");
        }
    }

    #[test]
    fn bundles() {
        let one = Authority::generate("one").unwrap().certificate;
        let key_too = format!("{one}-----BEGIN PRIVATE KEY-----\nYQ==\n-----END PRIVATE KEY-----\n");
        for (bundle, is_right) in [
            (one.clone(), true),
            (format!("{one}{one}"), true),
            (format!("# mine\n{one}\n\n"), true),
            (String::new(), false),
            ("a".into(), false),
            (format!("{one}words"), false),
            (key_too, false),
            (one.replace("MII", "MIJ"), false),
        ] {
            let resource = format!("{{\"source\": \"data:;base64,{}\"}}", STANDARD.encode(&bundle));
            assert_eq!(key(authority_mistake, &resource).is_none(), is_right, "{bundle}");
        }
        assert_eq!(key(authority_mistake, "{\"source\": \"https://a.test/\"}"), None);
    }
}
