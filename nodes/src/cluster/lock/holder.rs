//! Who holds a cluster's lock, as it stands in etcd and as others are told.

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// Longer words of others are cut, in characters.
const LONGEST_WORD: usize = 120;

/// Who changes a cluster, and since when. Nothing of it is secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    pub user: String,
    /// The machine that the command runs on.
    pub host: String,
    pub process_id: u32,
    /// RFC 3339.
    pub since: String,
    /// The command without values: `platformctl start platform`.
    pub command: String,
}

impl Holder {
    /// This process, from now on.
    pub fn here(user: String, command: &str) -> Self {
        let now = OffsetDateTime::now_utc();
        Self {
            user,
            host: rustix::system::uname().nodename().to_string_lossy().into_owned(),
            process_id: std::process::id(),
            since: now.replace_nanosecond(0).unwrap_or(now).format(&Rfc3339).unwrap_or_default(),
            command: command.to_owned(),
        }
    }
}

impl std::fmt::Display for Holder {
    /// One line: the words are someone else's.
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let word = |text: &str| report::one_line(text, LONGEST_WORD);
        write!(
            formatter,
            "{} on {} (process {}) since {} for `{}`",
            word(&self.user),
            word(&self.host),
            self.process_id,
            word(&self.since),
            word(&self.command)
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn others_are_told_who_it_is() {
        let holder = Holder {
            user: "ann".into(),
            host: "lap\u{1b}[31mtop".into(),
            process_id: 7,
            since: "2026-01-02T03:04:05Z".into(),
            command: "platformctl start platform\n".into(),
        };
        assert_eq!(
            holder.to_string(),
            "ann on lap\\u{1b}[31mtop (process 7) since 2026-01-02T03:04:05Z for `platformctl start platform`"
        );
        let here = Holder::here("ann".into(), "platformctl stop router");
        assert_eq!((here.process_id, here.command.as_str()), (std::process::id(), "platformctl stop router"));
        assert!(!here.host.is_empty() && here.since.ends_with('Z'));
    }
}
