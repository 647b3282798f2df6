//! A question to whoever sits at the terminal.

use std::io::{IsTerminal as _, Write as _};

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

/// Asks before something ends that others may use; an error when the answer is no, which `refusal` tells, or when nobody is
/// there to give one: that is `nobody_here`.
pub async fn demand_yes(question: &str, nobody_here: impl Into<String>, refusal: &str) -> Result<(), Failure> {
    if !std::io::stdin().is_terminal() {
        return Err(Failure::Usage(nobody_here.into()));
    }
    if confirm(question).await? { Ok(()) } else { Err(Failure::Usage(refusal.into())) }
}

/// Asks before something is removed; an error when the answer is no, or when nobody is there to give one: that is `nobody_here`.
pub async fn confirm_removal(question: &str, nobody_here: impl Into<String>) -> Result<(), Failure> {
    demand_yes(question, nobody_here, "nothing was removed").await
}
