//! A chain and a key as PEM to a certificate that routers take. Pure; `certificates` and `acme` call it.
//!
//! Caddy refuses a whole configuration for one pair that does not fit, and stops asking for others. So what it would refuse is
//! found here: what is read becomes new PEM, and nothing else of the text goes to routers.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use routing::{CertifiedName, Domain, LONGEST_CHAIN};
use rustls::crypto::aws_lc_rs::sign::any_supported_type;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::FromDer as _;
use x509_parser::x509::X509Version;

/// RFC 7468 §2.
const PEM_LINE: usize = 64;

/// A certificate with its key, which fit.
#[derive(Clone, PartialEq, Eq)]
pub struct Certificate {
    /// Hosts that it is for; not empty.
    pub names: Vec<CertifiedName>,
    /// Seconds since 1970.
    pub starts_at: i64,
    /// Seconds since 1970.
    pub ends_at: i64,
    /// PEM.
    pub chain: String,
    /// PEM. A secret.
    pub key: String,
}

/// Why a pair is not given to routers. Never holds any of the key.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidCertificate {
    #[error("the certificate is not PEM: {0}")]
    Chain(String),
    #[error("the chain has {0} certificates; 1 to {LONGEST_CHAIN} are taken")]
    Length(usize),
    #[error("the certificate cannot be read: {0}")]
    Certificate(String),
    #[error("the certificate names no host")]
    NoName,
    #[error("the key cannot be read: {0}")]
    Key(&'static str),
    #[error("the key is not that of the chain's first certificate")]
    Mismatch,
}

impl Certificate {
    /// Reads a pair.
    pub fn read(chain: &str, key: &str) -> Result<Self, InvalidCertificate> {
        let ders: Vec<CertificateDer<'static>> = certificates(chain)?;
        let first = ders.first().ok_or(InvalidCertificate::Length(0))?;
        for der in &ders[1..] {
            parsed(der)?;
        }
        let leaf = parsed(first)?;
        let names = names(&leaf)?;
        let key = PrivateKeyDer::from_pem_slice(key.as_bytes())
            .map_err(|_| InvalidCertificate::Key("it is no PEM of a private key that is not encrypted"))?;
        // What rustls signs with, Go signs with too: RSA from 2048 bits, the curves P-256, P-384 and P-521, Ed25519.
        let signing = any_supported_type(&key).map_err(|_| InvalidCertificate::Key("its kind is not known"))?;
        let pair = CertifiedKey::new(ders.clone(), signing);
        pair.keys_match().map_err(|_| InvalidCertificate::Mismatch)?;
        let (label, der) = match &key {
            PrivateKeyDer::Pkcs1(der) => ("RSA PRIVATE KEY", der.secret_pkcs1_der()),
            PrivateKeyDer::Sec1(der) => ("EC PRIVATE KEY", der.secret_sec1_der()),
            PrivateKeyDer::Pkcs8(der) => ("PRIVATE KEY", der.secret_pkcs8_der()),
            _ => return Err(InvalidCertificate::Key("its kind is not known")),
        };
        Ok(Self {
            names,
            starts_at: leaf.validity().not_before.timestamp(),
            ends_at: leaf.validity().not_after.timestamp(),
            chain: ders.iter().map(|der| pem("CERTIFICATE", der)).collect(),
            key: pem(label, der),
        })
    }

    /// Whether clients that ask for the domain take it at this time.
    pub fn serves(&self, domain: &Domain, now: i64) -> bool {
        self.is_valid_at(now) && self.names.iter().any(|name| name.covers(domain))
    }

    /// Whether its time has come and has not passed.
    pub fn is_valid_at(&self, now: i64) -> bool {
        (self.starts_at..=self.ends_at).contains(&now)
    }

    /// When it is to be renewed: two thirds into its life.
    pub fn renew_at(&self) -> i64 {
        self.starts_at + (self.ends_at - self.starts_at) / 3 * 2
    }
}

impl std::fmt::Debug for Certificate {
    /// The key is a secret.
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Certificate").field("names", &self.names).finish_non_exhaustive()
    }
}

/// The hosts of a chain whose key is elsewhere.
pub fn names_of_chain(chain: &str) -> Result<Vec<CertifiedName>, InvalidCertificate> {
    let ders = certificates(chain)?;
    names(&parsed(ders.first().ok_or(InvalidCertificate::Length(0))?)?)
}

fn certificates(chain: &str) -> Result<Vec<CertificateDer<'static>>, InvalidCertificate> {
    let ders: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(chain.as_bytes()).collect();
    let ders = ders.map_err(|error| InvalidCertificate::Chain(error.to_string()))?;
    match ders.len() {
        1..=LONGEST_CHAIN => Ok(ders),
        other => Err(InvalidCertificate::Length(other)),
    }
}

/// Go is stricter than the parser: <https://pkg.go.dev/crypto/x509#ParseCertificate>.
fn parsed<'a>(der: &'a CertificateDer<'_>) -> Result<X509Certificate<'a>, InvalidCertificate> {
    let wrong = |why: &str| Err(InvalidCertificate::Certificate(why.to_owned()));
    let (rest, certificate) =
        X509Certificate::from_der(der).map_err(|error| InvalidCertificate::Certificate(error.to_string()))?;
    if !rest.is_empty() {
        return wrong("bytes follow it");
    }
    if certificate.version() != X509Version::V3 {
        return wrong("it is not of version 3");
    }
    if certificate.raw_serial().first().is_none_or(|byte| byte & 0x80 != 0) {
        return wrong("its serial number is negative");
    }
    if certificate.extensions_map().is_err() {
        return wrong("it has an extension twice");
    }
    Ok(certificate)
}

fn names(certificate: &X509Certificate<'_>) -> Result<Vec<CertifiedName>, InvalidCertificate> {
    let alternative = certificate
        .subject_alternative_name()
        .map_err(|error| InvalidCertificate::Certificate(error.to_string()))?
        .ok_or(InvalidCertificate::NoName)?;
    let mut names = Vec::new();
    for name in &alternative.value.general_names {
        match name {
            GeneralName::DNSName(text) => match text.parse::<CertifiedName>() {
                Ok(name) if !names.contains(&name) => names.push(name),
                Ok(_) => {}
                Err(error) => return Err(InvalidCertificate::Certificate(error.to_string())),
            },
            GeneralName::IPAddress(bytes) if matches!(bytes.len(), 4 | 16) => {}
            GeneralName::IPAddress(_) => {
                return Err(InvalidCertificate::Certificate("it names a broken address".into()));
            }
            _ => return Err(InvalidCertificate::Certificate("it names something else than hosts".into())),
        }
    }
    if names.is_empty() { Err(InvalidCertificate::NoName) } else { Ok(names) }
}

fn pem(label: &str, der: &[u8]) -> String {
    let text = STANDARD.encode(der);
    let lines: Vec<&str> = text.as_bytes().chunks(PEM_LINE).filter_map(|line| std::str::from_utf8(line).ok()).collect();
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", lines.join("\n"))
}
