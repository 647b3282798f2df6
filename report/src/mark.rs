//! What a line begins with: how what it tells of is.

use std::fmt;

/// A sign, and its color on a terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mark {
    sign: &'static str,
    /// <https://en.wikipedia.org/wiki/ANSI_escape_code#Colors>
    color: u8,
}

/// It is done, or as it should be.
pub const GOOD: Mark = Mark { sign: "●", color: 32 };
/// It is under way, or works though something does not.
pub const DEGRADED: Mark = Mark { sign: "▴", color: 33 };
/// It failed.
pub const BAD: Mark = Mark { sign: "■", color: 31 };

impl Mark {
    /// The sign in its color.
    pub(crate) fn painted(self) -> String {
        format!("\x1b[{}m{}\x1b[0m", self.color, self.sign)
    }
}

impl fmt::Display for Mark {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.sign)
    }
}
