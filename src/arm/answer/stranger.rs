//! An answer that is not Azure Resource Manager's, in words: what came instead, and what probably stands between.

use azure_core::http::Url;

use super::raw::{MOST_BODY_BYTES, RawAnswer};
use crate::arm::error::{ArmError, ArmErrorKind};

/// Characters of somebody else's answer that are shown.
const MOST_SHOWN_CHARACTERS: usize = 120;
/// Characters of a message that is part of a line.
const MOST_MESSAGE_CHARACTERS: usize = 400;

/// What came instead of ARM's answer. Whoever asked says what was asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Stranger {
    message: String,
    request_id: Option<String>,
}

impl Stranger {
    /// `what` is wrong with `answer`, such as ``no `status` in it``.
    pub(crate) fn new(answer: &RawAnswer, what: impl Into<String>) -> Self {
        let mut message = format!("the answer is not Azure Resource Manager's: HTTP status {}, ", answer.status);
        if answer.is_cut {
            message.push_str(&format!("more than {} MiB", MOST_BODY_BYTES / 1024 / 1024));
        } else {
            message.push_str(&what.into());
        }
        if !answer.is_empty() {
            message.push_str(&format!(", begins with `{}`", beginning(&answer.body)));
        }
        if let Some(between) = between(answer) {
            message.push_str("; ");
            message.push_str(&between);
        }
        Self { message, request_id: answer.request_id.clone() }
    }

    /// The error of what was being done. It has no status: nobody may take it for ARM's.
    pub(crate) fn error(self, doing: &str) -> ArmError {
        ArmError { request_id: self.request_id, ..ArmError::local(ArmErrorKind::NotAzure, doing, self.message) }
    }
}

/// What the answer looks like coming from; nothing to say of one with ARM's own request id.
fn between(answer: &RawAnswer) -> Option<String> {
    let is_page = answer.content_type.as_deref().is_some_and(|kind| kind.to_ascii_lowercase().contains("html"))
        || answer.body.trim_ascii_start().starts_with(b"<");
    let mut text = match answer.status {
        407 => "a proxy wants a sign-in of its own (HTTPS_PROXY=http://USER:PASSWORD@HOST:PORT)".to_owned(),
        300..=399 => match answer.location.as_deref().and_then(host) {
            Some(host) => format!(
                "it leads to `{host}`, where nothing was sent: a captive portal (a network's sign-in page) or a proxy stands between"
            ),
            None => "a captive portal (a network's sign-in page) or a proxy stands between".to_owned(),
        },
        _ if is_page => "a captive portal (a network's sign-in page) or a proxy stands between".to_owned(),
        _ if answer.request_id.is_some() => return None,
        _ => "a proxy or a gateway seems to stand between".to_owned(),
    };
    if let Some(name) = &answer.via {
        text.push_str(&format!("; it calls itself `{}`", shown(name)));
    }
    Some(text)
}

fn beginning(body: &[u8]) -> String {
    shown(&String::from_utf8_lossy(&body[..body.len().min(4 * MOST_SHOWN_CHARACTERS)]))
}

fn host(location: &str) -> Option<String> {
    let url: Url = location.parse().ok()?;
    url.host_str().map(shown)
}

/// Somebody else's text as one short line that moves no cursor.
pub(crate) fn shown(text: &str) -> String {
    line(text, MOST_SHOWN_CHARACTERS)
}

/// The same of a message, which is worth more room.
pub(crate) fn message(text: &str) -> String {
    line(text, MOST_MESSAGE_CHARACTERS)
}

fn line(text: &str, most: usize) -> String {
    let plain: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let line = plain.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(most) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_between_is_named() {
        let page = RawAnswer {
            status: 200,
            content_type: Some("text/html".into()),
            via: Some("squid/5.7".into()),
            body: b"<html>\n\x1b[31m<title>Sign in</title>".to_vec(),
            ..RawAnswer::default()
        };
        let redirect =
            RawAnswer { status: 302, location: Some("http://portal.test/x?y".into()), ..RawAnswer::default() };
        let proxy = RawAnswer { status: 407, ..RawAnswer::default() };
        let azures =
            RawAnswer { status: 200, request_id: Some("r".into()), body: b"[]".to_vec(), ..RawAnswer::default() };
        let long = RawAnswer { status: 200, body: vec![b'x'; 500], ..RawAnswer::default() };
        for (answer, parts) in [
            (
                page,
                vec![
                    "HTTP status 200, no JSON, begins with `<html> [31m<title>Sign in</title>`; a captive portal",
                    "calls itself `squid/5.7`",
                ],
            ),
            (redirect, vec!["HTTP status 302, no JSON; it leads to `portal.test`, where nothing was sent"]),
            (proxy, vec!["HTTP status 407", "HTTPS_PROXY"]),
            (azures, vec!["HTTP status 200, no JSON, begins with `[]`"]),
            (long, vec![&format!("begins with `{}…`", "x".repeat(120))]),
        ] {
            let error = Stranger::new(&answer, "no JSON").error("reading x");
            assert_eq!((error.kind, error.status), (ArmErrorKind::NotAzure, None));
            for part in parts {
                assert!(error.message.contains(part), "{part}: {}", error.message);
            }
            assert!(!error.message.contains(char::is_control), "{error}");
        }
    }
}
