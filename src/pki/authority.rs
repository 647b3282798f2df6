//! The cluster's own certificate authority; nothing outside the cluster trusts it.

use std::net::Ipv4Addr;

use anyhow::Context as _;
use openssl::ec::{EcGroup, EcKey};
use openssl::hash::MessageDigest;
use openssl::nid::Nid;
use openssl::pkey::{PKey, Private};
use openssl::x509::X509;
use openssl::x509::extension::{
    AuthorityKeyIdentifier, BasicConstraints, ExtendedKeyUsage, KeyUsage, SubjectAlternativeName, SubjectKeyIdentifier,
};
use serde::{Deserialize, Serialize};

use super::certificate::{new_builder, subject};

/// The authority and its certificates end together.
const VALIDITY_DAYS: u32 = 3650;

/// A certificate with its key, both PEM.
#[derive(Clone, Serialize, Deserialize)]
pub struct Certificate {
    pub certificate: String,
    pub key: String,
}

/// The authority's certificate with its key, both PEM.
#[derive(Clone, Serialize, Deserialize)]
pub struct Authority {
    pub certificate: String,
    pub key: String,
}

impl Certificate {
    /// An error when certificate and key are not a pair.
    pub fn check(&self) -> anyhow::Result<()> {
        check_pair(&self.certificate, &self.key)
    }
}

impl Authority {
    /// A new authority for the cluster.
    pub fn generate(cluster: &str) -> anyhow::Result<Self> {
        let key = new_key()?;
        let name = subject(&format!("{cluster} etcd authority"))?;
        let mut builder = new_builder(&name, &name, &key, VALIDITY_DAYS)?;
        builder.append_extension(BasicConstraints::new().critical().ca().pathlen(0).build()?)?;
        builder.append_extension(KeyUsage::new().critical().key_cert_sign().crl_sign().build()?)?;
        let identifier = SubjectKeyIdentifier::new().build(&builder.x509v3_context(None, None))?;
        builder.append_extension(identifier)?;
        builder.sign(&key, MessageDigest::sha256())?;
        let Certificate { certificate, key } = to_pem(&builder.build(), &key)?;
        Ok(Self { certificate, key })
    }

    /// A member's certificate: for servers and clients; names the node, its private address and 127.0.0.1.
    pub fn issue_member(&self, node: &str, address: Ipv4Addr) -> anyhow::Result<Certificate> {
        let mut names = SubjectAlternativeName::new();
        names.dns(node).dns("localhost").ip(&address.to_string()).ip("127.0.0.1");
        self.issue(node, Some(&names), ExtendedKeyUsage::new().server_auth().client_auth())
    }

    /// A certificate for clients only.
    pub fn issue_client(&self, node: &str) -> anyhow::Result<Certificate> {
        self.issue(&format!("{node} client"), None, ExtendedKeyUsage::new().client_auth())
    }

    /// An error when certificate and key are not a pair.
    pub fn check(&self) -> anyhow::Result<()> {
        check_pair(&self.certificate, &self.key)
    }

    /// Whether this authority signed the certificate; an error when one of the two cannot be read.
    pub fn has_signed(&self, certificate: &Certificate) -> anyhow::Result<bool> {
        let own = X509::from_pem(self.certificate.as_bytes()).context("reading the cluster's authority certificate")?;
        let other = X509::from_pem(certificate.certificate.as_bytes()).context("reading a certificate of the node")?;
        Ok(other.verify(&*own.public_key()?)?)
    }

    fn issue(
        &self,
        common_name: &str,
        names: Option<&SubjectAlternativeName>,
        usage: &ExtendedKeyUsage,
    ) -> anyhow::Result<Certificate> {
        let authority =
            X509::from_pem(self.certificate.as_bytes()).context("reading the cluster's authority certificate")?;
        let authority_key =
            PKey::private_key_from_pem(self.key.as_bytes()).context("reading the cluster's authority key")?;
        let key = new_key()?;
        let mut builder = new_builder(&*subject(common_name)?, authority.subject_name(), &key, VALIDITY_DAYS)?;
        builder.append_extension(BasicConstraints::new().critical().build()?)?;
        builder.append_extension(KeyUsage::new().critical().digital_signature().build()?)?;
        builder.append_extension(usage.build()?)?;
        let identifier =
            AuthorityKeyIdentifier::new().keyid(true).build(&builder.x509v3_context(Some(&authority), None))?;
        builder.append_extension(identifier)?;
        if let Some(names) = names {
            let extension = names.build(&builder.x509v3_context(Some(&authority), None))?;
            builder.append_extension(extension)?;
        }
        builder.sign(&authority_key, MessageDigest::sha256())?;
        to_pem(&builder.build(), &key)
    }
}

fn check_pair(certificate: &str, key: &str) -> anyhow::Result<()> {
    let certificate = X509::from_pem(certificate.as_bytes()).context("its certificate cannot be read")?;
    let key = PKey::private_key_from_pem(key.as_bytes()).context("its key cannot be read")?;
    anyhow::ensure!(key.public_eq(&*certificate.public_key()?), "its key is not the certificate's");
    Ok(())
}

fn new_key() -> anyhow::Result<PKey<Private>> {
    let group = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1)?;
    Ok(PKey::from_ec_key(EcKey::generate(&group)?)?)
}

fn to_pem(certificate: &X509, key: &PKey<Private>) -> anyhow::Result<Certificate> {
    Ok(Certificate {
        certificate: String::from_utf8(certificate.to_pem()?)?,
        key: String::from_utf8(key.private_key_to_pem_pkcs8()?)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use openssl::stack::Stack;
    use openssl::x509::X509StoreContext;
    use openssl::x509::store::X509StoreBuilder;

    #[test]
    fn members_are_signed_and_named() {
        let authority = Authority::generate("mycluster").unwrap();
        let member = authority.issue_member("mycluster-coreos-0", Ipv4Addr::new(10, 32, 0, 4)).unwrap();
        let certificate = X509::from_pem(member.certificate.as_bytes()).unwrap();

        let mut store = X509StoreBuilder::new().unwrap();
        store.add_cert(X509::from_pem(authority.certificate.as_bytes()).unwrap()).unwrap();
        let verified = X509StoreContext::new()
            .unwrap()
            .init(&store.build(), &certificate, &Stack::new().unwrap(), openssl::x509::X509StoreContextRef::verify_cert)
            .unwrap();
        assert!(verified);
        assert!(authority.has_signed(&member).unwrap());
        member.check().unwrap();
        let mixed = Certificate { key: authority.key.clone(), ..member.clone() };
        assert_eq!(mixed.check().unwrap_err().to_string(), "its key is not the certificate's");
        assert!(!Authority::generate("mycluster").unwrap().has_signed(&member).unwrap());

        let names: Vec<String> = certificate
            .subject_alt_names()
            .unwrap()
            .iter()
            .map(|name| match (name.dnsname(), name.ipaddress()) {
                (Some(dns), _) => dns.to_owned(),
                (None, Some(address)) => format!("{address:?}"),
                (None, None) => "other".to_owned(),
            })
            .collect();
        assert_eq!(names, ["mycluster-coreos-0", "localhost", "[10, 32, 0, 4]", "[127, 0, 0, 1]"]);
        let key = PKey::private_key_from_pem(member.key.as_bytes()).unwrap();
        assert!(key.public_eq(&certificate.public_key().unwrap()));
    }

    #[test]
    fn debug_shows_no_key() {
        let authority = Authority::generate("mycluster").unwrap();
        assert_eq!(format!("{authority:?}"), "Authority { .. }");
    }
}
