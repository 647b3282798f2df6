//! A certificate authority of the tests' own, and the certificates that it signs.

use openssl::asn1::{Asn1Integer, Asn1Time};
use openssl::bn::{BigNum, MsbOption};
use openssl::ec::{EcGroup, EcKey};
use openssl::hash::MessageDigest;
use openssl::nid::Nid;
use openssl::pkey::{PKey, Private};
use openssl::x509::extension::{BasicConstraints, KeyUsage, SubjectAlternativeName};
use openssl::x509::{X509, X509Builder, X509Name, X509NameBuilder};

/// An authority that nobody else trusts.
pub(crate) struct Authority {
    pub certificate: X509,
    key: PKey<Private>,
}

/// PEM.
pub(crate) struct Pair {
    pub chain: String,
    pub key: String,
}

impl Authority {
    pub(crate) fn new() -> Self {
        let (key, name) = (new_key(), name("An authority of the tests"));
        let mut builder = builder(&key, &name, &name, 90);
        builder.append_extension(BasicConstraints::new().critical().ca().build().unwrap()).unwrap();
        builder.append_extension(KeyUsage::new().critical().key_cert_sign().build().unwrap()).unwrap();
        builder.sign(&key, MessageDigest::sha256()).unwrap();
        Self { certificate: builder.build(), key }
    }

    /// A certificate for hosts, with the authority's own after it.
    pub(crate) fn issue(&self, hosts: &[&str]) -> Pair {
        let key = new_key();
        let mut builder = builder(&key, &name(hosts[0]), self.certificate.subject_name(), 30);
        let mut names = SubjectAlternativeName::new();
        for host in hosts {
            names.dns(host);
        }
        let names = names.build(&builder.x509v3_context(Some(&self.certificate), None)).unwrap();
        builder.append_extension(names).unwrap();
        builder.sign(&self.key, MessageDigest::sha256()).unwrap();
        let chain = [builder.build().to_pem().unwrap(), self.certificate.to_pem().unwrap()].concat();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        Pair { chain: text(chain), key: text(key.private_key_to_pem_pkcs8().unwrap()) }
    }
}

fn new_key() -> PKey<Private> {
    let group = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1).unwrap();
    PKey::from_ec_key(EcKey::generate(&group).unwrap()).unwrap()
}

fn name(text: &str) -> X509Name {
    let mut name = X509NameBuilder::new().unwrap();
    name.append_entry_by_nid(Nid::COMMONNAME, text).unwrap();
    name.build()
}

fn builder(key: &PKey<Private>, subject: &X509Name, issuer: &openssl::x509::X509NameRef, days: u32) -> X509Builder {
    let mut builder = X509::builder().unwrap();
    let mut serial = BigNum::new().unwrap();
    serial.rand(120, MsbOption::MAYBE_ZERO, false).unwrap();
    builder.set_version(2).unwrap();
    builder.set_serial_number(&Asn1Integer::from_bn(&serial).unwrap()).unwrap();
    builder.set_subject_name(subject).unwrap();
    builder.set_issuer_name(issuer).unwrap();
    builder.set_pubkey(key).unwrap();
    builder.set_not_before(&Asn1Time::days_from_now(0).unwrap()).unwrap();
    builder.set_not_after(&Asn1Time::days_from_now(days).unwrap()).unwrap();
    builder
}
