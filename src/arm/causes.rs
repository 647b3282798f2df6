//! An error with what lies behind it, in one line. Whoever sends requests by `azure_core` shows its errors by this.

/// What `azure_core` says of every request that is not answered; its source says why.
const HOLLOW: [&str; 3] = ["failed to execute `reqwest` request", "non-transport error", "retry policy expired"];

/// The error with its sources, each once.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut parts = vec![error.to_string()];
    let mut source = error.source();
    while let Some(inner) = source {
        let text = inner.to_string();
        if !parts.iter().any(|part| part.contains(&text)) {
            parts.push(text);
        }
        source = inner.source();
    }
    if parts.len() > 1 {
        let last = parts.len() - 1;
        let is_hollow = |part: &String| HOLLOW.iter().any(|words| part.starts_with(words));
        let told = parts.iter().enumerate().filter(|(index, part)| *index == last || !is_hollow(part));
        return told.map(|(_, part)| part.as_str()).collect::<Vec<_>>().join(": ");
    }
    parts.concat()
}

#[cfg(test)]
mod tests {
    use super::*;
    use azure_core::Error;
    use azure_core::error::ErrorKind;

    #[test]
    fn causes_are_told_once_and_hollow_words_left_out() {
        let refused = std::io::Error::other("connection refused");
        for (error, expected) in [
            (Error::with_message(ErrorKind::Io, "reset"), "reset"),
            (Error::with_error(ErrorKind::Io, refused, "failed to execute `reqwest` request"), "connection refused"),
            (
                Error::with_error(ErrorKind::Io, std::io::Error::other("no such host"), "asking x: no such host"),
                "asking x: no such host",
            ),
            (Error::with_error(ErrorKind::Io, std::io::Error::other("y"), "asking z"), "asking z: y"),
        ] {
            assert_eq!(chain(&error), expected);
        }
    }
}
