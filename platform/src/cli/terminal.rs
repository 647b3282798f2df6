//! This terminal and these streams, joined to a program on a node. The terminal is as it was before on every way out.

use std::io::IsTerminal as _;
use std::time::Duration;

use rustix::termios::{OptionalActions, Termios, tcgetattr, tcgetwinsize, tcsetattr};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc::{Sender, channel};

use nodes::ssh::{Ending, Nudge, PseudoTerminal, Session, SshError, WindowSize};
use report::Failure;

/// What terminals are taken for that do not say.
const USUAL_SIZE: WindowSize = WindowSize { columns: 80, rows: 24 };
const USUAL_KIND: &str = "xterm";
/// A program that was told to end may take so long.
const GRACE: Duration = Duration::from_secs(2);
/// What shells report for a program whose reader went away: 128 and SIGPIPE's number.
const READER_GONE: u8 = 141;

/// Whether someone sits there: input and output are a terminal.
pub(super) fn is_interactive() -> bool {
    std::io::stdin().is_terminal() && std::io::stdout().is_terminal()
}

/// Why a conversation has no exit status.
pub(super) enum Cut {
    /// Ctrl-C twice, or a signal that ends programs.
    Interrupted,
    Lost(SshError),
}

/// Runs `command`, or a login shell, on a node until it ends; returns its exit status. With a terminal, keys go to the
/// program as they are, Ctrl-C too; without one, Ctrl-C interrupts the program, and ends us when it comes again.
pub(super) async fn hold(session: &Session, command: Option<&str>, with_terminal: bool) -> Result<u8, Cut> {
    let terminal = with_terminal.then(|| PseudoTerminal {
        kind: std::env::var("TERM").ok().filter(|kind| !kind.is_empty()).unwrap_or_else(|| USUAL_KIND.into()),
        size: window_size(),
    });
    let conversation = session.converse(command, terminal.as_ref()).await.map_err(Cut::Lost)?;
    let (sender, nudges) = channel(16);
    let signals = Signals::new().map_err(|error| Cut::Lost(session.broken(&error)))?;
    let raw = if with_terminal { RawTerminal::enter() } else { None };
    let carried = conversation.carry(tokio::io::stdin(), tokio::io::stdout(), tokio::io::stderr(), nudges);
    tokio::pin!(carried);
    let ending = tokio::select! {
        ending = &mut carried => Some(ending),
        () = signals.pass_on(&sender, with_terminal) => tokio::time::timeout(GRACE, carried).await.ok().and(None),
    };
    drop(raw);
    match ending {
        Some(Ok(Ending::Status(status))) => Ok(status),
        Some(Ok(Ending::ReaderGone)) => Ok(READER_GONE),
        Some(Err(error)) => Err(Cut::Lost(error)),
        None => Err(Cut::Interrupted),
    }
}

impl Cut {
    /// The failure, with `unreachable` for a lost connection.
    pub(super) fn failure(self, unreachable: impl FnOnce(SshError) -> Failure) -> Failure {
        match self {
            Self::Interrupted => Failure::Interrupted { hint: "run the same command again".into() },
            Self::Lost(error) => unreachable(error),
        }
    }
}

/// The size of the terminal that we write to, or are read from.
fn window_size() -> WindowSize {
    let size = tcgetwinsize(rustix::stdio::stdout()).or_else(|_| tcgetwinsize(rustix::stdio::stdin()));
    match size {
        Ok(size) if size.ws_col > 0 && size.ws_row > 0 => {
            WindowSize { columns: u32::from(size.ws_col), rows: u32::from(size.ws_row) }
        }
        _ => USUAL_SIZE,
    }
}

/// The terminal without line editing, echo and signal keys, until this is dropped.
struct RawTerminal {
    before: Termios,
}

impl RawTerminal {
    /// None when standard input is no terminal.
    fn enter() -> Option<Self> {
        let before = tcgetattr(rustix::stdio::stdin()).ok()?;
        let mut raw = before.clone();
        raw.make_raw();
        tcsetattr(rustix::stdio::stdin(), OptionalActions::Drain, &raw).ok()?;
        Some(Self { before })
    }
}

impl Drop for RawTerminal {
    fn drop(&mut self) {
        let _ = tcsetattr(rustix::stdio::stdin(), OptionalActions::Drain, &self.before);
    }
}

/// Signals that concern a conversation.
struct Signals {
    resized: Signal,
    interrupt: Signal,
    terminate: Signal,
    quit: Signal,
    hang_up: Signal,
}

impl Signals {
    fn new() -> std::io::Result<Self> {
        Ok(Self {
            resized: signal(SignalKind::window_change())?,
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            quit: signal(SignalKind::quit())?,
            hang_up: signal(SignalKind::hangup())?,
        })
    }

    /// Tells the program of signals until one of them ends us.
    async fn pass_on(mut self, nudges: &Sender<Nudge>, with_terminal: bool) {
        let mut interrupted = false;
        // An interactive shell ends when its terminal is gone, and by nothing else.
        let end = if with_terminal { Nudge::HangUp } else { Nudge::Terminate };
        loop {
            let (nudge, last) = tokio::select! {
                _ = self.resized.recv(), if with_terminal => (Nudge::Resize(window_size()), false),
                _ = self.interrupt.recv() => (Nudge::Interrupt, std::mem::replace(&mut interrupted, true)),
                _ = self.terminate.recv() => (end.clone(), true),
                _ = self.quit.recv() => (end.clone(), true),
                _ = self.hang_up.recv() => (Nudge::HangUp, true),
            };
            let _ = nudges.send(nudge).await;
            if last {
                return;
            }
        }
    }
}
