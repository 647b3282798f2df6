//! What the operator names for SSH: a public key in any of its forms, or an X.509 certificate in its place, as Azure's
//! classic machines took it, whose public key is taken out.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use diagnostics::file_text;
use openssl::error::ErrorStack;
use openssl::hash::MessageDigest;
use openssl::nid::Nid;
use openssl::pkey::{Id, PKey, Public};
use openssl::x509::X509;

use super::pkcs12::{is_pkcs12, legacy_cipher};
use super::{InvalidSshKey, SshPublicKey, ssh_key_file};

/// What the operator's file holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SshCertificate {
    pub key: SshPublicKey,
    /// Fingerprints of the certificate in hexadecimal capitals; none of a bare key.
    pub thumbprints: Option<Thumbprints>,
}

/// A certificate's two fingerprints.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Thumbprints {
    pub sha1: String,
    pub sha256: String,
}

impl SshCertificate {
    /// Reads a public key, or a certificate in PEM or DER.
    pub fn read(bytes: &[u8]) -> Result<Self, InvalidSshKey> {
        let text = file_text::decode(bytes);
        let certificate = match text {
            Some(text) if text.contains("-----BEGIN CERTIFICATE-----") => X509::from_pem(text.as_bytes()),
            Some(text) => return Ok(Self { key: ssh_key_file::read(&text)?, thumbprints: None }),
            None if is_pkcs12(bytes) => {
                return Err(InvalidSshKey::Pkcs12 { is_legacy: legacy_cipher(bytes).is_some() });
            }
            None => match PKey::public_key_from_der(bytes) {
                Ok(key) => return Ok(Self { key: open_ssh(&key)?, thumbprints: None }),
                Err(_) => X509::from_der(bytes),
            },
        };
        let certificate = certificate.map_err(unreadable)?;
        let digest = |kind| certificate.digest(kind).map_err(unreadable);
        Ok(Self {
            key: open_ssh(&certificate.public_key().map_err(unreadable)?)?,
            thumbprints: Some(Thumbprints {
                sha1: hex::encode_upper(digest(MessageDigest::sha1())?),
                sha256: hex::encode_upper(digest(MessageDigest::sha256())?),
            }),
        })
    }

    /// Whether `thumbprint`, in hexadecimal with or without separators, is the certificate's.
    pub fn check(&self, thumbprint: &str) -> Result<(), String> {
        let asked: String = thumbprint.chars().filter(|c| !": -".contains(*c)).collect::<String>().to_ascii_uppercase();
        let Some(Thumbprints { sha1, sha256 }) = &self.thumbprints else {
            return Err("is of a certificate, but `--ssh-cert` names a bare key".into());
        };
        let found = match asked.len() {
            40 => sha1,
            64 => sha256,
            length => return Err(format!("has {length} hexadecimal digits; SHA-1 has 40 and SHA-256 64")),
        };
        if *found == asked { Ok(()) } else { Err(format!("is not the certificate's, which is {found}")) }
    }
}

/// What OpenSSL says, without its files and numbers.
fn unreadable(error: ErrorStack) -> InvalidSshKey {
    let reason = error.errors().iter().find_map(openssl::error::Error::reason).unwrap_or("it cannot be read");
    InvalidSshKey::Certificate(reason.to_owned())
}

/// The key as OpenSSH writes it (RFC 4253 §6.6, RFC 8709 §4).
pub(super) fn open_ssh(key: &PKey<Public>) -> Result<SshPublicKey, InvalidSshKey> {
    let (kind, fields) = match key.id() {
        Id::RSA => {
            let rsa = key.rsa().map_err(unreadable)?;
            ("ssh-rsa", vec![positive(rsa.e().to_vec()), positive(rsa.n().to_vec())])
        }
        Id::ED25519 => ("ssh-ed25519", vec![key.raw_public_key().map_err(unreadable)?]),
        Id::EC => return Err(InvalidSshKey::Type(curve(key).into())),
        Id::DSA => return Err(InvalidSshKey::Type("ssh-dss".into())),
        other => {
            let name = Nid::from_raw(other.as_raw()).short_name().unwrap_or("unknown");
            return Err(InvalidSshKey::Type(name.to_owned()));
        }
    };
    let mut packed = Vec::new();
    for field in std::iter::once(kind.as_bytes().to_vec()).chain(fields) {
        packed.extend(u32::try_from(field.len()).unwrap_or_default().to_be_bytes());
        packed.extend(field);
    }
    format!("{kind} {}", STANDARD.encode(packed)).parse()
}

/// What OpenSSH calls keys on an elliptic curve (RFC 5656 §6.2).
fn curve(key: &PKey<Public>) -> &'static str {
    match key.ec_key().ok().and_then(|key| key.group().curve_name()) {
        Some(Nid::X9_62_PRIME256V1) => "ecdsa-sha2-nistp256",
        Some(Nid::SECP384R1) => "ecdsa-sha2-nistp384",
        Some(Nid::SECP521R1) => "ecdsa-sha2-nistp521",
        _ => "ecdsa",
    }
}

/// A number with its first bit clear, so that it is not read as a negative one.
fn positive(mut bytes: Vec<u8>) -> Vec<u8> {
    if bytes.first().is_some_and(|first| first & 0x80 != 0) {
        bytes.insert(0, 0);
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pki::SignInCertificate;

    #[test]
    fn keys_are_taken_out_of_certificates() {
        let made = SignInCertificate::generate("test", 10).unwrap();
        let read = SshCertificate::read(made.certificate.as_bytes()).unwrap();
        assert!(read.key.as_str().starts_with("ssh-rsa AAAA"), "{:?}", read.key);
        let der = X509::from_pem(made.certificate.as_bytes()).unwrap().to_der().unwrap();
        assert_eq!(SshCertificate::read(&der).unwrap(), read);

        let Thumbprints { sha1, sha256 } = read.thumbprints.clone().unwrap();
        let colons: Vec<String> =
            sha256.to_lowercase().as_bytes().chunks(2).map(|pair| String::from_utf8_lossy(pair).into_owned()).collect();
        for good in [sha1.clone(), sha1.to_lowercase(), sha256.clone(), colons.join(":")] {
            assert_eq!(read.check(&good), Ok(()), "{good}");
        }
        let wrong = if sha1.starts_with('0') { sha1.replacen('0', "1", 1) } else { format!("0{}", &sha1[1..]) };
        for (bad, part) in [(wrong.as_str(), "is not the certificate's"), ("AB", "has 2 hexadecimal digits")] {
            assert!(read.check(bad).unwrap_err().contains(part), "{bad}");
        }
        let bare = SshCertificate { thumbprints: None, ..read };
        assert!(bare.check(&sha1).unwrap_err().contains("a bare key"));
    }

    #[test]
    fn what_is_no_key_is_refused() {
        for (bytes, part) in [
            (b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n".as_slice(), "not an X.509 certificate"),
            (b"\x30\x82\xff".as_slice(), "not an X.509 certificate"),
            (b"hello".as_slice(), "not a public key"),
        ] {
            let error = SshCertificate::read(bytes).unwrap_err().to_string();
            assert!(error.contains(part), "{error}");
        }
    }
}
