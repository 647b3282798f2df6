//! One line of a journal, from what Docker and journald print.

use serde_json::Value;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// Where a program wrote a line to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stream {
    Stdout,
    Stderr,
    /// journald does not say.
    Journal,
}

/// A line, or several that were written as one.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Line {
    pub time: OffsetDateTime,
    /// The component, the app's service or the machine that was asked for.
    pub name: String,
    /// Which instance of it; none for machines.
    pub number: Option<u32>,
    pub machine: String,
    pub stream: Stream,
    pub text: String,
    /// What wrote it on its machine: the container's id, or the unit that was asked for.
    pub(super) origin: String,
}

/// Time and text of a log entry of Docker's with timestamps: `2026-11-21T10:54:01.123456789Z text`.
pub(super) fn docker_entry(bytes: &[u8]) -> Option<(OffsetDateTime, String)> {
    let text = String::from_utf8_lossy(bytes);
    let text = text.strip_suffix('\n').unwrap_or(&text);
    let (time, text) = text.split_once(' ').unwrap_or((text, ""));
    Some((OffsetDateTime::parse(time, &Rfc3339).ok()?, text.strip_suffix('\r').unwrap_or(text).to_owned()))
}

/// Time and text of an entry of journald's as JSON: `identifier[pid]: message`, as `journalctl` shows it.
/// <https://systemd.io/JOURNAL_EXPORT_FORMATS/#journal-json-format>
pub(super) fn journald_entry(json: &str) -> Option<(OffsetDateTime, String)> {
    let entry: Value = serde_json::from_str(json).ok()?;
    let microseconds: i128 = entry["__REALTIME_TIMESTAMP"].as_str()?.parse().ok()?;
    let time = OffsetDateTime::from_unix_timestamp_nanos(microseconds * 1000).ok()?;
    let message = match &entry["MESSAGE"] {
        Value::String(text) => text.clone(),
        // What is not text comes as an array of bytes.
        Value::Array(bytes) => {
            let bytes: Vec<u8> = bytes.iter().filter_map(|byte| u8::try_from(byte.as_u64()?).ok()).collect();
            String::from_utf8_lossy(&bytes).into_owned()
        }
        _ => "(an entry that journald keeps as data)".to_owned(),
    };
    let text = |field: &str| entry[field].as_str();
    let pid = text("_PID").or_else(|| text("SYSLOG_PID"));
    let identifier = text("SYSLOG_IDENTIFIER").or_else(|| text("_COMM"));
    Some(match (identifier, pid) {
        (Some(identifier), Some(pid)) => (time, format!("{identifier}[{pid}]: {message}")),
        (Some(identifier), None) => (time, format!("{identifier}: {message}")),
        _ => (time, message),
    })
}

/// Puts lines in order of time, and of each name keeps the last `most`.
pub(super) fn last(mut lines: Vec<Line>, most: Option<usize>) -> Vec<Line> {
    lines.sort_by_key(|line| line.time);
    if let Some(most) = most {
        let mut left = std::collections::HashMap::new();
        let mut kept: Vec<Line> = Vec::new();
        for line in lines.into_iter().rev() {
            let left = left.entry(line.name.clone()).or_insert(most);
            if *left > 0 {
                *left -= 1;
                kept.push(line);
            }
        }
        kept.reverse();
        return kept;
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_of_docker() {
        for (bytes, expected) in [
            (&b"2026-11-21T10:54:01.5Z hello there\n"[..], Some((1_795_258_441_500, "hello there"))),
            (b"2026-11-21T10:54:01Z \n", Some((1_795_258_441_000, ""))),
            (b"2026-11-21T10:54:01Z", Some((1_795_258_441_000, ""))),
            (b"2026-11-21T12:54:01+02:00 bar\r\n", Some((1_795_258_441_000, "bar"))),
            (b"2026-11-21T10:54:01Z not \xff utf-8", Some((1_795_258_441_000, "not \u{fffd} utf-8"))),
            (b"no time\n", None),
        ] {
            let found = docker_entry(bytes);
            let found = found.as_ref().map(|(time, text)| (time.unix_timestamp_nanos() / 1_000_000, text.as_str()));
            assert_eq!(found, expected, "{}", String::from_utf8_lossy(bytes));
        }
    }

    #[test]
    fn entries_of_journald() {
        for (json, expected) in [
            (
                r#"{"__REALTIME_TIMESTAMP":"1795258441500000","MESSAGE":"up","SYSLOG_IDENTIFIER":"etcd","_PID":"7"}"#,
                Some("etcd[7]: up"),
            ),
            (r#"{"__REALTIME_TIMESTAMP":"1795258441500000","MESSAGE":[104,105],"_COMM":"x"}"#, Some("x: hi")),
            (r#"{"__REALTIME_TIMESTAMP":"1795258441500000","MESSAGE":null}"#, Some("(an entry that")),
            (r#"{"MESSAGE":"x"}"#, None),
            ("-- No entries --", None),
        ] {
            let found = journald_entry(json);
            match expected {
                Some(text) => {
                    let (time, found) = found.unwrap();
                    assert!(found.starts_with(text), "{found}");
                    assert_eq!(time.unix_timestamp_nanos() / 1_000_000, 1_795_258_441_500);
                }
                None => assert_eq!(found, None),
            }
        }
    }

    #[test]
    fn the_last_of_each_name_in_order() {
        let line = |seconds, name: &str| Line {
            time: OffsetDateTime::from_unix_timestamp(seconds).unwrap(),
            name: name.into(),
            number: None,
            machine: "m".into(),
            stream: Stream::Journal,
            text: seconds.to_string(),
            origin: String::new(),
        };
        let lines = || vec![line(3, "a"), line(1, "b"), line(2, "a"), line(4, "a"), line(0, "b")];
        let texts = |lines: Vec<Line>| lines.into_iter().map(|line| line.name + &line.text).collect::<Vec<_>>();
        assert_eq!(texts(last(lines(), Some(2))), ["b0", "b1", "a3", "a4"]);
        assert_eq!(texts(last(lines(), None)), ["b0", "b1", "a2", "a3", "a4"]);
        assert_eq!(texts(last(lines(), Some(0))).len(), 0);
    }
}
