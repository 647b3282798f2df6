//! The parts of a multipart file. `initialize/user_data.go`, `multipartToUserDataParts`.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// A part, as it stands in the file.
pub struct Part<'t> {
    /// Line of its first header.
    pub line: usize,
    /// In lower case and without parameters.
    pub content_type: String,
    /// In lower case.
    pub encoding: String,
    pub body: Vec<&'t str>,
    /// Line of the body's first line.
    pub body_line: usize,
}

impl Part<'_> {
    /// The body as its reader has it; none when it is not text in the base64 that it says.
    pub fn text(&self) -> Option<String> {
        let body = self.body.join("\n") + "\n";
        if self.encoding != "base64" {
            return Some(body);
        }
        let packed: String = body.split_whitespace().collect();
        STANDARD.decode(packed).ok().and_then(|bytes| String::from_utf8(bytes).ok())
    }
}

/// The parts between the boundaries that the first line names.
pub fn parts(text: &str) -> Vec<Part<'_>> {
    let boundary = text.lines().next().and_then(|line| line.split("boundary=").nth(1)).unwrap_or_default();
    let boundary = boundary.split(';').next().unwrap_or_default().trim().trim_matches('"');
    let (opening, closing) = (format!("--{boundary}"), format!("--{boundary}--"));
    let mut parts: Vec<Part> = Vec::new();
    let mut in_headers = false;
    let mut is_open = false;
    for (index, line) in text.lines().enumerate() {
        let line_number = index + 1;
        if boundary.is_empty() || line.trim_end() == closing {
            is_open = false;
        } else if line.trim_end() == opening {
            let (line, body_line) = (line_number + 1, line_number + 1);
            let encoding = String::new();
            parts.push(Part { line, content_type: String::new(), encoding, body: Vec::new(), body_line });
            (in_headers, is_open) = (true, true);
        } else if let Some(part) = parts.last_mut().filter(|_| is_open) {
            match line.split_once(':') {
                _ if !in_headers => part.body.push(line),
                _ if line.trim().is_empty() => (in_headers, part.body_line) = (false, line_number + 1),
                Some((name, value)) => {
                    let value = value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
                    match name.to_ascii_lowercase().as_str() {
                        "content-type" => part.content_type = value,
                        "content-transfer-encoding" => part.encoding = value,
                        _ => {}
                    }
                }
                None => {}
            }
        }
    }
    parts
}
