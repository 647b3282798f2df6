//! The certificate by which a service principal signs in to Azure.
//! <https://learn.microsoft.com/entra/identity-platform/certificate-credentials>

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use diagnostics::file_text;
use openssl::error::ErrorStack;
use openssl::pkcs12::Pkcs12;
use openssl::pkey::{PKey, Private};
use openssl::rsa::Rsa;
use openssl::x509::X509;

use super::certificate::self_signed;
use crate::spec::pkcs12::{is_pkcs12, legacy_cipher};

/// Entra takes RSA keys only.
const RSA_BITS: u32 = 2048;
/// What OpenSSL says of a PKCS #12 file when the password is another one.
const WRONG_PASSWORD: &str = "mac verify failure";

/// A self-signed certificate with its key.
#[derive(Clone)]
pub struct SignInCertificate {
    /// PEM.
    pub certificate: String,
    /// PEM, PKCS #8, unencrypted.
    pub key: String,
}

impl SignInCertificate {
    /// A new one for `name` that is valid for `days` from now.
    pub fn generate(name: &str, days: u32) -> anyhow::Result<Self> {
        let key = PKey::from_rsa(Rsa::generate(RSA_BITS)?)?;
        Ok(Self {
            certificate: self_signed(name, &key, days)?,
            key: String::from_utf8(key.private_key_to_pem_pkcs8()?)?,
        })
    }

    /// Both in one PKCS #12 file (PFX) without a password.
    pub fn pkcs12(&self) -> anyhow::Result<Vec<u8>> {
        Ok(pkcs12(format!("{}{}", self.key, self.certificate).as_bytes())?)
    }
}

/// Why a file cannot be signed in with.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidSignInCertificate {
    #[error("it is neither PEM nor PKCS #12 (PFX)")]
    Unknown,
    /// Nobody is asked for it: most runs have nobody who could answer.
    #[error("its key is locked by a passphrase, which is asked of nobody; take it away")]
    LockedKey,
    /// The cipher is named when OpenSSL 3 needs to be told to read it.
    #[error("the PKCS #12 file has a password, which is asked of nobody; take it away")]
    Password { legacy_cipher: Option<&'static str> },
    #[error(
        "the PKCS #12 file is encrypted by {0}, as Windows did for years, which OpenSSL 3 does not read; convert it"
    )]
    LegacyCipher(&'static str),
    #[error("it holds no private key")]
    NoKey,
    #[error("it holds no certificate")]
    NoCertificate,
    #[error("its key is not RSA, and Entra takes no other")]
    NotRsa,
    #[error("its key is not the certificate's")]
    AnotherKey,
    #[error("its {part} cannot be read: {reason}")]
    Damaged { part: &'static str, reason: String },
}

impl InvalidSignInCertificate {
    /// The command that makes what can be signed in with out of `file`, else one that makes a new certificate.
    pub fn remedy(&self, file: &str) -> String {
        let file = shlex::try_quote(file).map_or_else(|_| "FILE".into(), std::borrow::Cow::into_owned);
        let from_pkcs12 = |is_legacy: bool| {
            let legacy = if is_legacy { "-legacy " } else { "" };
            format!("openssl pkcs12 {legacy}-in {file} -nodes -out plain.pem, then --azure-cert plain.pem")
        };
        match self {
            Self::LockedKey => format!(
                "openssl pkey -in {file} -out plain.pem && openssl x509 -in {file} >> plain.pem, \
                 then --azure-cert plain.pem"
            ),
            Self::Password { legacy_cipher } => from_pkcs12(legacy_cipher.is_some()),
            Self::LegacyCipher(_) => from_pkcs12(true),
            _ => "azure-coreos-cluster mgmt-cert makes one".into(),
        }
    }
}

/// PKCS #12 without a password out of a file with a certificate and its RSA key: PEM, or PKCS #12 already, also in base64
/// as Azure's Key Vault gives it. OpenSSL asks nobody for anything.
pub fn pkcs12(bytes: &[u8]) -> Result<Vec<u8>, InvalidSignInCertificate> {
    let Some(text) = file_text::decode(bytes) else { return from_der(bytes) };
    if text.contains("-----BEGIN") {
        return from_pem(&text);
    }
    let plain: String = text.split_whitespace().collect();
    match STANDARD.decode(plain) {
        Ok(der) if is_pkcs12(&der) => from_der(&der),
        _ => from_der(bytes),
    }
}

fn from_pem(text: &str) -> Result<Vec<u8>, InvalidSignInCertificate> {
    if !text.contains("PRIVATE KEY-----") {
        return Err(InvalidSignInCertificate::NoKey);
    }
    if text.contains("-----BEGIN ENCRYPTED PRIVATE KEY-----") || text.contains("Proc-Type: 4,ENCRYPTED") {
        return Err(InvalidSignInCertificate::LockedKey);
    }
    if !text.contains("CERTIFICATE-----") {
        return Err(InvalidSignInCertificate::NoCertificate);
    }
    // With a passphrase at hand OpenSSL never asks for one on the terminal.
    let key = PKey::private_key_from_pem_passphrase(text.as_bytes(), b"");
    let key = key.map_err(|error| damaged("private key", &error))?;
    let certificate = X509::from_pem(text.as_bytes()).map_err(|error| damaged("certificate", &error))?;
    check(&key, &certificate)?;
    let mut builder = Pkcs12::builder();
    builder.name("azure-coreos-cluster").pkey(&key).cert(&certificate);
    let packed = builder.build2("").and_then(|packed| packed.to_der());
    packed.map_err(|error| damaged("content", &error))
}

fn from_der(bytes: &[u8]) -> Result<Vec<u8>, InvalidSignInCertificate> {
    let Ok(read) = Pkcs12::from_der(bytes) else {
        return Err(match X509::from_der(bytes) {
            Ok(_) => InvalidSignInCertificate::NoKey,
            Err(_) => InvalidSignInCertificate::Unknown,
        });
    };
    let legacy_cipher = legacy_cipher(bytes);
    let parsed = read.parse2("").map_err(|error| {
        let has_password = error.errors().iter().any(|one| one.reason() == Some(WRONG_PASSWORD));
        match legacy_cipher {
            _ if has_password => InvalidSignInCertificate::Password { legacy_cipher },
            Some(cipher) => InvalidSignInCertificate::LegacyCipher(cipher),
            None => damaged("PKCS #12", &error),
        }
    })?;
    let key = parsed.pkey.ok_or(InvalidSignInCertificate::NoKey)?;
    check(&key, &parsed.cert.ok_or(InvalidSignInCertificate::NoCertificate)?)?;
    Ok(bytes.to_vec())
}

fn check(key: &PKey<Private>, certificate: &X509) -> Result<(), InvalidSignInCertificate> {
    if key.rsa().is_err() {
        return Err(InvalidSignInCertificate::NotRsa);
    }
    let public = certificate.public_key().map_err(|error| damaged("certificate", &error))?;
    if public.public_eq(key) { Ok(()) } else { Err(InvalidSignInCertificate::AnotherKey) }
}

/// What OpenSSL says, without its files and numbers.
fn damaged(part: &'static str, error: &ErrorStack) -> InvalidSignInCertificate {
    let reason = error.errors().iter().find_map(openssl::error::Error::reason).unwrap_or("it is damaged");
    InvalidSignInCertificate::Damaged { part, reason: reason.to_owned() }
}

#[cfg(test)]
mod tests {
    use openssl::ec::{EcGroup, EcKey};
    use openssl::nid::Nid;
    use openssl::symm::Cipher;

    use super::*;

    fn is_readable(packed: &[u8]) -> bool {
        Pkcs12::from_der(packed).unwrap().parse2("").unwrap().pkey.is_some()
    }

    #[test]
    fn files_of_every_kind_become_one() {
        let made = SignInCertificate::generate("test", 1).unwrap();
        let packed = made.pkcs12().unwrap();
        assert!(is_readable(&packed));
        assert_eq!(pkcs12(&packed).unwrap(), packed);
        let pem = made.certificate.clone() + &made.key;
        let utf_16: Vec<u8> = format!("\u{feff}{pem}").encode_utf16().flat_map(u16::to_le_bytes).collect();
        let of_key_vault = STANDARD.encode(&packed);
        for file in [format!("\u{feff}{pem}").into_bytes(), pem.replace('\n', "\r\n").into_bytes(), utf_16] {
            assert!(is_readable(&pkcs12(&file).unwrap()));
        }
        assert_eq!(pkcs12(of_key_vault.as_bytes()).unwrap(), packed);
    }

    #[test]
    fn what_cannot_be_signed_in_with_is_named() {
        let made = SignInCertificate::generate("test", 1).unwrap();
        let other = SignInCertificate::generate("other", 1).unwrap();
        let key = PKey::private_key_from_pem(made.key.as_bytes()).unwrap();
        let locked = |pem: Vec<u8>| (made.certificate.clone() + &String::from_utf8(pem).unwrap()).into_bytes();
        let pkcs8 = key.private_key_to_pem_pkcs8_passphrase(Cipher::aes_256_cbc(), b"x").unwrap();
        let pkcs1 = key.rsa().unwrap().private_key_to_pem_passphrase(Cipher::aes_256_cbc(), b"x").unwrap();
        let certificate = X509::from_pem(made.certificate.as_bytes()).unwrap();
        let with_password = Pkcs12::builder().pkey(&key).cert(&certificate).build2("x").unwrap().to_der().unwrap();
        let group = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1).unwrap();
        let elliptic = PKey::from_ec_key(EcKey::generate(&group).unwrap()).unwrap();
        let elliptic_pem = String::from_utf8(elliptic.private_key_to_pem_pkcs8().unwrap()).unwrap()
            + &self_signed("test", &elliptic, 1).unwrap();
        let mut alone = Pkcs12::builder();
        let alone = alone.cert(&certificate).build2("").unwrap().to_der().unwrap();
        for (file, expected, remedy) in [
            (made.certificate.clone().into_bytes(), "it holds no private key", "mgmt-cert"),
            (certificate.to_der().unwrap(), "it holds no private key", "mgmt-cert"),
            (alone, "it holds no private key", "mgmt-cert"),
            (made.key.clone().into_bytes(), "it holds no certificate", "mgmt-cert"),
            ((other.key + &made.certificate).into_bytes(), "its key is not the certificate's", "mgmt-cert"),
            (b"hello".to_vec(), "neither PEM nor PKCS #12", "mgmt-cert"),
            (Vec::new(), "neither PEM nor PKCS #12", "mgmt-cert"),
            (elliptic_pem.into_bytes(), "its key is not RSA", "mgmt-cert"),
            (locked(pkcs8), "locked by a passphrase", "openssl pkey -in 'a b' -out plain.pem"),
            (locked(pkcs1), "locked by a passphrase", "openssl pkey -in 'a b' -out plain.pem"),
            (with_password, "has a password", "openssl pkcs12 -in 'a b' -nodes -out plain.pem"),
            (
                b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n-----BEGIN CERTIFICATE-----\n".to_vec(),
                "its private key cannot be read: ",
                "mgmt-cert",
            ),
        ] {
            let error = pkcs12(&file).unwrap_err();
            let told = error.to_string();
            assert!(told.contains(expected) && !told.contains("error:"), "{expected}: {told}");
            assert!(error.remedy("a b").contains(remedy), "{}", error.remedy("a b"));
        }
    }
}
