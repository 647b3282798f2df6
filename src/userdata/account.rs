//! What the programs that make accounts take: `useradd` and `groupadd` for both readers, `update-ssh-keys` for keys.
//!
//! <https://github.com/shadow-maint/shadow/blob/master/lib/chkname.c>,
//! <https://github.com/shadow-maint/shadow/blob/master/src/useradd.c>

use diagnostics::quoted;
use russh::keys::PublicKey;

use super::mistake::Mistake;

/// Most bytes of a name.
const NAME_BYTES: usize = 32;

/// A user's name.
pub(super) fn name(text: &str) -> Option<Mistake> {
    named(text, "user")
}

/// A group by name; a number is one that exists.
pub(super) fn group(text: &str) -> Option<Mistake> {
    match text.parse::<u32>() {
        Ok(_) => None,
        Err(_) => named(text, "group"),
    }
}

fn named(text: &str, what: &str) -> Option<Mistake> {
    let begins = text.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_' || c == '.');
    // A dollar sign may be the last character, for Samba.
    let rest = text.strip_suffix('$').unwrap_or(text);
    let fits = begins
        && text.len() <= NAME_BYTES
        && rest.chars().all(|c| c.is_ascii_alphanumeric() || "_.-".contains(c))
        && !text.chars().all(|c| c.is_ascii_digit())
        && ![".", ".."].contains(&text);
    let instead = format!("write {NAME_BYTES} characters at most of letters, digits, `_`, `-` and `.`");
    (!fits).then(|| Mistake::new(format!("{} is no name that a {what} can have", quoted(text)), instead))
}

/// A home folder.
pub(super) fn home(text: &str) -> Option<Mistake> {
    let mistake = || Mistake::new(format!("{} is no absolute path without `:`", quoted(text)), "");
    (!text.starts_with('/') || !is_field(text)).then(mistake).or_else(|| super::path::length(text))
}

/// A sign-in shell.
pub(super) fn shell(text: &str) -> Option<Mistake> {
    let mistake = || Mistake::new(format!("{} is no absolute path of a shell", quoted(text)), "write `/bin/bash`");
    (!(text.is_empty() || text.starts_with(['/', '*'])) || !is_field(text)).then(mistake)
}

/// Who the user is, in words.
pub(super) fn gecos(text: &str) -> Option<Mistake> {
    (!is_field(text))
        .then(|| Mistake::new("has a `:` or a line break, which `/etc/passwd` cannot hold", "leave it out"))
}

/// A password's hash. It may be a secret, so that no message quotes it.
pub(super) fn password_hash(text: &str) -> Option<Mistake> {
    let instead = "write a hash, as `openssl passwd -6` makes it";
    (!is_field(text)).then(|| Mistake::new("has a `:` or a line break, which `/etc/shadow` cannot hold", instead))
}

/// A line of `authorized_keys`: a key, with options before it or a comment after it.
pub(super) fn ssh_key(text: &str) -> Option<Mistake> {
    let line = text.trim();
    if line.contains("PRIVATE KEY") {
        return Some(Mistake::new("is a private key", "write the public one (`….pub`)"));
    }
    if line.lines().count() > 1 {
        return Some(Mistake::new("has more than one line", "write each key as an element of its own"));
    }
    let key = if is_type(line) { line } else { after_options(line) };
    let readable = PublicKey::from_openssh(key);
    readable.err().map(|_| Mistake::new("is no SSH public key", "write it as `ssh-ed25519 AAAA… comment`"))
}

fn is_type(text: &str) -> bool {
    ["ssh-", "ecdsa-", "sk-"].iter().any(|start| text.starts_with(start))
}

/// What comes after the options, in which blanks stand between quotes only.
fn after_options(line: &str) -> &str {
    let mut is_quoted = false;
    let mut before = ' ';
    let end = line.find(|character: char| {
        is_quoted ^= character == '"' && before != '\\';
        before = character;
        character.is_whitespace() && !is_quoted
    });
    end.map_or("", |end| line[end..].trim_start())
}

/// Whether a field of `/etc/passwd` can hold it.
fn is_field(text: &str) -> bool {
    !text.contains([':', '\n', '\0'])
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGrnh6AwMZjSrSsF6gJVYgsGCk3JhOLpHoAhlTZQmTmE";

    #[test]
    fn what_is_taken() {
        type Rule = fn(&str) -> Option<Mistake>;
        let long = "a".repeat(33);
        let private = "-----BEGIN OPENSSH PRIVATE KEY-----\nx\n";
        let two = format!("{KEY}\n{KEY}");
        let with_options = format!("restrict,command=\"echo \\\"a b\\\"\" {KEY} a@b");
        let cases: [(Rule, &[&str], &[&str]); 7] = [
            (
                name,
                &["core", "a-b_c.d", "Builder", "smb$", "_x", "9a"],
                &["", "-a", "a b", "a:b", "a/b", "7", "..", &long, "grün"],
            ),
            (group, &["docker", "500"], &["", "a,b", "a b", "-x"]),
            (home, &["/home/a"], &["home/a", "", "/a:b", "/a\nb"]),
            (shell, &["/bin/bash", ""], &["bash", "/bin/a:b"]),
            (gecos, &["Ann, Room 1"], &["a:b", "a\nb"]),
            (password_hash, &["$6$salt$hash", "*"], &["a:b", "a\n"]),
            (ssh_key, &[KEY, &with_options], &["", "k", "ssh-ed25519 AAAA", private, &two, "ssh-rsa", "restrict"]),
        ];
        for (index, (rule, taken, refused)) in cases.into_iter().enumerate() {
            for text in taken {
                assert_eq!(rule(text), None, "rule {index}: {text}");
            }
            for text in refused {
                assert!(rule(text).is_some(), "rule {index}: {text}");
            }
        }
    }

    #[test]
    fn what_may_be_a_secret_is_not_quoted() {
        for mistake in [password_hash("hunter2:x"), ssh_key("PRIVATE KEY hunter2"), ssh_key("hunter2")] {
            assert!(!format!("{mistake:?}").contains("hunter2"), "{mistake:?}");
        }
    }
}
