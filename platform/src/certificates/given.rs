//! A chain and a key that a user names to what routers take, or everything that is wrong with them. Pure.
//!
//! What is read becomes new PEM; nothing else that stood in the files is kept.

use openssl::asn1::Asn1Time;
use openssl::error::ErrorStack;
use openssl::hash::MessageDigest;
use openssl::nid::Nid;
use openssl::pkey::{HasPublic, Id, PKey, Private};
use openssl::stack::StackRef;
use openssl::x509::{GeneralName, X509, X509VerifyResult};
use routing::{CertifiedName, LONGEST_CHAIN, StoredCertificate};

/// Smaller ones are broken, and larger ones are not taken by those who check them.
const RSA_BITS: std::ops::RangeInclusive<u32> = 2048..=8192;
const CLOCK_SECONDS: i64 = 3600;
const CURVES: [Nid; 3] = [Nid::X9_62_PRIME256V1, Nid::SECP384R1, Nid::SECP521R1];

/// A certificate with its key, which routers take.
#[derive(Clone, Debug)]
pub(crate) struct GivenCertificate {
    pub names: Vec<CertifiedName>,
    /// Seconds since 1970.
    pub starts_at: i64,
    /// Seconds since 1970.
    pub ends_at: i64,
    pub stored: StoredCertificate,
    /// Of the public key, as [`public_key_of_chain`] gives it.
    pub public_key: String,
}

/// Why a pair is not taken. Never holds any of the key.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum InvalidGivenCertificate {
    #[error("the certificate is no PEM: {0}")]
    NoPem(&'static str),
    #[error("the certificate cannot be read: {0}")]
    Certificate(String),
    #[error("the chain has {0} certificates; 1 to {LONGEST_CHAIN} are taken")]
    Length(usize),
    #[error(
        "certificate {above} of the file did not sign certificate {below}; the server's own stands first, then the one that signed it, and so on"
    )]
    Order { below: usize, above: usize },
    #[error("the certificate names no host: clients ask for a subject alternative name of DNS")]
    NoName,
    #[error("the certificate names {0}")]
    Name(String),
    #[error("the certificate ended on {0}")]
    Ended(String),
    #[error("the certificate begins on {0} only")]
    NotYet(String),
    #[error("the key is encrypted")]
    EncryptedKey,
    #[error("the key cannot be read: {0}")]
    Key(&'static str),
    #[error("the key is {0}; routers take RSA of 2048 to 8192 bits, the curves P-256, P-384 and P-521, and Ed25519")]
    KeyKind(String),
    #[error("the key is not that of the certificate")]
    Mismatch,
    #[error("the key is that of certificate {0} of the file; the server's own stands first")]
    NotFirst(usize),
}

impl InvalidGivenCertificate {
    /// Whether the key's file is wrong, not the certificate's.
    pub(crate) fn is_of_the_key(&self) -> bool {
        matches!(self, Self::EncryptedKey | Self::Key(_) | Self::KeyKind(_) | Self::Mismatch)
    }

    /// What helps.
    pub(crate) fn hint(&self) -> Option<&'static str> {
        match self {
            Self::NoPem(_) => Some(
                "openssl x509 -inform der -in FILE -out FILE.pem; of a .pfx: openssl pkcs12 -in FILE -nodes -out FILE.pem",
            ),
            Self::EncryptedKey => Some("openssl pkey -in FILE -out FILE.plain asks for its passphrase"),
            Self::Key(_) => Some("openssl pkey -in FILE -noout says more; -inform der reads one that is not PEM"),
            _ => None,
        }
    }
}

impl GivenCertificate {
    /// Reads a pair; what has ended is taken.
    pub(crate) fn read(chain: &str, key: &str) -> Result<Self, InvalidGivenCertificate> {
        let certificates = certificates(chain)?;
        let key = private_key(key)?;
        let fits = |certificate: &X509| certificate.public_key().is_ok_and(|public| public.public_eq(&key));
        match certificates.iter().position(fits) {
            Some(0) => {}
            Some(other) => return Err(InvalidGivenCertificate::NotFirst(other + 1)),
            None => return Err(InvalidGivenCertificate::Mismatch),
        }
        for (below, pair) in (1..).zip(certificates.windows(2)) {
            if pair[1].issued(&pair[0]) != X509VerifyResult::OK {
                return Err(InvalidGivenCertificate::Order { below, above: below + 1 });
            }
        }
        let leaf = &certificates[0];
        let mut chain = String::new();
        for certificate in &certificates {
            chain += &String::from_utf8_lossy(&certificate.to_pem().map_err(unread)?);
        }
        let public_key = fingerprint(&key).map_err(unread)?;
        let unread_key = |_| InvalidGivenCertificate::Key("it cannot be written as PKCS #8");
        let key = String::from_utf8_lossy(&key.private_key_to_pem_pkcs8().map_err(unread_key)?).into_owned();
        Ok(Self {
            names: names(leaf.subject_alt_names().as_deref())?,
            starts_at: seconds(leaf.not_before()).map_err(unread)?,
            ends_at: seconds(leaf.not_after()).map_err(unread)?,
            stored: StoredCertificate { chain, key },
            public_key,
        })
    }

    /// The same, and its time has come and has not ended. `now` is seconds since 1970.
    pub(crate) fn read_current(chain: &str, key: &str, now: i64) -> Result<Self, InvalidGivenCertificate> {
        let read = Self::read(chain, key)?;
        match now {
            now if now > read.ends_at => Err(InvalidGivenCertificate::Ended(date(read.ends_at))),
            // Clocks differ by a little, and some certificates begin with the moment that they are made.
            now if now + CLOCK_SECONDS < read.starts_at => Err(InvalidGivenCertificate::NotYet(date(read.starts_at))),
            _ => Ok(read),
        }
    }
}

/// What tells the public key of a chain's first certificate from others: SHA-256 of its DER (`SubjectPublicKeyInfo`,
/// RFC 5280 §4.1), 64 hexadecimal digits.
pub(crate) fn public_key_of_chain(chain: &str) -> Result<String, InvalidGivenCertificate> {
    let public = certificates(chain)?[0].public_key().map_err(unread)?;
    fingerprint(&public).map_err(unread)
}

/// The same of a private key.
pub(crate) fn public_key_of_key(key: &str) -> Result<String, InvalidGivenCertificate> {
    fingerprint(&private_key(key)?).map_err(|_| InvalidGivenCertificate::Key("it has no public half"))
}

fn fingerprint<T: HasPublic>(key: &PKey<T>) -> Result<String, ErrorStack> {
    let digest = openssl::hash::hash(MessageDigest::sha256(), &key.public_key_to_der()?)?;
    Ok(digest.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// The certificates of a PEM file: at least one.
fn certificates(chain: &str) -> Result<Vec<X509>, InvalidGivenCertificate> {
    if !chain.contains("-----BEGIN CERTIFICATE-----") && !chain.contains("-----BEGIN TRUSTED CERTIFICATE-----") {
        return Err(InvalidGivenCertificate::NoPem("it has no `-----BEGIN CERTIFICATE-----`"));
    }
    let certificates = X509::stack_from_pem(chain.as_bytes()).map_err(unread)?;
    match certificates.len() {
        1..=LONGEST_CHAIN => Ok(certificates),
        other => Err(InvalidGivenCertificate::Length(other)),
    }
}

#[expect(clippy::needless_pass_by_value, reason = "what `map_err` takes")]
fn unread(error: ErrorStack) -> InvalidGivenCertificate {
    InvalidGivenCertificate::Certificate(reason(&error))
}

/// A day as people read it: `2026-11-26`.
pub(crate) fn date(seconds: i64) -> String {
    time::OffsetDateTime::from_unix_timestamp(seconds).map_or_else(|_| seconds.to_string(), |at| at.date().to_string())
}

fn private_key(text: &str) -> Result<PKey<Private>, InvalidGivenCertificate> {
    if text.contains("-----BEGIN ENCRYPTED PRIVATE KEY-----") || text.contains("Proc-Type: 4,ENCRYPTED") {
        return Err(InvalidGivenCertificate::EncryptedKey);
    }
    if text.contains("-----BEGIN OPENSSH PRIVATE KEY-----") {
        return Err(InvalidGivenCertificate::Key("it is a key of SSH"));
    }
    if !text.contains("PRIVATE KEY-----") {
        return Err(InvalidGivenCertificate::Key("it has no `-----BEGIN PRIVATE KEY-----`"));
    }
    // With a passphrase at hand OpenSSL never asks for one on the terminal. Its words may hold some of the key.
    let key = PKey::private_key_from_pem_passphrase(text.as_bytes(), b"")
        .map_err(|_| InvalidGivenCertificate::Key("its PEM is damaged"))?;
    let other = |kind: &str| Err(InvalidGivenCertificate::KeyKind(kind.to_owned()));
    match key.id() {
        Id::RSA if RSA_BITS.contains(&key.bits()) => Ok(key),
        Id::RSA => other(&format!("RSA of {} bits", key.bits())),
        Id::ED25519 => Ok(key),
        Id::EC => {
            let curve = key.ec_key().ok().and_then(|key| key.group().curve_name());
            match curve {
                Some(curve) if CURVES.contains(&curve) => Ok(key),
                Some(curve) => other(&format!("on the curve {}", curve.short_name().unwrap_or("without a name"))),
                None => other("on a curve without a name"),
            }
        }
        _ => other("of another kind"),
    }
}

fn names(alternative: Option<&StackRef<GeneralName>>) -> Result<Vec<CertifiedName>, InvalidGivenCertificate> {
    let mut names: Vec<CertifiedName> = Vec::new();
    for name in alternative.into_iter().flatten() {
        match (name.dnsname(), name.ipaddress()) {
            (Some(text), _) => match text.parse() {
                Ok(name) if !names.contains(&name) => names.push(name),
                Ok(_) => {}
                Err(error) => return Err(InvalidGivenCertificate::Name(format!("a host that cannot be: {error}"))),
            },
            (None, Some(_)) => {}
            (None, None) => {
                return Err(InvalidGivenCertificate::Name("something else than hosts and addresses".into()));
            }
        }
    }
    if names.is_empty() { Err(InvalidGivenCertificate::NoName) } else { Ok(names) }
}

fn seconds(time: &openssl::asn1::Asn1TimeRef) -> Result<i64, ErrorStack> {
    let since = Asn1Time::from_unix(0)?.diff(time)?;
    Ok(i64::from(since.days) * 86_400 + i64::from(since.secs))
}

fn reason(error: &ErrorStack) -> String {
    error.errors().first().and_then(openssl::error::Error::reason).unwrap_or("its content is damaged").to_owned()
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use openssl::asn1::Asn1Integer;
    use openssl::bn::BigNum;
    use openssl::ec::{EcGroup, EcKey};
    use openssl::rsa::Rsa;
    use openssl::symm::Cipher;
    use openssl::x509::X509NameBuilder;
    use openssl::x509::extension::SubjectAlternativeName;

    const NOW: i64 = 1_800_000_000;
    const DAY: i64 = 86_400;

    fn curve(nid: Nid) -> PKey<Private> {
        PKey::from_ec_key(EcKey::generate(&EcGroup::from_curve_name(nid).unwrap()).unwrap()).unwrap()
    }

    fn rsa(bits: u32) -> PKey<Private> {
        PKey::from_rsa(Rsa::generate(bits).unwrap()).unwrap()
    }

    /// A certificate of `key`, called `subject` and signed by the key of `issuer`.
    fn certificate(
        (subject, key): (&str, &PKey<Private>),
        (issuer, signs): (&str, &PKey<Private>),
        names: &[&str],
        days: std::ops::Range<i64>,
    ) -> String {
        let name = |text: &str| {
            let mut name = X509NameBuilder::new().unwrap();
            name.append_entry_by_nid(Nid::COMMONNAME, text).unwrap();
            name.build()
        };
        let mut builder = X509::builder().unwrap();
        builder.set_version(2).unwrap();
        builder.set_serial_number(&Asn1Integer::from_bn(&BigNum::from_u32(7).unwrap()).unwrap()).unwrap();
        builder.set_subject_name(&name(subject)).unwrap();
        builder.set_issuer_name(&name(issuer)).unwrap();
        builder.set_pubkey(key).unwrap();
        builder.set_not_before(&Asn1Time::from_unix(NOW + days.start * DAY).unwrap()).unwrap();
        builder.set_not_after(&Asn1Time::from_unix(NOW + days.end * DAY).unwrap()).unwrap();
        if !names.is_empty() {
            let mut alternative = SubjectAlternativeName::new();
            for name in names {
                match name.split_once(':') {
                    Some((_, address)) => alternative.ip(address),
                    None => alternative.dns(name),
                };
            }
            let alternative = alternative.build(&builder.x509v3_context(None, None)).unwrap();
            builder.append_extension(alternative).unwrap();
        }
        let digest = if signs.id() == Id::ED25519 { MessageDigest::null() } else { MessageDigest::sha256() };
        builder.sign(signs, digest).unwrap();
        String::from_utf8(builder.build().to_pem().unwrap()).unwrap()
    }

    /// A chain and its key, new, for `a.test`, for a long time around now.
    pub(crate) fn pair() -> (String, String) {
        let key = curve(Nid::X9_62_PRIME256V1);
        (certificate(("a", &key), ("a", &key), &["a.test"], -9000..9000), pkcs8(&key))
    }

    fn pkcs8(key: &PKey<Private>) -> String {
        String::from_utf8(key.private_key_to_pem_pkcs8().unwrap()).unwrap()
    }

    #[test]
    fn what_is_taken_and_what_is_refused() {
        let key = curve(Nid::X9_62_PRIME256V1);
        let own = ("shop", &key);
        let authority_key = curve(Nid::SECP384R1);
        let authority = ("authority", &authority_key);
        let good = certificate(own, authority, &["a.example.test", "*.example.test", "IP:192.0.2.1"], -1..90);
        let above = certificate(authority, authority, &[], -1..900);
        let sec1 = String::from_utf8(key.ec_key().unwrap().private_key_to_pem().unwrap()).unwrap();
        let locked = key.private_key_to_pem_pkcs8_passphrase(Cipher::aes_128_cbc(), b"secret").unwrap();
        let locked_rsa = rsa(2048);
        let locked_pkcs1 =
            locked_rsa.rsa().unwrap().private_key_to_pem_passphrase(Cipher::aes_128_cbc(), b"secret").unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        let of = |key: &PKey<Private>| (certificate(("x", key), ("x", key), &["x.test"], -1..90), pkcs8(key));
        let (ed25519, old, small) = (PKey::generate_ed25519().unwrap(), curve(Nid::SECP256K1), rsa(1024));
        let (ed25519, old, small, large) = (of(&ed25519), of(&old), of(&small), of(&rsa(2048)));
        let plain = pkcs8(&key);
        let broken = plain.replacen("MI", "!!", 1);
        for (chain, key, expected) in [
            (good.clone(), plain.clone(), None),
            (format!("Bag Attributes\n{good}{above}"), format!("text before\n{sec1}"), None),
            (ed25519.0, ed25519.1, None),
            (large.0, large.1, None),
            (old.0, old.1, Some("on the curve secp256k1")),
            (small.0, small.1, Some("RSA of 1024 bits")),
            (format!("{above}{good}"), plain.clone(), Some("that of certificate 2 of the file")),
            (format!("{good}{good}"), plain.clone(), Some("certificate 2 of the file did not sign certificate 1")),
            (good.repeat(11), plain.clone(), Some("the chain has 11 certificates")),
            (good.clone(), pkcs8(&authority_key), Some("the key is not that of the certificate")),
            (good.clone(), text(locked), Some("the key is encrypted")),
            (good.clone(), text(locked_pkcs1), Some("the key is encrypted")),
            (good.clone(), broken, Some("its PEM is damaged")),
            (good.clone(), good.clone(), Some("no `-----BEGIN PRIVATE KEY-----`")),
            (good.clone(), "-----BEGIN OPENSSH PRIVATE KEY-----".into(), Some("a key of SSH")),
            (plain.clone(), plain.clone(), Some("the certificate is no PEM")),
            (good.replacen("MI", "AA", 1), plain.clone(), Some("the certificate cannot be read")),
            (certificate(own, own, &[], -1..90), plain.clone(), Some("names no host")),
            (certificate(own, own, &["IP:192.0.2.1"], -1..90), plain.clone(), Some("names no host")),
            (certificate(own, own, &["a b"], -1..90), plain.clone(), Some("`a b` is no domain")),
            (certificate(own, own, &["a.test"], -9..-1), plain.clone(), Some("ended on 2027-01-14")),
            (certificate(own, own, &["a.test"], 1..9), plain.clone(), Some("begins on 2027-01-16 only")),
        ] {
            match (GivenCertificate::read_current(&chain, &key, NOW), expected) {
                (Ok(given), None) => {
                    assert!(given.stored.chain.starts_with("-----BEGIN CERTIFICATE-----\n"));
                    assert!(given.stored.key.starts_with("-----BEGIN PRIVATE KEY-----\n"));
                }
                (Err(error), Some(told)) => assert!(error.to_string().contains(told), "{error}, not {told}"),
                (Ok(given), Some(told)) => panic!("{given:?}, not {told}"),
                (Err(error), None) => panic!("{error}"),
            }
        }
        let names = GivenCertificate::read(&good, &plain).unwrap().names;
        let names: Vec<String> = names.iter().map(ToString::to_string).collect();
        assert_eq!(names, ["a.example.test", "*.example.test"]);
    }
}
