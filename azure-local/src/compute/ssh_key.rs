//! Which SSH public keys Azure accepts for Linux machines: RSA of 2048 bits and more, and Ed25519.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

const LEAST_RSA_BITS: usize = 2048;
const ED25519_BYTES: usize = 32;

/// Why a key line is refused, as the end of a sentence; `Ok` when it is accepted.
pub(crate) fn check(line: &str) -> Result<(), String> {
    let mut words = line.split_whitespace();
    let (Some(name), Some(encoded)) = (words.next(), words.next()) else {
        return Err("it is not an OpenSSH public key".to_owned());
    };
    let blob = STANDARD.decode(encoded).map_err(|_| "its data is not valid base64".to_owned())?;
    let mut fields = Fields(&blob);
    if fields.next() != Some(name.as_bytes()) {
        return Err("its data does not match its type".to_owned());
    }
    match name {
        "ssh-rsa" => {
            let modulus = fields.next().and(fields.next()).ok_or("its data is cut short")?;
            let significant = &modulus[modulus.iter().take_while(|byte| **byte == 0).count()..];
            let bits = significant.first().map_or(0, |first| significant.len() * 8 - first.leading_zeros() as usize);
            if bits < LEAST_RSA_BITS {
                Err(format!("RSA keys need at least {LEAST_RSA_BITS} bits, this one has {bits}"))
            } else {
                Ok(())
            }
        }
        "ssh-ed25519" if fields.next().is_some_and(|key| key.len() == ED25519_BYTES) => Ok(()),
        "ssh-ed25519" => Err("its data is cut short".to_owned()),
        _ => Err(format!("keys of type {name} are not supported; use ssh-rsa or ssh-ed25519")),
    }
}

/// Length-prefixed fields (RFC 4251, section 5).
struct Fields<'a>(&'a [u8]);

impl<'a> Iterator for Fields<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<Self::Item> {
        let (length, rest) = self.0.split_first_chunk::<4>()?;
        let (field, rest) = rest.split_at_checked(u32::from_be_bytes(*length) as usize)?;
        self.0 = rest;
        Some(field)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(name: &str, fields: &[&[u8]]) -> String {
        let mut blob = Vec::new();
        for field in [&[name.as_bytes()], fields].concat() {
            blob.extend((field.len() as u32).to_be_bytes());
            blob.extend(field);
        }
        format!("{name} {} operator@example", STANDARD.encode(blob))
    }

    #[test]
    fn keys_are_judged_by_type_and_length() {
        let exponent: &[u8] = &[1, 0, 1];
        let modulus = |bytes: usize| [vec![0, 0x80], vec![1; bytes - 1]].concat();
        let table = [
            (key("ssh-ed25519", &[&[7; 32]]), None),
            (key("ssh-ed25519", &[&[7; 31]]), Some("cut short")),
            (key("ssh-rsa", &[exponent, &modulus(256)]), None),
            (key("ssh-rsa", &[exponent, &modulus(128)]), Some("this one has 1024")),
            (key("ecdsa-sha2-nistp256", &[b"nistp256"]), Some("not supported")),
            ("ssh-rsa".to_owned(), Some("not an OpenSSH")),
            ("ssh-rsa !!!".to_owned(), Some("base64")),
            (key("ssh-rsa", &[exponent]).replace("ssh-rsa ", "ssh-ed25519 "), Some("does not match")),
        ];
        for (line, refusal) in table {
            match (check(&line), refusal) {
                (Ok(()), None) => {}
                (Err(reason), Some(part)) => assert!(reason.contains(part), "{line}: {reason}"),
                (found, _) => panic!("{line}: {found:?}"),
            }
        }
    }
}
