//! The certificate by which a service principal signs in to Azure.
//! <https://learn.microsoft.com/entra/identity-platform/certificate-credentials>

use anyhow::Context as _;
use openssl::pkcs12::Pkcs12;
use openssl::pkey::PKey;
use openssl::rsa::Rsa;
use openssl::x509::X509;

use super::certificate::self_signed;

/// Entra takes RSA keys only.
const RSA_BITS: u32 = 2048;

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
        pkcs12(format!("{}{}", self.key, self.certificate).as_bytes())
    }
}

/// PKCS #12 without a password out of a file with a certificate and its RSA key: PEM, or PKCS #12 already.
pub fn pkcs12(bytes: &[u8]) -> anyhow::Result<Vec<u8>> {
    let text = match std::str::from_utf8(bytes) {
        Ok(text) if text.contains("-----BEGIN") => text,
        _ => {
            let read = Pkcs12::from_der(bytes).context("it is neither PEM nor PKCS #12 (PFX)")?;
            read.parse2("").context("the PKCS #12 file has a password; take it away, or give PEM")?;
            return Ok(bytes.to_vec());
        }
    };
    anyhow::ensure!(text.contains("PRIVATE KEY-----"), "it holds no private key");
    let key = PKey::private_key_from_pem(bytes).context("reading its private key")?;
    anyhow::ensure!(key.rsa().is_ok(), "its key is not RSA, and Entra takes no other");
    let certificate = X509::from_pem(bytes).context("it holds no certificate")?;
    anyhow::ensure!(certificate.public_key()?.public_eq(&key), "its key is not the certificate's");
    let packed = Pkcs12::builder().name("azure-coreos-cluster").pkey(&key).cert(&certificate).build2("")?;
    Ok(packed.to_der()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_of_both_kinds_become_one() {
        let made = SignInCertificate::generate("test", 1).unwrap();
        let packed = made.pkcs12().unwrap();
        assert!(Pkcs12::from_der(&packed).unwrap().parse2("").unwrap().pkey.is_some());
        assert_eq!(pkcs12(&packed).unwrap(), packed);

        let other = SignInCertificate::generate("other", 1).unwrap();
        for (text, expected) in [
            (made.certificate.clone(), "no private key"),
            (made.key.clone(), "no certificate"),
            (other.key + &made.certificate, "is not the certificate's"),
            ("hello".into(), "neither PEM nor PKCS #12"),
        ] {
            let error = format!("{:#}", pkcs12(text.as_bytes()).unwrap_err());
            assert!(error.contains(expected), "{error}");
        }
    }
}
