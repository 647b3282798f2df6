//! What names of routes' labels begin with: a bundle says it, so that routers of two bundles never read each other's.

use std::fmt;
use std::str::FromStr;

/// Longer ones are a mistake.
const LONGEST: usize = 60;

/// The beginning of labels' names, without the dot that follows: `platform.route`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LabelPrefix(String);

/// A text that no labels begin with.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is no prefix of labels: at most {LONGEST} of a-z, 0-9 and `-`, in parts between dots, such as `platform.route`"
)]
pub struct InvalidPrefix(String);

impl LabelPrefix {
    /// The whole name of the label `key`.
    pub fn name(&self, key: &str) -> String {
        format!("{}.{key}", self.0)
    }

    /// What follows the prefix in a label's name; none when it begins otherwise.
    pub fn key<'a>(&self, name: &'a str) -> Option<&'a str> {
        name.strip_prefix(&self.0)?.strip_prefix('.')
    }

    /// As text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for LabelPrefix {
    type Err = InvalidPrefix;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let is_part = |part: &str| {
            !part.is_empty() && part.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
        };
        match text.len() <= LONGEST && text.split('.').all(is_part) {
            true => Ok(Self(text.to_owned())),
            false => Err(InvalidPrefix(text.to_owned())),
        }
    }
}

impl fmt::Display for LabelPrefix {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefixes() {
        for (text, is_right) in
            [("platform.route", true), ("route", true), ("", false), ("a..b", false), (".a", false), ("A", false)]
        {
            assert_eq!(text.parse::<LabelPrefix>().is_ok(), is_right, "{text}");
        }
        let prefix: LabelPrefix = "platform.route".parse().unwrap();
        assert_eq!(prefix.key("platform.route.port"), Some("port"));
        assert_eq!(prefix.key("platform.routes.port"), None);
        assert_eq!(prefix.key(&prefix.name("port")), Some("port"));
    }
}
