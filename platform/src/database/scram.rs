//! What PostgreSQL keeps of a password, so that the password itself reaches neither the server nor its log.
//! <https://www.rfc-editor.org/rfc/rfc5802>, <https://www.postgresql.org/docs/current/catalog-pg-authid.html>

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use openssl::error::ErrorStack;
use openssl::hash::MessageDigest;
use openssl::pkcs5::pbkdf2_hmac;
use openssl::pkey::PKey;
use openssl::sha::sha256;
use openssl::sign::Signer;

/// PostgreSQL's own.
const ROUNDS: usize = 4096;
pub(crate) const SALT_BYTES: usize = 16;

/// `SCRAM-SHA-256$<rounds>:<salt>$<StoredKey>:<ServerKey>`, of a password in ASCII, which `SASLprep` leaves as it is.
pub(crate) fn verifier(password: &str, salt: [u8; SALT_BYTES]) -> Result<String, ErrorStack> {
    let mut salted = [0; 32];
    pbkdf2_hmac(password.as_bytes(), &salt, ROUNDS, MessageDigest::sha256(), &mut salted)?;
    let key = PKey::hmac(&salted)?;
    let authenticated = |text: &[u8]| Signer::new(MessageDigest::sha256(), &key)?.sign_oneshot_to_vec(text);
    let stored_key = sha256(&authenticated(b"Client Key")?);
    let server_key = authenticated(b"Server Key")?;
    let [salt, stored_key, server_key] = [&salt[..], &stored_key, &server_key].map(|bytes| STANDARD.encode(bytes));
    Ok(format!("SCRAM-SHA-256${ROUNDS}:{salt}${stored_key}:{server_key}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What PostgreSQL 17 made of `pencil` and this salt.
    #[test]
    fn a_known_verifier() {
        let salt: [u8; SALT_BYTES] = STANDARD.decode("56wzwDiZcVh323GetS/K3Q==").unwrap().try_into().unwrap();
        let expected = "SCRAM-SHA-256$4096:56wzwDiZcVh323GetS/K3Q==$tgEnCPgqfXiKD9sjqwYP1uK6HdqMz5KtUquIP5rdcO4=:m6uepnsvCmLrhQgJorkzYceDCpfYbJVRg8lGp02FrHU=";
        assert_eq!(verifier("pencil", salt).unwrap(), expected);
    }
}
