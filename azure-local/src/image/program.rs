//! A program that makes a part of the image: run to its end in a process group of its own, or ended with all that it started.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::os::unix::process::CommandExt as _;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use anyhow::{Context as _, Result, bail};
use rustix::process::{Pid, Signal, kill_process_group};

/// How many lines of a failed program's output are shown.
const SHOWN_LINES: usize = 15;
/// The system's words when a disk is full; they may come long before the end.
const NO_SPACE: &str = "No space left on device";

/// The program that a build runs now, if any; clones are the same one.
#[derive(Clone, Debug, Default)]
pub struct RunningProgram {
    /// Its process group; 0 for none.
    group: Arc<AtomicU32>,
}

/// Ends the program of a build when it is dropped, as by a command that a signal ends.
#[derive(Debug)]
pub struct EndOnDrop(RunningProgram);

impl Drop for EndOnDrop {
    fn drop(&mut self) {
        self.0.end();
    }
}

impl RunningProgram {
    /// What ends the program when it goes.
    #[must_use]
    pub fn end_on_drop(&self) -> EndOnDrop {
        EndOnDrop(self.clone())
    }

    /// Asks the program and all that it started to end: a terminal's Ctrl-C does not reach them.
    fn end(&self) {
        let group = i32::try_from(self.group.load(Ordering::SeqCst)).ok().and_then(Pid::from_raw);
        // It may have ended by now.
        let _ = group.map(|group| kill_process_group(group, Signal::TERM));
    }

    /// Runs a program to its end; its output goes to `progress` and, when it fails, into the error. It shares `lock`: when this
    /// process is killed and the program goes on for a while, the next build waits for it instead of writing where it writes.
    pub(super) fn run(&self, command: &mut Command, lock: &File, progress: &mut dyn FnMut(&str)) -> Result<()> {
        let name = command.get_program().to_string_lossy().into_owned();
        let mut child = command
            // mmdebstrap hangs up its whole group when it cannot write its archive: that is not to be us and who called us.
            .process_group(0)
            // The lock's file is empty.
            .stdin(lock.try_clone().context("sharing the lock")?)
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .with_context(|| format!("running `{name}` (is it installed?)"))?;
        self.group.store(child.id(), Ordering::SeqCst);
        let mut last_lines = Vec::new();
        let mut no_space = None;
        if let Some(output) = child.stderr.take() {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                if let Some(step) = line.strip_prefix("I: ") {
                    progress(step);
                }
                if no_space.is_none() && line.contains(NO_SPACE) {
                    no_space = Some(line.clone());
                }
                if last_lines.len() == SHOWN_LINES {
                    last_lines.remove(0);
                }
                last_lines.push(line);
            }
        }
        let status = child.wait().with_context(|| format!("waiting for `{name}`"));
        self.group.store(0, Ordering::SeqCst);
        let status = status?;
        if !status.success() {
            last_lines.extend(no_space.filter(|line| !last_lines.contains(line)));
            bail!("`{name}` ended with {status}:\n{}", last_lines.join("\n"));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sh(script: &str, running: &RunningProgram, progress: &mut dyn FnMut(&str)) -> Result<()> {
        running.run(Command::new("sh").args(["-c", script]), &tempfile::tempfile().expect("a file"), progress)
    }

    #[test]
    fn a_failing_program_is_shown_with_its_last_words() {
        let mut steps = Vec::new();
        let script = "echo 'I: starting' >&2; for i in $(seq 40); do echo line $i >&2; done; exit 3";
        let error = sh(script, &RunningProgram::default(), &mut |step| steps.push(step.to_owned()));
        let message = error.expect_err("exit code 3").to_string();
        assert_eq!(steps, ["starting"]);
        assert!(message.contains("exit status: 3") && message.ends_with("line 39\nline 40"), "{message}");
        assert!(!message.contains("line 25\n"), "{message}");

        let script =
            "echo 'tar: x: No space left on device' >&2; for i in $(seq 40); do echo line $i >&2; done; exit 1";
        let message = sh(script, &RunningProgram::default(), &mut |_| ()).expect_err("exit code 1").to_string();
        assert!(message.ends_with("line 40\ntar: x: No space left on device"), "{message}");
    }

    #[test]
    fn a_program_that_hangs_up_its_group_is_alone_there() {
        let message = sh("kill -HUP 0", &RunningProgram::default(), &mut |_| ()).expect_err("a signal").to_string();
        assert!(message.contains("signal: 1"), "{message}");
    }

    #[test]
    fn a_program_ends_with_its_command_and_what_it_started() {
        let running = RunningProgram::default();
        let ending = running.end_on_drop();
        // The second keeps the output open, so that the first alone would not do.
        let mut started = false;
        let mut ending = Some(ending);
        let ended = sh("echo 'I: started' >&2; sleep 600 & sleep 600", &running, &mut |_| {
            started = true;
            ending.take();
        });
        assert!(started);
        assert!(ended.expect_err("a signal").to_string().contains("signal: 15"));
    }
}
