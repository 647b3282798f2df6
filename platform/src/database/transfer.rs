//! Streams of bytes to and from a program in the database's container: measured, never whole in memory.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::mpsc;

use super::{Database, in_container};
use nodes::ssh::Ending;
use report::Failure;

/// Of what a program complains about, the last.
const MOST_COMPLAINT_BYTES: usize = 16 << 10;
/// Shown of them.
const MOST_COMPLAINT_LINES: usize = 5;

/// A stream that remembers how much went through it, and what went wrong with it.
#[derive(Debug)]
pub(crate) struct Measured<S> {
    stream: S,
    pub bytes: u64,
    pub error: Option<io::Error>,
}

impl<S> Measured<S> {
    pub(crate) fn new(stream: S) -> Self {
        Self { stream, bytes: 0, error: None }
    }

    fn note<T>(&mut self, result: io::Result<T>) -> io::Result<T> {
        result.map_err(|error| {
            let kind = error.kind();
            self.error.get_or_insert(error);
            kind.into()
        })
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Measured<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let result = ready!(Pin::new(&mut self.stream).poll_read(context, buffer));
        self.bytes += (buffer.filled().len() - before) as u64;
        Poll::Ready(self.note(result))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Measured<S> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let result = ready!(Pin::new(&mut self.stream).poll_write(context, bytes));
        self.bytes += *result.as_ref().unwrap_or(&0) as u64;
        Poll::Ready(self.note(result))
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let result = ready!(Pin::new(&mut self.stream).poll_flush(context));
        Poll::Ready(self.note(result))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let result = ready!(Pin::new(&mut self.stream).poll_shutdown(context));
        Poll::Ready(self.note(result))
    }
}

/// The last of what a program complains about.
#[derive(Default)]
struct Complaint(Vec<u8>);

impl Complaint {
    fn text(&self) -> String {
        let text = String::from_utf8_lossy(&self.0);
        let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
        lines[lines.len().saturating_sub(MOST_COMPLAINT_LINES)..].join("; ")
    }
}

impl AsyncWrite for Complaint {
    fn poll_write(mut self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.0.extend_from_slice(bytes);
        let excess = self.0.len().saturating_sub(MOST_COMPLAINT_BYTES);
        self.0.drain(..excess);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

impl Database<'_> {
    /// Runs `script` in the container with these streams. Without an inner error it succeeded; else what it said, which is
    /// nothing when `output` took no more.
    pub(super) async fn stream(
        &self,
        script: &str,
        input: impl AsyncRead + Unpin,
        output: impl AsyncWrite + Unpin,
    ) -> Result<Result<(), String>, Failure> {
        let session = self.node.session().await.map_err(|error| self.unreachable(error))?;
        let command = in_container(&self.container, script);
        let conversation = session.converse(Some(&command), None).await.map_err(|error| self.unreachable(error))?;
        let (_, nudges) = mpsc::channel(1);
        let mut complaint = Complaint::default();
        let ending = conversation.carry(input, output, &mut complaint, nudges).await;
        Ok(match ending.map_err(|error| self.unreachable(error))? {
            Ending::Status(0) => Ok(()),
            Ending::Status(status) => Err(format!("exit status {status}: {}", complaint.text())),
            Ending::ReaderGone => Err(String::new()),
        })
    }
}
