//! Takes secrets out of text that leaves the cluster: values that are known, and what has the form of one. Pure.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use regex::Regex;

/// Shorter values are words of their own: taking them out would take everything apart.
const SHORTEST: usize = 5;
/// A private key whose end is missing is not longer, with a journal's prefixes on each line.
const LONGEST_KEY: usize = 16 * 1024;

/// Forms of secrets, and what stands there instead; `$1` is kept. <https://docs.rs/regex/latest/regex/#syntax>
const FORMS: [(&str, &str); 9] = [
    // Tokens for joining a swarm, and the key of its managers.
    (r"\bSWM(?:TKN|KEY)-1-[A-Za-z0-9+/=-]+", "«removed: swarm token»"),
    // RFC 9110 §11.6.2, in headers, in JSON and in Go's maps.
    (r#"(?i)\b((?:proxy-)?authorization(?:\\*["'])?\s*[:=]\s*\[?(?:\\*["'])?)[^"'\\\r\n\]«]+"#, "${1}«removed»"),
    (r#"(?i)\b((?:set-)?cookie(?:\\*["'])?\s*[:=]\s*\[?(?:\\*["'])?)[^"'\\\r\n\]«]+"#, "${1}«removed»"),
    (r"(?i)\b((?:bearer|basic)\s+)[A-Za-z0-9._~+/=-]{8,}", "${1}«removed»"),
    // user:password@ of addresses, RFC 3986 §3.2.1.
    (r#"(?i)\b([a-z][a-z0-9+.-]*://)[^/\s@"'<>«]+@"#, "${1}«removed»@"),
    // JSON Web Tokens, RFC 7519.
    (r"\beyJ[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*", "«removed: token»"),
    // Signatures of Azure's shared access links.
    (r"(?i)((?:^|[?&\s])sig=)[^&\s\x22']+", "${1}«removed»"),
    (r"(?i)(--?[a-z-]*(?:password|passwd|token|secret)[a-z-]*[ =])[^\s«]+", "${1}«removed»"),
    (
        r#"(?ix)
        ( [a-z0-9_.-]*
          (?: password | passwd | passphrase | secret | token | credential | (?:api|access|account|private|signing|encryption)[_-]?key | _key )
          [a-z0-9_.-]* (?:\\*["'])? \s* [:=] \s* (?:\[\s*)? )
        (?: \\+" (?:[^"\\«])* \\+" | " (?:\\.|[^"\\«])* " | '[^'«]*' | [^\s,;&"'\\«\]}]+ )"#,
        "${1}«removed»",
    ),
];

/// Knows secrets and their forms.
pub(super) struct Redactor {
    /// Texts with what stands there instead, longest first.
    known: Vec<(String, String)>,
    forms: Vec<(Regex, &'static str)>,
}

/// Whether a setting or a variable of this name holds a secret.
pub(super) fn looks_secret(name: &str) -> bool {
    let name = name.to_lowercase();
    ["key", "password", "passwd", "passphrase", "token", "secret", "credential"].iter().any(|word| name.contains(word))
}

impl Redactor {
    /// Secrets by name; the name stands where the value was.
    pub(super) fn new(secrets: impl IntoIterator<Item = (String, String)>) -> Self {
        let mut known: Vec<(String, String)> = Vec::new();
        for (name, value) in secrets {
            let mark = format!("«removed: {name}»");
            for text in forms_of(&value).into_iter().filter(|text| text.len() >= SHORTEST) {
                known.push((text, mark.clone()));
            }
        }
        known.sort_by(|one, other| other.0.len().cmp(&one.0.len()).then_with(|| one.cmp(other)));
        known.dedup_by(|one, other| one.0 == other.0);
        let forms = FORMS.iter().filter_map(|(form, instead)| Some((Regex::new(form).ok()?, *instead)));
        Self { known, forms: forms.collect() }
    }

    /// The text without secrets.
    pub(super) fn redact(&self, text: &str) -> String {
        let mut text = without_private_keys(text);
        for (secret, mark) in &self.known {
            if text.contains(secret) {
                text = text.replace(secret, mark);
            }
        }
        for (form, instead) in &self.forms {
            if let std::borrow::Cow::Owned(changed) = form.replace_all(&text, *instead) {
                text = changed;
            }
        }
        text
    }
}

impl std::fmt::Debug for Redactor {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "Redactor({} secrets)", self.known.len())
    }
}

/// How a value may be written: as it is, line by line, in JSON, in an address, as base64.
fn forms_of(value: &str) -> Vec<String> {
    let value = value.trim();
    let mut forms: Vec<String> = vec![value.to_owned(), STANDARD.encode(value)];
    forms.push(utf8_percent_encode(value, NON_ALPHANUMERIC).to_string());
    forms.push(serde_json::Value::from(value).to_string().trim_matches('"').to_owned());
    // Lines of a file that are long enough to be the secret's own.
    forms.extend(value.lines().map(str::trim).filter(|line| line.len() >= 16).map(str::to_owned));
    forms.sort_unstable();
    forms.dedup();
    forms
}

/// PEM private keys, whole or cut at either end. RFC 7468 §10.
fn without_private_keys(text: &str) -> String {
    const BEGIN: &str = "-----BEGIN ";
    const END: &str = "PRIVATE KEY-----";
    const MARK: &str = "«removed: private key»";
    let begins = |text: &str| {
        text.match_indices(BEGIN).map(|(at, _)| at).find(|at| {
            let label = &text[at + BEGIN.len()..];
            label.find(END).is_some_and(|end| end < 24 && !label[..end].contains('\n'))
        })
    };
    let mut clean = String::with_capacity(text.len());
    let mut rest = text;
    // A key of which only the end is there.
    if let Some(end) = rest.find("-----END ").filter(|end| begins(&rest[..*end]).is_none())
        && let Some(label) = rest[end..].find(END).filter(|label| *label < 40)
    {
        let from = floor(rest, end.saturating_sub(LONGEST_KEY));
        clean.push_str(&rest[..from]);
        clean.push_str(MARK);
        rest = &rest[end + label + END.len()..];
    }
    while let Some(begin) = begins(rest) {
        clean.push_str(&rest[..begin]);
        clean.push_str(MARK);
        let body = &rest[begin..];
        let end = body.find("-----END ").and_then(|end| Some(end + body[end..].find(END)? + END.len()));
        let end = end.filter(|end| *end <= LONGEST_KEY).unwrap_or(LONGEST_KEY.min(body.len()));
        rest = &body[floor(body, end)..];
    }
    clean.push_str(rest);
    clean
}

/// The start of the character at `index`.
fn floor(text: &str, index: usize) -> usize {
    (0..=index.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_forms_compile() {
        assert_eq!(Redactor::new([]).forms.len(), FORMS.len());
    }

    #[test]
    fn forms_of_secrets_are_taken_out() {
        let redactor = Redactor::new([]);
        for (text, expected) in [
            ("nothing to hide: 12 tasks", "nothing to hide: 12 tasks"),
            ("join SWMTKN-1-3pu6h-0y2n3 now", "join «removed: swarm token» now"),
            ("SWMKEY-1-a+b/c=", "«removed: swarm token»"),
            ("Authorization: Bearer abc.def-1", "Authorization: «removed»"),
            ("{\"Authorization\":[\"Basic dTpw\"],\"a\":1}", "{\"Authorization\":[\"«removed»\"],\"a\":1}"),
            ("used bearer 0123456789abcdef here", "used bearer «removed» here"),
            ("Set-Cookie: session=abc; Path=/\nnext", "Set-Cookie: «removed»\nnext"),
            ("postgres://user:pa:ss@db:5432/x", "postgres://«removed»@db:5432/x"),
            ("http://127.0.0.1:80/a@b", "http://127.0.0.1:80/a@b"),
            ("see https://example.test/x, you@example.test", "see https://example.test/x, you@example.test"),
            ("PASSWORD=hunter2 next", "PASSWORD=«removed» next"),
            ("db.password: \"my pass word\", x", "db.password: «removed», x"),
            (r#"{"apiToken":"a\"b","n":1}"#, r#"{"apiToken":«removed»,"n":1}"#),
            (r#"msg="{\"secret\":\"abc\",\"n\":1}""#, r#"msg="{\"secret\":«removed»,\"n\":1}""#),
            ("AWS_SECRET_ACCESS_KEY=abc/def+1", "AWS_SECRET_ACCESS_KEY=«removed»"),
            ("STRIPE_KEY=sk_live_1", "STRIPE_KEY=«removed»"),
            ("AccountKey=abc==;EndpointSuffix=x", "AccountKey=«removed»;EndpointSuffix=x"),
            ("https://x.blob/y?sv=1&sig=abc%2B&se=2", "https://x.blob/y?sv=1&sig=«removed»&se=2"),
            ("sig=abc%2B&se=2", "sig=«removed»&se=2"),
            ("run --db-password hunter2 --port 1", "run --db-password «removed» --port 1"),
            ("tokens: [\"abc\"]", "tokens: [«removed»]"),
            ("jwt eyJhbGciOiJI.eyJzdWIi.sig-1_2 end", "jwt «removed: token» end"),
            ("the password is wrong", "the password is wrong"),
        ] {
            assert_eq!(redactor.redact(text), expected, "{text}");
        }
    }

    #[test]
    fn private_keys_are_taken_out_whole_or_cut() {
        let redactor = Redactor::new([]);
        for (text, expected) in [
            (
                "a\n-----BEGIN RSA PRIVATE KEY-----\nMIIE\nabcd\n-----END RSA PRIVATE KEY-----\nb",
                "a\n«removed: private key»\nb",
            ),
            ("x=-----BEGIN PRIVATE KEY-----\\nMIIE\\n-----END PRIVATE KEY-----\\ny", "x=«removed: private key»\\ny"),
            ("a\n-----BEGIN OPENSSH PRIVATE KEY-----\nb3Bl\nmore", "a\n«removed: private key»"),
            ("MIIE\n-----END PRIVATE KEY-----\nb", "«removed: private key»\nb"),
            (
                "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----",
                "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----",
            ),
            (
                "-----BEGIN EC PRIVATE KEY-----x-----END EC PRIVATE KEY-----+-----BEGIN PRIVATE KEY-----y-----END PRIVATE KEY-----",
                "«removed: private key»+«removed: private key»",
            ),
        ] {
            assert_eq!(redactor.redact(text), expected, "{text}");
        }
    }

    #[test]
    fn known_values_are_taken_out_in_every_form() {
        let secrets = [
            ("router/sslKey".to_owned(), "s3cr\"et/ value".to_owned()),
            ("MODE".to_owned(), "on".to_owned()),
            ("LONG".to_owned(), "first-line-0123456789\nsecond-line-0123456789".to_owned()),
            ("PART".to_owned(), "s3cr\"".to_owned()),
        ];
        let redactor = Redactor::new(secrets);
        for (text, expected) in [
            ("say s3cr\"et/ value!", "say «removed: router/sslKey»!"),
            (r#"{"a":"s3cr\"et/ value"}"#, r#"{"a":"«removed: router/sslKey»"}"#),
            ("?q=s3cr%22et%2F%20value&b", "?q=«removed: router/sslKey»&b"),
            ("b64 czNjciJldC8gdmFsdWU= end", "b64 «removed: router/sslKey» end"),
            ("only second-line-0123456789 here", "only «removed: LONG» here"),
            ("it is on", "it is on"),
        ] {
            assert_eq!(redactor.redact(text), expected, "{text}");
        }
        assert!(!format!("{redactor:?}").contains("s3cr"));
    }

    #[test]
    fn names_that_hold_secrets() {
        for (name, expected) in
            [("sslKey", true), ("DB_PASSWORD", true), ("apiToken", true), ("clientSecret", true), ("domain", false)]
        {
            assert_eq!(looks_secret(name), expected, "{name}");
        }
    }
}
