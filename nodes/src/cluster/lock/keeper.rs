//! The shell on a node that keeps a lock's lease: a word on its standard input, a line of answer on its output.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use tokio::io::{AsyncBufReadExt as _, AsyncRead, AsyncWrite, AsyncWriteExt as _, BufStream};

use super::{Fence, Holder, LOCK_KEY};

/// Answers `look`, `take TRANSACTION`, `drop` and `keep` with `ok …` or `failed …`; all else, the end of its input, and
/// silence of 50 s end it, and with it the lease. The shell measures silence by the clock, which may be set meanwhile, in the
/// middle of a word too: what was read of it is kept, and the kernel's uptime is what counts. Without single quotes, so that it can stand in some.
pub const SCRIPT: &str = r#"
lease=
answer() { printf "%s %s\n" "$1" "$(printf %s "$2" | tail -n 1)"; }
tell() { if [ "$1" = 0 ]; then answer ok "$2"; else answer failed "$2"; fi; }
etc() { etcdctl --dial-timeout=10s --command-timeout=20s "$@" 2>&1; }
leave() { [ -z "$lease" ] || etc lease revoke "$lease" >/dev/null; lease=; }
trap leave EXIT
trap exit HUP INT TERM PIPE
uptime() { read -r said rest < /proc/uptime; printf %s "${said%.*}"; }
last=$(uptime)
read=
while :; do
  if IFS= read -r -t 50 line; then last=$(uptime)
  elif [ $? -le 128 ] || [ $(($(uptime) - last)) -ge 50 ]; then exit
  else read=$read$line; continue
  fi
  line=$read$line read=
  rest=${line#* }
  case ${line%% *} in
    look) said=$(etc --write-out=json get -- "$rest"); tell $? "$said" ;;
    take)
      leave
      said=$(etc lease grant 180) || { tell 1 "$said"; continue; }
      set -- $said; lease=$2
      said=$(printf %s "$rest" | base64 -d | sed "s/@lease/$lease/" | etc --write-out=json txn); tell $? "$said" ;;
    drop) leave; answer ok "" ;;
    keep) said=$(etc lease keep-alive --once "$lease"); tell $? "$said" ;;
    *) exit ;;
  esac
done
"#;

/// <https://github.com/etcd-io/etcd/blob/main/api/v3rpc/rpctypes/error.go>
const NO_SUCH_LEASE: &str = "requested lease not found";
/// One answer; etcdctl's own limits are shorter.
const ANSWER_DEADLINE: Duration = Duration::from_secs(60);
/// A line of answer holds a holder's record.
const LONGEST_ANSWER: u64 = 64 * 1024;

/// Talks to the shell.
pub(super) struct Keeper<S: AsyncRead + AsyncWrite> {
    stream: BufStream<S>,
}

/// Whether the lock is held.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Look {
    Free,
    /// Who holds it, for people.
    Held(String),
}

/// Why the shell does not do what it was asked for.
#[derive(Debug, thiserror::Error)]
pub(super) enum KeeperError {
    #[error("the connection to the node ended: {0}")]
    Ended(String),
    #[error("no answer within {} s", ANSWER_DEADLINE.as_secs())]
    Silent,
    /// etcdctl's words.
    #[error("{0}")]
    Refused(String),
    /// etcd's word that the lease has ended.
    #[error("{0}")]
    LeaseEnded(String),
    #[error("the answer is not what was expected: {0}")]
    Strange(String),
}

impl<S: AsyncRead + AsyncWrite + Unpin> Keeper<S> {
    /// Talks over the program's standard streams.
    pub(super) fn new(stream: S) -> Self {
        Self { stream: BufStream::new(stream) }
    }

    /// Whether someone holds the lock.
    pub(super) async fn look(&mut self) -> Result<Look, KeeperError> {
        let answer = self.ask(&format!("look {LOCK_KEY}")).await?;
        let Some(record) = read::<Records>(&answer)?.kvs.into_iter().next() else { return Ok(Look::Free) };
        Ok(Look::Held(holder(&record.value).map_or_else(|| "someone".to_owned(), |holder| holder.to_string())))
    }

    /// Takes the lock; none when someone else was quicker.
    pub(super) async fn take(&mut self, holder: &Holder) -> Result<Option<Fence>, KeeperError> {
        let record = serde_json::to_string(holder).map_err(|error| KeeperError::Strange(error.to_string()))?;
        // A record in base 64 needs no quoting, whatever people are called.
        let transaction = format!(
            "create(\"{LOCK_KEY}\") = \"0\"\n\nput --lease=@lease -- \"{LOCK_KEY}\" \"{}\"\n\n\n",
            STANDARD.encode(record)
        );
        let answer = self.ask(&format!("take {}", STANDARD.encode(transaction))).await?;
        let transaction: Transaction = read(&answer)?;
        if !transaction.succeeded {
            self.ask("drop").await?;
            return Ok(None);
        }
        Ok(Some(Fence { revision: transaction.header.revision }))
    }

    /// Renews the lease; however late the answer comes, it is waited for, so that no answer is taken for another one's.
    pub(super) async fn renew(&mut self) -> Result<(), KeeperError> {
        match self.converse("keep").await {
            Err(KeeperError::Refused(said)) if said.contains(NO_SUCH_LEASE) => Err(KeeperError::LeaseEnded(said)),
            other => other.map(drop),
        }
    }

    /// Lets go and waits until the shell has ended.
    pub(super) async fn leave(&mut self, within: Duration) {
        let leaving = async {
            self.stream.write_all(b"leave\n").await?;
            self.stream.flush().await?;
            // An answer that was under way comes first.
            let mut line = String::new();
            while self.stream.read_line(&mut line).await? > 0 {
                line.clear();
            }
            Ok::<_, std::io::Error>(())
        };
        match tokio::time::timeout(within, leaving).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::debug!(%error, "letting go of the cluster's lock"),
            Err(_) => tracing::debug!("the node does not say that it has let go of the cluster's lock"),
        }
    }

    async fn ask(&mut self, words: &str) -> Result<String, KeeperError> {
        tokio::time::timeout(ANSWER_DEADLINE, self.converse(words)).await.map_err(|_| KeeperError::Silent)?
    }

    async fn converse(&mut self, words: &str) -> Result<String, KeeperError> {
        let asking = async {
            self.stream.write_all(format!("{words}\n").as_bytes()).await?;
            self.stream.flush().await?;
            let mut line = String::new();
            let mut limited = tokio::io::AsyncReadExt::take(&mut self.stream, LONGEST_ANSWER);
            limited.read_line(&mut line).await.map(|_| line)
        };
        let line = asking.await.map_err(|error| KeeperError::Ended(error.to_string()))?;
        match line.trim_end().split_once(' ').unwrap_or((line.trim_end(), "")) {
            ("", _) => Err(KeeperError::Ended("it said nothing".into())),
            ("ok", answer) => Ok(answer.to_owned()),
            ("failed", said) => {
                let said = said.trim().trim_start_matches("Error: ");
                Err(KeeperError::Refused(if said.is_empty() { "no reason given" } else { said }.to_owned()))
            }
            _ => Err(KeeperError::Strange(line)),
        }
    }
}

/// etcdctl's answer to `get`: no list when there is nothing.
#[derive(Deserialize)]
struct Records {
    #[serde(default)]
    kvs: Vec<Record>,
}

#[derive(Deserialize)]
struct Record {
    value: String,
}

/// etcdctl's answer to `txn`: Go leaves `succeeded` out when it is false.
#[derive(Deserialize)]
struct Transaction {
    header: Header,
    #[serde(default)]
    succeeded: bool,
}

#[derive(Deserialize)]
struct Header {
    revision: i64,
}

fn read<T: DeserializeOwned>(answer: &str) -> Result<T, KeeperError> {
    serde_json::from_str(answer).map_err(|error| KeeperError::Strange(format!("{error}: {answer}")))
}

/// The record in a value as etcdctl prints it.
fn holder(value: &str) -> Option<Holder> {
    let text = STANDARD.decode(STANDARD.decode(value).ok()?).ok()?;
    serde_json::from_slice(&text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn someone() -> Holder {
        Holder {
            user: "ann".into(),
            host: "here".into(),
            process_id: 7,
            since: "2026-01-02T03:04:05Z".into(),
            command: "platformctl start platform".into(),
        }
    }

    /// A keeper whose shell answers these lines, whatever it is asked.
    fn answering(lines: &[&str]) -> Keeper<tokio::io::DuplexStream> {
        let (ours, mut theirs) = tokio::io::duplex(64 * 1024);
        let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
        tokio::spawn(async move {
            let _ = theirs.write_all(text.as_bytes()).await;
            let mut rest = Vec::new();
            // Stays open, as a shell does that waits for the next word.
            let _ = tokio::io::AsyncReadExt::read_to_end(&mut theirs, &mut rest).await;
        });
        Keeper::new(ours)
    }

    #[tokio::test]
    async fn answers_are_understood() {
        let record = STANDARD.encode(STANDARD.encode(serde_json::to_string(&someone()).unwrap()));
        let held = format!("ok {{\"header\":{{}},\"kvs\":[{{\"value\":\"{record}\"}}],\"count\":1}}");
        for (line, expected) in [
            ("ok {\"header\":{\"revision\":1}}", Ok(Look::Free)),
            (held.as_str(), Ok(Look::Held(someone().to_string()))),
            ("ok {\"kvs\":[{\"value\":\"eA==\"}]}", Ok(Look::Held("someone".into()))),
            ("failed Error: context deadline exceeded", Err("context deadline exceeded")),
            ("failed ", Err("no reason given")),
            ("ok <html>", Err("not what was expected")),
            ("ok {\"kvs\":[{}]}", Err("missing field `value`")),
            ("Welcome to Flatcar!", Err("not what was expected: Welcome")),
        ] {
            match (answering(&[line]).look().await, expected) {
                (Ok(found), Ok(expected)) => assert_eq!(found, expected, "{line}"),
                (Err(found), Err(expected)) => assert!(found.to_string().contains(expected), "{line}: {found}"),
                (found, _) => panic!("{line}: {found:?}"),
            }
        }
        let taken = answering(&["ok {\"header\":{\"revision\":9},\"succeeded\":true}"]).take(&someone()).await.unwrap();
        assert_eq!(taken, Some(Fence { revision: 9 }));
        let lacking = answering(&["ok {\"succeeded\":true}"]).take(&someone()).await.unwrap_err().to_string();
        assert!(lacking.contains("missing field `header`"), "{lacking}");
        let late =
            answering(&["ok {\"header\":{\"revision\":9},\"responses\":[]}", "ok "]).take(&someone()).await.unwrap();
        assert_eq!(late, None);
        let ended = answering(&["failed Error: etcdserver: requested lease not found"]).renew().await;
        assert!(matches!(ended, Err(KeeperError::LeaseEnded(said)) if said == "etcdserver: requested lease not found"));
        let late = answering(&["failed Error: etcdserver: request timed out"]).renew().await;
        assert!(matches!(late, Err(KeeperError::Refused(said)) if said == "etcdserver: request timed out"));
    }

    #[tokio::test]
    async fn a_shell_that_ends_is_an_error() {
        let (ours, theirs) = tokio::io::duplex(1024);
        drop(theirs);
        assert!(matches!(Keeper::new(ours).look().await, Err(KeeperError::Ended(_))));
    }

    /// As when the clock is set forward while a word arrives. A word ends when no time-out is near: bash loses the end of a line
    /// that it has read at the very moment of one.
    #[tokio::test]
    async fn a_word_is_read_however_often_its_reader_is_woken() {
        let impatient = SCRIPT.replace("read -r -t 50", "read -r -t 0.5");
        assert_ne!(impatient, SCRIPT);
        let mut shell = tokio::process::Command::new("bash")
            .args(["-c", &impatient])
            .stdin(std::process::Stdio::piped())
            .stdout(std::process::Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let (mut stdin, stdout) = (shell.stdin.take().unwrap(), shell.stdout.take().unwrap());
        for part in ["dr", "op\ndr", "op\n"] {
            tokio::time::sleep(Duration::from_millis(1250)).await;
            stdin.write_all(part.as_bytes()).await.unwrap();
            stdin.flush().await.unwrap();
        }
        let mut lines = tokio::io::BufReader::new(stdout).lines();
        for _ in 0..2 {
            assert_eq!(lines.next_line().await.unwrap().as_deref(), Some("ok "));
        }
    }

    #[test]
    fn the_script_can_be_quoted() {
        assert!(!SCRIPT.contains('\''));
    }
}
