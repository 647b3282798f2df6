//! What Ignition takes for a systemd unit.
//!
//! <https://github.com/coreos/go-systemd/blob/main/unit/deserialize.go>

/// A longer line is refused: older versions of systemd cut it off.
const LINE_BYTES: usize = 2048;

/// What is wrong with a unit's or drop-in's content, with its line in it.
pub(super) fn mistake(content: &str) -> Option<String> {
    read(content).err()
}

/// Whether something stands in a section of this name. Of what cannot be read, that is not known.
pub(super) fn has_section(content: &str, name: &str) -> bool {
    read(content).map_or(true, |sections| sections.iter().any(|section| section == name))
}

/// The section of each option, in their order.
fn read(content: &str) -> Result<Vec<String>, String> {
    let mut sections = Vec::new();
    let mut section: Option<String> = None;
    let mut lines =
        content.split('\n').enumerate().map(|(index, line)| (index + 1, line.strip_suffix('\r').unwrap_or(line)));
    while let Some((number, line)) = lines.next() {
        check_length(number, line)?;
        // What stands before the first section is passed over.
        let text = match section {
            None => line.find(['[', '#', ';']).map_or("", |start| &line[start..]),
            Some(_) => line.trim_start(),
        };
        if let Some(header) = text.strip_prefix('[') {
            let Some((name, rest)) = header.split_once(']') else {
                return Err(format!("its line {number} begins a section that no `]` ends"));
            };
            if !rest.trim().is_empty() {
                return Err(format!("its line {number} has more than the section's name"));
            }
            section = Some(name.to_owned());
            continue;
        }
        if text.is_empty() {
            continue;
        }
        if !text.starts_with(['#', ';']) {
            if !line.contains('=') {
                return Err(format!("its line {number} is neither a section nor an option (`Name=value`)"));
            }
            sections.extend(section.clone());
        }
        let mut last = line;
        while last.ends_with('\\')
            && let Some((number, line)) = lines.next()
        {
            check_length(number, line)?;
            last = line;
        }
    }
    Ok(sections)
}

fn check_length(number: usize, line: &str) -> Result<(), String> {
    match line.len() < LINE_BYTES {
        true => Ok(()),
        false => Err(format!("its line {number} is longer than {LINE_BYTES} bytes")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contents() {
        let long = format!("[Service]\nExecStart={}\n", "x".repeat(LINE_BYTES));
        for (content, mistaken) in [
            ("", None),
            ("[Service]\nExecStart=/bin/true\n", None),
            ("# comment\n\n[Service]\r\nA=b\r\n; comment\n", None),
            ("[Service]\nExecStart=/bin/sh \\\n  no equals sign\n[Install]\nWantedBy=a\n", None),
            ("words before\n[Service]\nA=\n", None),
            ("[Service\n", Some("line 1 begins a section")),
            ("[Service] x\n", Some("line 1 has more")),
            ("[Service]\nExecStart\n", Some("line 2 is neither")),
            (&long, Some("line 2 is longer")),
        ] {
            match (mistake(content), mistaken) {
                (None, None) => {}
                (Some(found), Some(part)) if found.contains(part) => {}
                (found, _) => panic!("{content}: {found:?}"),
            }
        }
        assert!(has_section("[Service]\nA=b\n[Install]\nWantedBy=x\n", "Install"));
        assert!(!has_section("[Service]\nA=b\n", "Install"));
    }
}
