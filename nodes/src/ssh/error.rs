//! Why a node could not be talked to.

use std::time::Duration;

/// What went wrong on the way to a node or on it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SshError {
    /// No TCP connection.
    #[error("connecting to {address}: {reason}")]
    Connect { address: String, reason: String },
    /// The server is not the machine that we set up.
    #[error("the host key of {address} is not the one that was given to the machine; it offers {offered}")]
    HostKey { address: String, offered: String },
    /// The server accepts none of the keys.
    #[error("{address} refuses the key: {reason}")]
    Authentication { address: String, reason: String },
    /// The private key cannot be used.
    #[error("{0}")]
    Identity(String),
    /// The connection broke or the protocol was not kept.
    #[error("the SSH connection to {address} broke: {reason}")]
    Protocol { address: String, reason: String },
    /// Nothing came in time.
    #[error("{address} did not answer within {} s", .within.as_secs())]
    TimedOut { address: String, within: Duration },
}

impl SshError {
    /// Whether the same try may succeed later: the machine is still starting.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Connect { .. } | Self::Protocol { .. } | Self::TimedOut { .. } | Self::Authentication { .. } => true,
            Self::HostKey { .. } | Self::Identity(_) => false,
        }
    }
}
