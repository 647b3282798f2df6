//! Tags of the user's on every resource.
//! <https://learn.microsoft.com/azure/azure-resource-manager/management/tag-resources#limitations>

use std::str::FromStr;

use super::reserved;

/// What our own tags begin with.
const OURS: &str = "coreos-cluster";
const NAME_CHARACTERS: usize = 512;
const VALUE_CHARACTERS: usize = 256;
/// Tags on one resource, less our own three.
pub const MOST_TAGS: usize = 47;

/// One tag.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tag {
    pub name: String,
    pub value: String,
}

/// Why a tag was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("tag `{text}`: {why}")]
pub struct InvalidTag {
    text: String,
    why: String,
}

impl FromStr for Tag {
    type Err = InvalidTag;

    /// `name=value`; the value may be empty or hold further `=`.
    fn from_str(text: &str) -> Result<Self, InvalidTag> {
        let invalid = |why: String| Err(InvalidTag { text: text.to_owned(), why });
        let Some((name, value)) = text.split_once('=') else {
            return invalid("is not NAME=VALUE".into());
        };
        if name.is_empty() || name.chars().count() > NAME_CHARACTERS {
            return invalid(format!("a name has 1 to {NAME_CHARACTERS} characters"));
        }
        if let Some(bad) = name.chars().find(|c| "<>%&\\?/".contains(*c)) {
            return invalid(format!("a name must not have `{bad}`"));
        }
        if name.to_ascii_lowercase().starts_with(OURS) {
            return invalid(format!("names that begin with `{OURS}` are this program's own"));
        }
        if let Some(prefix) = reserved::tag_prefix(name) {
            return invalid(format!("Azure keeps names that begin with `{prefix}` for tags of its own"));
        }
        if name.chars().chain(value.chars()).any(char::is_control) {
            return invalid("has a control character".into());
        }
        if value.chars().count() > VALUE_CHARACTERS {
            return invalid(format!("a value has at most {VALUE_CHARACTERS} characters"));
        }
        Ok(Self { name: name.to_owned(), value: value.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags() {
        for (text, expected) in [
            ("a=b", Ok(("a", "b"))),
            ("a=b=c", Ok(("a", "b=c"))),
            ("a=", Ok(("a", ""))),
            ("a", Err("is not NAME=VALUE")),
            ("=b", Err("1 to 512 characters")),
            ("a/b=c", Err("must not have `/`")),
            ("coreos-cluster=x", Err("this program's own")),
            ("Microsoft.x=1", Err("begin with `microsoft` for tags of its own")),
            ("windows=1", Err("begin with `windows`")),
            ("AzureTeam=1", Err("begin with `azure`")),
            ("a\u{1b}=1", Err("control character")),
        ] {
            match (text.parse::<Tag>(), expected) {
                (Ok(tag), Ok(expected)) => assert_eq!((tag.name.as_str(), tag.value.as_str()), expected),
                (Err(error), Err(part)) => assert!(error.to_string().contains(part), "{error}"),
                (found, _) => panic!("{text}: {found:?}"),
            }
        }
    }
}
