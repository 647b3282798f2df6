//! What all X.509 certificates have in common.

use openssl::asn1::Asn1Time;
use openssl::bn::{BigNum, MsbOption};
use openssl::hash::MessageDigest;
use openssl::pkey::{Id, PKey, Private};
use openssl::x509::{X509, X509Builder, X509Name, X509NameBuilder, X509NameRef};

/// Certificates begin this long ago, so that a machine whose clock is a little late accepts them.
const BACKDATE_SECONDS: i64 = 3600;
/// RFC 5280 §4.1.2.2 allows 20 octets; the top bit stays clear so that the number is positive.
const SERIAL_BITS: i32 = 159;

/// A name with a common name only.
pub(super) fn subject(common_name: &str) -> anyhow::Result<X509Name> {
    let mut name = X509NameBuilder::new()?;
    // The upper bound of a common name, RFC 5280 appendix A.
    let common_name: String = common_name.chars().take(64).collect();
    name.append_entry_by_text("CN", &common_name)?;
    Ok(name.build())
}

/// A certificate for `key`, valid for `days` from now, with everything but extensions and signature.
pub(super) fn new_builder(
    subject: &X509NameRef,
    issuer: &X509NameRef,
    key: &PKey<Private>,
    days: u32,
) -> anyhow::Result<X509Builder> {
    let mut serial = BigNum::new()?;
    serial.rand(SERIAL_BITS, MsbOption::MAYBE_ZERO, false)?;
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH)?.as_secs() as i64;
    let mut builder = X509::builder()?;
    builder.set_version(2)?;
    builder.set_serial_number(&*serial.to_asn1_integer()?)?;
    builder.set_subject_name(subject)?;
    builder.set_issuer_name(issuer)?;
    builder.set_pubkey(key)?;
    builder.set_not_before(&*Asn1Time::from_unix(now - BACKDATE_SECONDS)?)?;
    builder.set_not_after(&*Asn1Time::from_unix(now + i64::from(days) * 24 * 3600)?)?;
    Ok(builder)
}

/// A certificate that is signed by its own key, in PEM.
pub(super) fn self_signed(common_name: &str, key: &PKey<Private>, days: u32) -> anyhow::Result<String> {
    let name = subject(common_name)?;
    let mut builder = new_builder(&name, &name, key, days)?;
    // Ed25519 hashes for itself (RFC 8410).
    let digest = if key.id() == Id::ED25519 { MessageDigest::null() } else { MessageDigest::sha256() };
    builder.sign(key, digest)?;
    Ok(String::from_utf8(builder.build().to_pem()?)?)
}
