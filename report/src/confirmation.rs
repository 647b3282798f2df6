//! A question to whoever sits at the terminal.

use std::io::Write as _;

use crate::{Failure, printable};

/// Asks a question on stderr; anything but `y` or `yes` is no.
pub async fn confirm(question: &str) -> Result<bool, Failure> {
    let mut stderr = std::io::stderr();
    let _ = write!(stderr, "{} [y/N] ", printable(question)).and_then(|()| stderr.flush());
    // On a thread of its own, so that Ctrl-C is heard meanwhile.
    let read = || {
        let mut answer = String::new();
        std::io::stdin().read_line(&mut answer).map(|_| answer)
    };
    let answer = tokio::task::spawn_blocking(read).await.map_err(anyhow::Error::new)?.map_err(anyhow::Error::new)?;
    Ok(["y", "yes"].contains(&answer.trim().to_ascii_lowercase().as_str()))
}
