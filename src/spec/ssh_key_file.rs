//! The forms in which public keys lie in people's files, read into OpenSSH's one line: SSH2 (RFC 4716), PEM (PKCS #8 and
//! PKCS #1), a key that Azure broke over lines, JSON of the Azure CLI, comments. What is something else gets its name.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use openssl::pkey::{PKey, Public};
use openssl::rsa::Rsa;
use serde_json::Value;

use super::ssh_certificate::open_ssh;
use super::{InvalidSshKey, SshPublicKey};

/// What a key's first word can be, OpenSSH's and those that Azure refuses.
const TYPES: [&str; 8] = [
    "ssh-ed25519",
    "ssh-rsa",
    "ssh-dss",
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp521",
    "sk-ssh-ed25519@openssh.com",
    "sk-ecdsa-sha2-nistp256@openssh.com",
];
/// What the base64 of every key begins with: the length of its type's name.
const BLOB_BEGINS: &str = "AAAA";
/// The end of an OpenSSH certificate's type.
const CERTIFICATE_TYPE_ENDS: &str = "-cert-v01@openssh.com";
/// As much of what stands before a key as a message shows, in characters.
const SHOWN: usize = 60;

/// The key in a file's text.
pub(super) fn read(text: &str) -> Result<SshPublicKey, InvalidSshKey> {
    let text = text.trim();
    if text.starts_with("PuTTY-User-Key-File-") {
        return Err(InvalidSshKey::Putty);
    }
    if text.contains("PRIVATE KEY-----") || text.contains("PRIVATE KEY ----") {
        return Err(InvalidSshKey::Private);
    }
    if text.contains("---- BEGIN SSH2 PUBLIC KEY ----") {
        return ssh2(text);
    }
    if text.contains("-----BEGIN ") {
        return pem(text);
    }
    match serde_json::from_str(text) {
        Ok(Value::String(key)) => return read(&key),
        // As `az sshkey show` prints it, and Azure's API.
        Ok(document @ Value::Object(_)) => {
            let key = document.pointer("/publicKey").or(document.pointer("/properties/publicKey"));
            return match key.and_then(Value::as_str) {
                Some(key) => read(key),
                None => Err(InvalidSshKey::Other("JSON without `publicKey`")),
            };
        }
        _ if text.starts_with('<') => return Err(InvalidSshKey::Other("a web page or XML")),
        _ => {}
    }
    let lines = text.split(['\n', '\r']).map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    match lines.collect::<Vec<_>>()[..] {
        [] => Err(InvalidSshKey::Unreadable("there is nothing in it".into())),
        [line] => one_line(line),
        ref lines => several_lines(lines),
    }
}

fn one_line(line: &str) -> Result<SshPublicKey, InvalidSshKey> {
    let words: Vec<&str> = line.split_whitespace().collect();
    if let Some(kind) = words.iter().find(|word| word.ends_with(CERTIFICATE_TYPE_ENDS)) {
        return Err(InvalidSshKey::OpenSshCertificate((*kind).to_owned()));
    }
    if words.first().is_some_and(|word| word.starts_with(BLOB_BEGINS)) {
        let blob = STANDARD.decode(words[0]).map_err(|error| InvalidSshKey::Unreadable(error.to_string()))?;
        return SshPublicKey::from_blob(&blob, &words[1..].join(" "));
    }
    let is_key = |pair: &[&str]| TYPES.contains(&pair[0]) && pair[1].starts_with(BLOB_BEGINS);
    match words.windows(2).position(is_key) {
        None | Some(0) => line.parse(),
        Some(index) => {
            let before: String = words[..index].join(" ").chars().take(SHOWN).collect();
            Err(InvalidSshKey::Options { before, kind: words[index].to_owned() })
        }
    }
}

/// Several keys, or one whose base64 goes on in the next lines, as Azure's portal gives the keys that it makes.
fn several_lines(lines: &[&str]) -> Result<SshPublicKey, InvalidSshKey> {
    let keys = lines.iter().filter(|line| line.split_whitespace().any(|word| TYPES.contains(&word))).count();
    if keys > 1 {
        return Err(InvalidSshKey::Several(keys));
    }
    match lines[0].split_whitespace().collect::<Vec<_>>()[..] {
        [kind] if TYPES.contains(&kind) => format!("{kind} {}", lines[1..].concat()).parse(),
        [kind, _] if TYPES.contains(&kind) => lines.concat().parse(),
        _ if keys == 1 => return Err(InvalidSshKey::Other("a text with other lines than a key's in it")),
        _ => return Err(InvalidSshKey::Unreadable("no line begins with a key's type, such as `ssh-ed25519`".into())),
    }
    .map_err(|error| match error {
        InvalidSshKey::Unreadable(_) => InvalidSshKey::Broken,
        other => other,
    })
}

/// RFC 4716: headers, whose lines go on behind a backslash, and base64.
fn ssh2(text: &str) -> Result<SshPublicKey, InvalidSshKey> {
    let (mut blob, mut comment, mut in_header) = (String::new(), String::new(), false);
    let lines = text.split(['\n', '\r']).map(str::trim).filter(|line| !line.is_empty());
    for line in
        lines.skip_while(|line| !line.starts_with("---- BEGIN")).skip(1).take_while(|line| !line.starts_with("----"))
    {
        if let Some((name, value)) = line.split_once(':') {
            if name.eq_ignore_ascii_case("Comment") {
                value.trim().trim_end_matches('\\').trim_matches('"').clone_into(&mut comment);
            }
        } else if !in_header {
            blob.push_str(line);
        }
        in_header = (in_header || line.contains(':')) && line.ends_with('\\');
    }
    let blob = STANDARD.decode(blob).map_err(|error| InvalidSshKey::Unreadable(error.to_string()))?;
    SshPublicKey::from_blob(&blob, &comment)
}

/// PKCS #8 and PKCS #1.
fn pem(text: &str) -> Result<SshPublicKey, InvalidSshKey> {
    let damaged = |_| InvalidSshKey::Unreadable("its PEM is damaged".into());
    let key: PKey<Public> = if text.contains("-----BEGIN PUBLIC KEY-----") {
        PKey::public_key_from_pem(text.as_bytes()).map_err(damaged)?
    } else if text.contains("-----BEGIN RSA PUBLIC KEY-----") {
        let rsa = Rsa::public_key_from_pem_pkcs1(text.as_bytes()).map_err(damaged)?;
        PKey::from_rsa(rsa).map_err(damaged)?
    } else if text.contains("CERTIFICATE REQUEST-----") {
        return Err(InvalidSshKey::Other("a request for a certificate"));
    } else if text.contains("-----BEGIN PGP ") {
        return Err(InvalidSshKey::Other("a PGP key"));
    } else {
        return Err(InvalidSshKey::Other("PEM of something else"));
    };
    open_ssh(&key)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ED25519: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIIJkE0lJ2MfWJVLZfsbKCGy8xNvTYVYvKB4nYKpV0Mcu";
    const BLOB: &str = "AAAAC3NzaC1lZDI1NTE5AAAAIIJkE0lJ2MfWJVLZfsbKCGy8xNvTYVYvKB4nYKpV0Mcu";

    #[test]
    fn every_form_of_a_key_becomes_one_line() {
        let (begin, end) = ("---- BEGIN SSH2 PUBLIC KEY ----", "---- END SSH2 PUBLIC KEY ----");
        let (start, rest) = BLOB.split_at(30);
        for (text, comment) in [
            (format!("{ED25519} me@here\n"), " me@here"),
            (format!("# my keys\n\n{ED25519} with spaces é\n"), " with spaces é"),
            (format!("ssh-ed25519 {start}\r\n{rest} generated-by-azure\r\n"), " generated-by-azure"),
            (format!("ssh-ed25519\n{start}\n{rest}"), ""),
            (format!("{BLOB} me"), " me"),
            (format!("{begin}\nComment: \"a key\"\n{start}\n{rest}\n{end}\n"), " a key"),
            (format!("{begin}\r\nSubject: me\r\nx-note: goes \\\r\non\r\n{start}\r\n{rest}\r\n{end}\r\n"), ""),
            (format!("\"ssh-ed25519 {start}\\r\\n{rest} az\\r\\n\""), " az"),
            (format!("{{\"name\": \"k\", \"publicKey\": \"{ED25519}\"}}"), ""),
            (format!("{{\"properties\": {{\"publicKey\": \"{ED25519}\"}}}}"), ""),
        ] {
            let found = read(&text).map(|key| key.as_str().to_owned());
            assert_eq!(found, Ok(format!("{ED25519}{comment}")), "{text}");
        }
    }

    #[test]
    fn pem_is_taken() {
        let rsa = Rsa::generate(2048).unwrap();
        let pkcs1 = String::from_utf8(rsa.public_key_to_pem_pkcs1().unwrap()).unwrap();
        let pkcs8 = String::from_utf8(rsa.public_key_to_pem().unwrap()).unwrap();
        assert!(read(&pkcs1).unwrap().as_str().starts_with("ssh-rsa AAAAB3NzaC1yc2E"));
        assert_eq!(read(&pkcs1), read(&pkcs8.replace('\n', "\r\n")));
        let key = PKey::generate_ed25519().unwrap();
        let pem = String::from_utf8(key.public_key_to_pem().unwrap()).unwrap();
        assert!(read(&pem).unwrap().as_str().starts_with("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5"));
    }

    #[test]
    fn what_is_no_public_key_has_its_name() {
        for (text, part) in [
            ("-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n".to_owned(), "this is a private key"),
            ("---- BEGIN SSH2 ENCRYPTED PRIVATE KEY ----\n".into(), "this is a private key"),
            ("PuTTY-User-Key-File-3: ssh-ed25519\nEncryption: none\n".into(), "PuTTY's private key"),
            (format!("{ED25519}\n{ED25519} b\nssh-rsa AAAA"), "there are 3 keys; give one key"),
            (format!("from=\"10.0.0.1\",no-pty {ED25519} me"), "options before the key (`from=\"10.0.0.1\",no-pty`)"),
            (format!("command=\"a b\" {ED25519}"), "options before the key (`command=\"a b\"`)"),
            ("ssh-ed25519-cert-v01@openssh.com AAAA me".into(), "an OpenSSH certificate"),
            ("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIIJkE0lJ\nMfWJVL me".into(), "the key is broken over several lines"),
            (format!("{ED25519} me\nand more"), "other lines than a key's in it"),
            ("-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----".into(), "its PEM is damaged"),
            ("-----BEGIN CERTIFICATE REQUEST-----\n".into(), "a request for a certificate"),
            ("-----BEGIN PGP PUBLIC KEY BLOCK-----\n".into(), "a PGP key"),
            ("<!DOCTYPE html><html>".into(), "a web page"),
            ("{\"a\": 1}".into(), "JSON without `publicKey`"),
            ("# nothing\n".into(), "there is nothing in it"),
            ("hello\nworld".into(), "no line begins with a key's type"),
            ("hello".into(), "not a public key in OpenSSH's format"),
            ("ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBLgsjtuV9ceysqFIMG+55LOnPrBIXPKk6UXS3oKRfkXE+8mtTqP0r/J9/DCZ1LNGeg8ODmAzQVpVU0b2sI6UgIQ=".into(), "Azure refuses keys of type"),
        ] {
            let error = read(&text).unwrap_err().to_string();
            assert!(error.contains(part), "{text}: {error}");
        }
    }
}
