//! The end of a machine's serial console, as a person reads it: `status` shows it.

/// Last lines of a console that are shown.
const LINES: usize = 25;

/// Up to [`LINES`] last lines of what a machine wrote to its console, each as a terminal leaves it: without colours, and of
/// what was written over itself the last. Empty lines, and systemd's moving stars but for the last, are left out.
pub(super) fn end(log: &str) -> String {
    let log = anstream::adapter::strip_str(log).to_string();
    let mut lines: Vec<&str> = Vec::new();
    for line in log.lines().map(|line| line.trim_end_matches('\r')) {
        let line = line.rsplit('\r').next().unwrap_or_default().trim_end();
        if line.is_empty() {
            continue;
        }
        if lines.last().is_some_and(|last| is_progress(last)) {
            lines.pop();
        }
        lines.push(line);
    }
    lines[lines.len().saturating_sub(LINES)..].join("\n")
}

/// What systemd writes each second while it waits: `[ ***  ] Job docker.service/start running (12s / no limit)`.
/// <https://github.com/systemd/systemd/blob/v257/src/core/manager.c>, `manager_print_jobs_in_progress`
fn is_progress(line: &str) -> bool {
    let stars = line.strip_prefix('[').and_then(|rest| rest.split_once(']')).map(|(stars, _)| stars);
    stars.is_some_and(|stars| stars.contains('*') && stars.chars().all(|letter| matches!(letter, '*' | ' ')))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_console_is_shown_as_a_terminal_leaves_it() {
        for (log, shown) in [
            ("", ""),
            ("one\r\ntwo\r\n", "one\ntwo"),
            (
                "[\u{1b}[0;32m  OK  \u{1b}[0m] Started \u{1b}[0;1;39ma.service\u{1b}[0m.\r\r\n\r\n",
                "[  OK  ] Started a.service.",
            ),
            ("50 %\r100 %\r\n", "100 %"),
            (
                "[\u{1b}[0;31m*     \u{1b}[0m] Job a running (1s / no limit)\r\r\n\r\r\u{1b}[K[ *    ] Job a running (2s / no limit)\r\r\n",
                "[ *    ] Job a running (2s / no limit)",
            ),
            ("[***   ] Job a running\n\u{1b}[K[  OK  ] Started a.\n", "[  OK  ] Started a."),
            ("[ 1.5] kernel\n[*] of a program\n[**bold**] text\n", "[ 1.5] kernel\n[**bold**] text"),
        ] {
            assert_eq!(end(log), shown, "{log:?}");
        }
        let many: String = (0..100).map(|line| format!("line {line}\r\n")).collect();
        let shown = end(&many);
        assert_eq!((shown.lines().count(), shown.lines().next()), (LINES, Some("line 75")));
    }
}
