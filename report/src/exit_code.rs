//! Exit codes; they are an interface and listed in the README.

pub const DONE: u8 = 0;
/// A bug, or something nobody thought of.
pub const UNEXPECTED: u8 = 1;
pub const USAGE: u8 = 2;
pub const INVALID_SPEC: u8 = 3;
pub const SIGN_IN: u8 = 4;
/// Quota, policy, a name that is taken.
pub const AZURE_REFUSED: u8 = 5;
/// No answer, or none in time.
pub const AZURE_UNREACHABLE: u8 = 6;
pub const HOST_UNREACHABLE: u8 = 7;
/// A cluster or a platform that is there but not well.
pub const UNHEALTHY: u8 = 8;
/// `plan --exit-code`: something is to be done; `status --exit-code`: something was changed by hand.
pub const CHANGES_PENDING: u8 = 10;
/// Stopped by the user; running again goes on.
pub const INTERRUPTED: u8 = 130;
