//! Questions to a node: shell commands, many in one go, and their answers told apart.

use std::collections::HashMap;
use std::fmt::Write as _;

/// A command that hangs must not take the others' answers with it.
const COMMAND_SECONDS: u32 = 20;
/// Begins the line after each answer; no command prints it.
const MARK: &str = "\u{1e}";

/// Answers by the question's name: exit status, and stdout with stderr.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Answers {
    answers: HashMap<String, (u32, String)>,
}

/// One shell command that runs all of these; each is a name and a command of its own.
pub(super) fn script(questions: &[(&str, &str)]) -> String {
    let mut script = String::from("export LC_ALL=C; ");
    for (name, command) in questions {
        let quoted = |text: &str| format!("'{}'", text.replace('\'', "'\\''"));
        let (command, name) = (quoted(command), quoted(name));
        let _ = write!(script, "timeout {COMMAND_SECONDS} sh -c {command} 2>&1; printf '\\n\\036%s %s\\n' {name} $?; ");
    }
    script
}

impl Answers {
    /// Takes the output of [`script`] apart.
    pub(super) fn read(output: &str) -> Self {
        let mut answers = HashMap::new();
        let mut answer = String::new();
        for line in output.lines() {
            match line.strip_prefix(MARK).and_then(|end| end.rsplit_once(' ')) {
                Some((name, status)) => {
                    let status = status.parse().unwrap_or(u32::MAX);
                    answers.insert(name.to_owned(), (status, std::mem::take(&mut answer).trim().to_owned()));
                }
                None => {
                    answer.push_str(line);
                    answer.push('\n');
                }
            }
        }
        Self { answers }
    }

    /// What the command printed when it succeeded.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.answers.get(name).filter(|(status, _)| *status == 0).map(|(_, text)| text.as_str())
    }

    /// What the command printed, however it ended.
    pub(super) fn text(&self, name: &str) -> &str {
        self.answers.get(name).map(|(_, text)| text.as_str()).unwrap_or_default()
    }

    /// How the command ended; 124 when it took too long.
    pub(super) fn status(&self, name: &str) -> Option<u32> {
        self.answers.get(name).map(|(status, _)| *status)
    }

    /// The last line of what a command complained.
    pub(super) fn complaint(&self, name: &str) -> String {
        match self.answers.get(name) {
            Some((124, _)) => format!("no answer within {COMMAND_SECONDS} s"),
            Some((status, text)) => match text.lines().rev().find(|line| !line.trim().is_empty()) {
                Some(line) => line.trim().to_owned(),
                None => format!("exit status {status}"),
            },
            None => "no answer".to_owned(),
        }
    }

    #[cfg(test)]
    pub(super) fn of(answers: &[(&str, u32, &str)]) -> Self {
        let answers = answers.iter().map(|(name, status, text)| ((*name).to_owned(), (*status, (*text).to_owned())));
        Self { answers: answers.collect() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shell_answers_all_questions() {
        let script = script(&[
            ("one", "echo 'it''s'; echo more"),
            ("it's two", "echo failing >&2; exit 3"),
            ("three", "printf 'no newline'"),
            ("four", "true"),
        ]);
        let output = std::process::Command::new("sh").args(["-c", &script]).output().unwrap();
        let answers = Answers::read(&String::from_utf8(output.stdout).unwrap());
        assert_eq!(answers.get("one"), Some("its\nmore"));
        assert_eq!((answers.get("it's two"), answers.status("it's two")), (None, Some(3)));
        assert_eq!((answers.text("it's two"), answers.complaint("it's two").as_str()), ("failing", "failing"));
        assert_eq!(answers.get("three"), Some("no newline"));
        assert_eq!(answers.get("four"), Some(""));
        assert_eq!((answers.status("five"), answers.complaint("five").as_str()), (None, "no answer"));
    }
}
