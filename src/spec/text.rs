//! Types that stand in documents as the text that people write, and are checked again when they are read.

/// For a type with `FromStr` and `Display`: what serde's `try_from = "String", into = "String"` asks for.
macro_rules! stands_as_text {
    ($type:ty, $error:ty) => {
        impl TryFrom<String> for $type {
            type Error = $error;

            fn try_from(text: String) -> Result<Self, $error> {
                text.parse()
            }
        }

        impl From<$type> for String {
            fn from(value: $type) -> String {
                value.to_string()
            }
        }
    };
}

pub(super) use stands_as_text;
