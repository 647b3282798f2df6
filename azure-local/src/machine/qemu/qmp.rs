//! QEMU's control protocol (QMP) over the process's standard input and output: JSON, one object a line.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};
use tokio::io::{AsyncBufRead, AsyncBufReadExt, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::process::{ChildStdin, ChildStdout};
use tokio::sync::oneshot;
use tokio::time::timeout;

use crate::lock::lock;

/// QEMU answers at once unless the host is badly overloaded.
const ANSWER_PATIENCE: Duration = Duration::from_secs(60);

/// QEMU's arguments for a control connection on its standard input and output.
pub(super) const ARGUMENTS: [&str; 4] = ["-chardev", "stdio,id=qmp,signal=off", "-mon", "chardev=qmp,mode=control"];

type Output = Box<dyn AsyncWrite + Send + Unpin>;

/// A control connection.
pub(super) struct Qmp {
    output: tokio::sync::Mutex<Output>,
    heard: Arc<Mutex<Heard>>,
}

/// What the reading side knows.
#[derive(Default)]
struct Heard {
    next_command: u64,
    waiting: HashMap<u64, oneshot::Sender<Result<Value, String>>>,
    /// From the SHUTDOWN event; QEMU ends right after it.
    shutdown_reason: Option<String>,
    ended: bool,
}

impl Qmp {
    /// Takes over a new process's standard input and output and agrees on the protocol.
    pub(super) async fn connect(input: ChildStdout, output: ChildStdin) -> Result<Self> {
        Self::over(BufReader::new(input), Box::new(output)).await
    }

    async fn over(mut input: impl AsyncBufRead + Send + Unpin + 'static, output: Output) -> Result<Self> {
        let mut greeting = String::new();
        timeout(ANSWER_PATIENCE, input.read_line(&mut greeting))
            .await
            .context("waiting for QEMU's greeting")?
            .context("reading QEMU's greeting")?;
        if greeting.is_empty() {
            bail!("QEMU ended before its greeting");
        }
        let heard = Arc::new(Mutex::new(Heard::default()));
        tokio::spawn(listen(input, Arc::clone(&heard)));
        let connection = Self { output: tokio::sync::Mutex::new(output), heard };
        connection.execute("qmp_capabilities", json!({})).await?;
        Ok(connection)
    }

    /// Runs a command and returns its answer.
    pub(super) async fn execute(&self, command: &str, arguments: Value) -> Result<Value> {
        let (number, answered) = {
            let mut heard = lock(&self.heard);
            if heard.ended {
                bail!("running `{command}`: QEMU has ended");
            }
            let (answer, answered) = oneshot::channel();
            let number = heard.next_command;
            heard.next_command += 1;
            heard.waiting.insert(number, answer);
            (number, answered)
        };
        let mut line = json!({ "execute": command, "arguments": arguments, "id": number }).to_string();
        line.push('\n');
        let exchange = async {
            {
                let mut output = self.output.lock().await;
                output.write_all(line.as_bytes()).await?;
                output.flush().await?;
            }
            match answered.await {
                Ok(Ok(value)) => Ok(value),
                Ok(Err(message)) => bail!("{message}"),
                Err(_) => bail!("QEMU has ended"),
            }
        };
        timeout(ANSWER_PATIENCE, exchange)
            .await
            .unwrap_or_else(|_| bail!("no answer within {} s", ANSWER_PATIENCE.as_secs()))
            .with_context(|| format!("running `{command}`"))
    }

    /// Runs a command of the human monitor, for what QMP itself lacks, and returns its text.
    pub(super) async fn human(&self, command_line: &str) -> Result<String> {
        let answer = self.execute("human-monitor-command", json!({ "command-line": command_line })).await?;
        Ok(answer.as_str().unwrap_or_default().to_owned())
    }

    /// Why QEMU ends or has ended (`guest-reset`, `guest-shutdown`, `host-qmp-quit`, …); `None` while it runs and after
    /// a crash.
    pub(super) fn shutdown_reason(&self) -> Option<String> {
        lock(&self.heard).shutdown_reason.clone()
    }

    /// Returns when QEMU has closed its side and everything it said has been heard.
    pub(super) async fn ended(&self) {
        // Only asked for once the process is gone: what is left in the pipe is read in no time.
        while !lock(&self.heard).ended {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }
}

async fn listen(input: impl AsyncBufRead + Unpin, heard: Arc<Mutex<Heard>>) {
    let mut lines = input.lines();
    while let Ok(Some(line)) = lines.next_line().await {
        let Ok(mut message) = serde_json::from_str::<Value>(&line) else {
            tracing::warn!(line, "QEMU said something that is not JSON");
            continue;
        };
        let mut heard = lock(&heard);
        if message["event"] == "SHUTDOWN" {
            heard.shutdown_reason = Some(message["data"]["reason"].as_str().unwrap_or("unknown").to_owned());
        }
        if let Some(waiting) = message["id"].as_u64().and_then(|number| heard.waiting.remove(&number)) {
            let answer = match message["error"]["desc"].as_str() {
                Some(description) => Err(description.to_owned()),
                None => Ok(message["return"].take()),
            };
            let _ = waiting.send(answer);
        }
    }
    let mut heard = lock(&heard);
    heard.ended = true;
    heard.waiting.clear();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn answers_find_their_commands_and_the_end_is_explained() {
        let (ours, theirs) = tokio::io::duplex(4096);
        let (input, output) = tokio::io::split(ours);
        let qemu = tokio::spawn(async move {
            let (reader, mut writer) = tokio::io::split(theirs);
            let mut lines = BufReader::new(reader).lines();
            writer.write_all(b"{\"QMP\":{}}\r\n").await.expect("greeting");
            while let Some(line) = lines.next_line().await.expect("a line") {
                let command: Value = serde_json::from_str(&line).expect("JSON");
                let id = &command["id"];
                let answer = match command["execute"].as_str().expect("a command") {
                    "human-monitor-command" => json!({ "return": "text\r\n", "id": id }),
                    "qmp_capabilities" => json!({ "return": {}, "id": id }),
                    "quit" => break,
                    other => json!({ "error": { "desc": format!("no {other}") }, "id": id }),
                };
                writer.write_all(b"{\"event\":\"RTC_CHANGE\"}\r\n").await.expect("event");
                writer.write_all(format!("{answer}\r\n").as_bytes()).await.expect("answer");
            }
            let event = "{\"event\":\"SHUTDOWN\",\"data\":{\"guest\":true,\"reason\":\"guest-reset\"}}\r\n";
            writer.write_all(event.as_bytes()).await.expect("event");
        });

        let qmp = Qmp::over(BufReader::new(input), Box::new(output)).await.expect("connected");
        assert_eq!(qmp.human("info usernet").await.expect("text"), "text\r\n");
        let error = qmp.execute("dance", json!({})).await.expect_err("unknown");
        assert_eq!(format!("{error:#}"), "running `dance`: no dance");
        assert_eq!(qmp.shutdown_reason(), None);
        assert!(qmp.execute("quit", json!({})).await.is_err());
        qemu.await.expect("no panic");
        qmp.ended().await;
        assert_eq!(qmp.shutdown_reason().as_deref(), Some("guest-reset"));
        assert!(qmp.execute("cont", json!({})).await.is_err());
    }
}
