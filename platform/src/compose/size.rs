//! Amounts of memory as Compose writes them: `512m`, `1gb`, `1048576`.
//!
//! <https://github.com/compose-spec/compose-spec/blob/main/11-extension.md#specifying-byte-values>

use super::duration::scaled;

/// Why a text is no amount of bytes.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be an amount of bytes such as `64m`, `1gb` or `1048576`, found `{0}`")]
pub struct InvalidSize(String);

/// Reads an amount of bytes; units are `b`, `k`, `m`, `g`, `t`, with or without a `b`, each 1024 of the one before.
pub fn parse_size(text: &str) -> Result<u64, InvalidSize> {
    let invalid = || InvalidSize(text.to_owned());
    let lower = text.to_ascii_lowercase();
    let digits = lower.find(|c: char| !(c.is_ascii_digit() || c == '.')).unwrap_or(lower.len());
    let (number, unit) = lower.split_at(digits);
    let power = match unit {
        "" | "b" => 0,
        "k" | "kb" => 1,
        "m" | "mb" => 2,
        "g" | "gb" => 3,
        "t" | "tb" => 4,
        _ => return Err(invalid()),
    };
    let bytes = scaled(number, 1024u128.pow(power)).ok_or_else(invalid)?;
    // The Engine's API counts in signed numbers.
    i64::try_from(bytes).map(i64::cast_unsigned).map_err(|_| invalid())
}

/// `1.2 GiB`.
pub fn in_units(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["bytes", "KiB", "MiB", "GiB", "TiB"];
    let mut value = bytes as f64;
    let mut unit = 0;
    while value >= 1024.0 && unit + 1 < UNITS.len() {
        value /= 1024.0;
        unit += 1;
    }
    if unit == 0 || value >= 100.0 {
        format!("{value:.0} {}", UNITS[unit])
    } else {
        format!("{value:.1} {}", UNITS[unit])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes() {
        for (text, bytes) in [
            ("1048576", Some(1_048_576)),
            ("64m", Some(64 << 20)),
            ("1gb", Some(1 << 30)),
            ("1.5G", Some(3 << 29)),
            ("10b", Some(10)),
            ("2KB", Some(2048)),
            ("", None),
            ("m", None),
            ("1 m", None),
            ("-1", None),
            ("5mib", None),
            ("999999999t", None),
        ] {
            assert_eq!(parse_size(text).ok(), bytes, "{text}");
        }
    }

    #[test]
    fn units() {
        for (bytes, expected) in
            [(0, "0 bytes"), (1023, "1023 bytes"), (1536, "1.5 KiB"), (200 << 20, "200 MiB"), (3 << 40, "3.0 TiB")]
        {
            assert_eq!(in_units(bytes), expected);
        }
    }
}
