//! Durations as Compose writes them: `1m30s`, `1h5m`, `250ms`.
//!
//! <https://github.com/compose-spec/compose-spec/blob/main/11-extension.md#specifying-durations>

use std::time::Duration;

/// Why a text is no duration.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be a duration such as `90s`, `1m30s` or `500ms`, found `{0}`")]
pub struct InvalidDuration(String);

/// Reads a duration; units are `us`, `ms`, `s`, `m`, `h`, each at most once in any order. Plain `0` is allowed.
pub fn parse_duration(text: &str) -> Result<Duration, InvalidDuration> {
    let invalid = || InvalidDuration(text.to_owned());
    if text == "0" {
        return Ok(Duration::ZERO);
    }
    let mut rest = text;
    let mut nanoseconds: u128 = 0;
    let mut seen = Vec::new();
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !(c.is_ascii_digit() || c == '.')).ok_or_else(invalid)?;
        let (number, tail) = rest.split_at(digits);
        let letters = tail.find(|c: char| c.is_ascii_digit() || c == '.').unwrap_or(tail.len());
        let (unit, tail) = tail.split_at(letters);
        let scale: u128 = match unit {
            "us" | "µs" => 1_000,
            "ms" => 1_000_000,
            "s" => 1_000_000_000,
            "m" => 60 * 1_000_000_000,
            "h" => 3600 * 1_000_000_000,
            _ => return Err(invalid()),
        };
        if seen.contains(&unit) {
            return Err(invalid());
        }
        seen.push(unit);
        nanoseconds += scaled(number, scale).ok_or_else(invalid)?;
        rest = tail;
    }
    match u64::try_from(nanoseconds) {
        // The Engine's API counts in signed nanoseconds.
        Ok(nanoseconds) if !seen.is_empty() && i64::try_from(nanoseconds).is_ok() => {
            Ok(Duration::from_nanos(nanoseconds))
        }
        _ => Err(invalid()),
    }
}

/// `1.5` times a scale, exactly.
pub(super) fn scaled(number: &str, scale: u128) -> Option<u128> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if whole.is_empty() && fraction.is_empty() || whole.len() > 18 || fraction.len() > 12 || fraction.contains('.') {
        return None;
    }
    let digits = |text: &str| if text.is_empty() { Some(0) } else { text.parse::<u128>().ok() };
    let denominator = 10u128.pow(u32::try_from(fraction.len()).ok()?);
    Some(digits(whole)? * scale + digits(fraction)? * scale / denominator)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations() {
        for (text, milliseconds) in [
            ("0", Some(0)),
            ("0s", Some(0)),
            ("5s", Some(5_000)),
            ("1m30s", Some(90_000)),
            ("1h5m30s20ms", Some(3_930_020)),
            ("1.5s", Some(1_500)),
            ("2500us", Some(2)),
            ("", None),
            ("5", None),
            ("s", None),
            ("5 s", None),
            ("-5s", None),
            ("1d", None),
            ("1s1s", None),
            ("1..5s", None),
            ("999999999999999999h", None),
        ] {
            let found = parse_duration(text).ok().map(|duration| duration.as_millis());
            assert_eq!(found, milliseconds, "{text}");
        }
    }
}
