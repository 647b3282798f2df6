//! A conversation with a program on a node: its standard streams, and its terminal where it has one, joined to ours.
//! RFC 4254 §6.
//!
//! `platformctl ssh` and `dock` call it.

use russh::{ChannelMsg, ChannelReadHalf, ChannelWriteHalf, Sig, client};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::sync::mpsc::Receiver;

use super::error::SshError;
use super::session::Session;

/// Read from our side at a time.
const BLOCK_BYTES: usize = 32 * 1024;
/// What shells report for a program that ended by signal n is 128 + n.
const SIGNAL_BASE: u8 = 128;

/// The terminal that a program is given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PseudoTerminal {
    /// What `TERM` says.
    pub kind: String,
    pub size: WindowSize,
}

/// A terminal's size in characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WindowSize {
    pub columns: u32,
    pub rows: u32,
}

/// What a program is told meanwhile, besides its standard input.
#[derive(Clone, Debug)]
pub enum Nudge {
    Resize(WindowSize),
    Interrupt,
    Terminate,
    HangUp,
}

/// How a conversation ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// The program's exit status; 128 + n when it ended by signal n.
    Status(u8),
    /// Nobody reads our side's output any more.
    ReaderGone,
}

/// A program that runs on a node.
pub struct Conversation<'s> {
    session: &'s Session,
    reading: ChannelReadHalf,
    writing: ChannelWriteHalf<client::Msg>,
}

impl Session {
    /// Starts `command` in the account's shell, or the login shell itself; with a terminal when there is to be one.
    pub async fn converse(
        &self,
        command: Option<&str>,
        terminal: Option<&PseudoTerminal>,
    ) -> Result<Conversation<'_>, SshError> {
        let channel = self.channel().await?;
        let (reading, writing) = channel.split();
        let mut conversation = Conversation { session: self, reading, writing };
        if let Some(PseudoTerminal { kind, size }) = terminal {
            let requested = conversation.writing.request_pty(true, kind, size.columns, size.rows, 0, 0, &[]).await;
            requested.map_err(|error| self.broken(&error))?;
            conversation.granted("a terminal").await?;
        }
        let requested = match command {
            Some(command) => conversation.writing.exec(true, command).await,
            None => conversation.writing.request_shell(true).await,
        };
        requested.map_err(|error| self.broken(&error))?;
        conversation.granted("to run a program").await?;
        Ok(conversation)
    }
}

impl Conversation<'_> {
    /// The server's answer to the last request.
    async fn granted(&mut self, what: &str) -> Result<(), SshError> {
        loop {
            match self.reading.wait().await {
                Some(ChannelMsg::Success) => return Ok(()),
                Some(ChannelMsg::Failure) => {
                    return Err(self.session.broken(&format!("the server does not grant {what}")));
                }
                Some(ChannelMsg::Close) | None => return Err(self.session.broken(&"the server closed the channel")),
                Some(_) => {}
            }
        }
    }

    /// Carries bytes and nudges until the program ends. The end of `input` is the end of the program's; an input that
    /// cannot be read counts as ended.
    pub async fn carry(
        self,
        input: impl AsyncRead + Unpin,
        mut output: impl AsyncWrite + Unpin,
        mut errors: impl AsyncWrite + Unpin,
        nudges: Receiver<Nudge>,
    ) -> Result<Ending, SshError> {
        let Self { session, mut reading, writing } = self;
        let hearing = async {
            let mut status = None;
            while let Some(message) = reading.wait().await {
                let written = match message {
                    ChannelMsg::Data { data } => write(&mut output, &data).await,
                    ChannelMsg::ExtendedData { data, .. } => write(&mut errors, &data).await,
                    ChannelMsg::ExitStatus { exit_status } => {
                        // Exit statuses have eight bits; what is in the others is no success either.
                        status = Some(u8::try_from(exit_status).unwrap_or(u8::MAX));
                        Ok(())
                    }
                    ChannelMsg::ExitSignal { signal_name, .. } => {
                        status = Some(SIGNAL_BASE + number(&signal_name));
                        Ok(())
                    }
                    _ => Ok(()),
                };
                if written.is_err() {
                    return Ok(Ending::ReaderGone);
                }
            }
            status.map(Ending::Status).ok_or_else(|| session.broken(&"the program's end was not told"))
        };
        tokio::select! {
            ending = hearing => ending,
            never = async { tokio::join!(speak(&writing, input), nudge(&writing, nudges)) } => match never {},
        }
    }
}

async fn write(output: &mut (impl AsyncWrite + Unpin), data: &[u8]) -> std::io::Result<()> {
    output.write_all(data).await?;
    output.flush().await
}

/// Sends our input on. What the connection says to it is heard by the one who listens.
async fn speak(writing: &ChannelWriteHalf<client::Msg>, mut input: impl AsyncRead + Unpin) -> std::convert::Infallible {
    let mut block = vec![0; BLOCK_BYTES];
    loop {
        match input.read(&mut block).await {
            Ok(0) | Err(_) => break,
            Ok(length) => {
                if writing.data(&block[..length]).await.is_err() {
                    break;
                }
            }
        }
    }
    let _ = writing.eof().await;
    std::future::pending().await
}

async fn nudge(writing: &ChannelWriteHalf<client::Msg>, mut nudges: Receiver<Nudge>) -> std::convert::Infallible {
    while let Some(nudge) = nudges.recv().await {
        let _ = match nudge {
            Nudge::Resize(WindowSize { columns, rows }) => writing.window_change(columns, rows, 0, 0).await,
            Nudge::Interrupt => writing.signal(Sig::INT).await,
            Nudge::Terminate => writing.signal(Sig::TERM).await,
            Nudge::HangUp => writing.signal(Sig::HUP).await,
        };
    }
    std::future::pending().await
}

/// Linux' numbers of the signals that SSH has names for.
fn number(signal: &Sig) -> u8 {
    match signal {
        Sig::HUP => 1,
        Sig::INT => 2,
        Sig::QUIT => 3,
        Sig::ILL => 4,
        Sig::ABRT => 6,
        Sig::FPE => 8,
        Sig::KILL => 9,
        Sig::USR1 => 10,
        Sig::SEGV => 11,
        Sig::PIPE => 13,
        Sig::ALRM => 14,
        Sig::TERM => 15,
        Sig::Custom(_) => 0,
    }
}
