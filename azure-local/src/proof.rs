//! A client asks for a proof before it sends its token: whoever took the port of a daemon that died knows neither the
//! token nor how to answer. `http` calls it for `/azure-local/proof`.

use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;

use crate::arm::error::ArmError;

/// Keeps this proof apart from anything else that the token may ever sign.
const PURPOSE: &str = "azure-local proof";

/// `{"proof": HEX}`: HMAC-SHA256 with the token of the purpose, this daemon's endpoint and the client's nonce (32 to 128
/// hexadecimal digits), a line each. The endpoint is in it, so that one daemon's proof is of no use on another port.
pub(crate) fn document(token: &str, endpoint: &str, nonce: Option<&str>) -> Result<Value, ArmError> {
    let is_nonce = |nonce: &&str| (32..=128).contains(&nonce.len()) && nonce.bytes().all(|c| c.is_ascii_hexdigit());
    let nonce = nonce
        .filter(is_nonce)
        .ok_or_else(|| ArmError::bad("InvalidParameter", "`nonce` is 32 to 128 hexadecimal digits.").target("nonce"))?;
    let mut code = Hmac::<Sha256>::new_from_slice(token.as_bytes())
        .map_err(|_| ArmError::bad("InvalidParameter", "The token cannot be a key."))?;
    code.update(format!("{PURPOSE}\n{endpoint}\n{nonce}").as_bytes());
    let proof: String = code.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
    Ok(json!({ "proof": proof }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proof_follows_from_token_endpoint_and_nonce() {
        let nonce = "00112233445566778899aabbccddeeff";
        let proof = |token, endpoint, nonce| document(token, endpoint, Some(nonce)).expect("a proof");
        // `printf 'azure-local proof\nhttp://127.0.0.1:1\n00…ff' | openssl dgst -sha256 -hmac token`
        let expected = "07a7fb653a9ff2ccbdf5c48c2e078ac3736c9332f22d9eb5d4bc7db3763c28c5";
        assert_eq!(proof("token", "http://127.0.0.1:1", nonce), json!({ "proof": expected }));
        assert_ne!(proof("other", "http://127.0.0.1:1", nonce)["proof"], expected);
        assert_ne!(proof("token", "http://127.0.0.1:2", nonce)["proof"], expected);
        for bad in [None, Some(""), Some("0011"), Some("zz112233445566778899aabbccddeeff")] {
            assert!(document("token", "http://127.0.0.1:1", bad).is_err(), "{bad:?}");
        }
    }
}
