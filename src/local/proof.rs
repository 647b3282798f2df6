//! The emulator proves who it is before it gets the token: its port may be somebody else's since it died.
//!
//! The client names a random number, the daemon answers with an HMAC of it under the token that both have read from a
//! folder that only their user may enter.

use std::time::Duration;

use anyhow::{Context as _, ensure};
use azure_core::credentials::Secret;
use azure_core::http::{AsyncRawResponse, Method, Request, Url};
use openssl::hash::MessageDigest;
use openssl::pkey::PKey;
use openssl::sign::Signer;
use serde::Deserialize;

use crate::arm::read_body;

/// The daemon answers in milliseconds; somebody else may never do.
pub(super) const PATIENCE: Duration = Duration::from_secs(10);
/// Of an answer that is 75 bytes long.
const MOST_BYTES: usize = 1024;
/// Part of what is signed, as in the daemon.
const PURPOSE: &str = "azure-local proof";

/// One question to one address.
pub(super) struct Challenge {
    /// Without a slash at the end, as the daemon writes it.
    base: String,
    nonce: String,
}

#[derive(Deserialize)]
struct Answer {
    proof: String,
}

impl Challenge {
    /// A new question for whoever listens at `base`, `http://127.0.0.1:<port>`.
    pub(super) fn new(base: &str) -> anyhow::Result<Self> {
        let mut bytes = [0; 32];
        openssl::rand::rand_bytes(&mut bytes).context("making a random number")?;
        Ok(Self { base: base.trim_end_matches('/').to_owned(), nonce: hexadecimal(&bytes) })
    }

    /// The request; it holds no secret.
    pub(super) fn request(&self) -> anyhow::Result<Request> {
        let url: Url = format!("{}/azure-local/proof?nonce={}", self.base, self.nonce).parse()?;
        Ok(Request::new(url, Method::Get))
    }

    /// Fails unless the answer comes from one who has the token.
    pub(super) async fn check(&self, token: &Secret, response: AsyncRawResponse) -> anyhow::Result<()> {
        let unknown = || format!("what listens at {} is not the local emulator that wrote the token", self.base);
        ensure!(response.status().is_success(), "{}: HTTP status {}", unknown(), response.status());
        let body = read_body(response, MOST_BYTES).await.with_context(unknown)?;
        let bytes = body.with_context(|| format!("{}: more than {MOST_BYTES} bytes", unknown()))?;
        let answer: Answer = serde_json::from_slice(&bytes).with_context(unknown)?;
        let expected = self.proof(token)?;
        let same =
            answer.proof.len() == expected.len() && openssl::memcmp::eq(answer.proof.as_bytes(), expected.as_bytes());
        ensure!(same, "{}", unknown());
        Ok(())
    }

    fn proof(&self, token: &Secret) -> anyhow::Result<String> {
        let key = PKey::hmac(token.secret().as_bytes())?;
        let mut signer = Signer::new(MessageDigest::sha256(), &key)?;
        let text = format!("{PURPOSE}\n{}\n{}", self.base, self.nonce);
        Ok(hexadecimal(&signer.sign_oneshot_to_vec(text.as_bytes())?))
    }
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_sides_mean_the_same() {
        let challenge =
            Challenge { base: "http://127.0.0.1:1".into(), nonce: "00112233445566778899aabbccddeeff".into() };
        let proof = challenge.proof(&Secret::new("token")).unwrap();
        assert_eq!(proof, "07a7fb653a9ff2ccbdf5c48c2e078ac3736c9332f22d9eb5d4bc7db3763c28c5");
    }
}
