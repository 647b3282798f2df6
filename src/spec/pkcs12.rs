//! PKCS #12 files (PFX) as far as their form tells: what they are, and whether OpenSSL 3 reads their ciphers.

use openssl::pkcs12::Pkcs12;

/// Object identifiers, as DER has them, of the ciphers that OpenSSL 3 left to its legacy provider.
/// <https://docs.openssl.org/3.0/man7/OSSL_PROVIDER-legacy/>, RFC 7292 appendix C
const LEGACY_CIPHERS: [(&[u8], &str); 4] = [
    (b"\x06\x0a\x2a\x86\x48\x86\xf7\x0d\x01\x0c\x01\x06", "RC2-40"),
    (b"\x06\x0a\x2a\x86\x48\x86\xf7\x0d\x01\x0c\x01\x05", "RC2-128"),
    (b"\x06\x0a\x2a\x86\x48\x86\xf7\x0d\x01\x0c\x01\x01", "RC4-128"),
    (b"\x06\x0a\x2a\x86\x48\x86\xf7\x0d\x01\x0c\x01\x02", "RC4-40"),
];

/// Whether the bytes are a PKCS #12 file, with or without a password.
pub fn is_pkcs12(bytes: &[u8]) -> bool {
    Pkcs12::from_der(bytes).is_ok()
}

/// The cipher in a PKCS #12 file that OpenSSL 3 reads only with `-legacy`, as Windows wrote it for years.
pub fn legacy_cipher(bytes: &[u8]) -> Option<&'static str> {
    let has = |object: &[u8]| bytes.windows(object.len()).any(|window| window == object);
    LEGACY_CIPHERS.iter().find(|(object, _)| has(object)).map(|(_, name)| *name)
}
