//! What names a cluster that is to form: whoever knows it can register.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

const BYTES: usize = 16;

/// 32 hexadecimal digits in lower case.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Token(String);

/// Why a token was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("token `{0}` is not 32 hexadecimal digits in lower case")]
pub struct InvalidToken(String);

impl Token {
    /// One that nobody can guess.
    pub fn random() -> Self {
        let bytes: [u8; BYTES] = rand::random();
        Self(hex::encode(bytes))
    }
}

impl FromStr for Token {
    type Err = InvalidToken;

    fn from_str(text: &str) -> Result<Self, InvalidToken> {
        let is_token = text.len() == 2 * BYTES && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        if is_token { Ok(Self(text.to_owned())) } else { Err(InvalidToken(text.to_owned())) }
    }
}

impl fmt::Display for Token {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl TryFrom<String> for Token {
    type Error = InvalidToken;

    fn try_from(text: String) -> Result<Self, InvalidToken> {
        text.parse()
    }
}

impl From<Token> for String {
    fn from(token: Token) -> String {
        token.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens() {
        let random = Token::random();
        assert_ne!(random, Token::random());
        for (text, good) in [
            (random.to_string().as_str(), true),
            ("0123456789abcdef0123456789abcdef", true),
            ("0123456789ABCDEF0123456789abcdef", false),
            ("0123456789abcdef", false),
            ("0123456789abcdef0123456789abcdeg", false),
            ("", false),
        ] {
            assert_eq!(text.parse::<Token>().is_ok(), good, "{text}");
        }
    }
}
