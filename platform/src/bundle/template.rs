//! Renders a `stack.yaml`. Whatever a setting's value is, it stays inside its YAML scalar: values are written in quotes,
//! on one line, with everything unusual escaped.

use std::fmt::Write as _;

use minijinja::syntax::SyntaxConfig;
use minijinja::value::ValueKind;
use minijinja::{Environment, Error, ErrorKind, UndefinedBehavior, Value, context};

/// Instructions of one rendering: nested loops of a stranger's template come to an end.
const MOST_STEPS: u64 = 1_000_000;

/// A rendered text.
#[derive(Debug)]
pub(super) struct RenderedText {
    pub text: String,
    /// For each line, the line of the template that it comes from; empty when that cannot be told.
    pub lines: Vec<usize>,
}

/// Why a template does not render.
#[derive(Debug)]
pub(super) struct TemplateError {
    pub message: String,
    /// Of the template, counted from 1.
    pub line: Option<usize>,
}

/// Stands for a name that is not in the context, where that is no error.
pub(super) const SOME_TEXT: &str = "text";

/// What a name is that is not in the context.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Undefined {
    /// An error.
    Refused,
    /// Some text, so that what comes after it can be looked at as well.
    SomeText,
}

/// Renders a template.
pub(super) fn render(source: &str, context: &Value, undefined: Undefined) -> Result<RenderedText, TemplateError> {
    let environment = environment(undefined).map_err(|error| explain(&error))?;
    let text = environment.render_named_str("stack.yaml", source, context).map_err(|error| explain(&error))?;
    let lines = mark(source)
        .and_then(|marked| environment.render_named_str("stack.yaml", &marked, context).ok())
        .map(|marked| unmark(&marked))
        // Marks may come between a tag and the white space that it takes away.
        .filter(|(unmarked, _)| *unmarked == text)
        .map(|(_, lines)| lines)
        .unwrap_or_default();
    Ok(RenderedText { text, lines })
}

/// The names that a template uses and does not define, such as `router.sslCert`; none when it cannot be read.
pub(super) fn names(source: &str) -> Vec<String> {
    let environment = environment(Undefined::Refused);
    let names = environment.ok().and_then(|environment| {
        let mut names = environment.template_from_named_str("stack.yaml", source).ok()?.undeclared_variables(true);
        // minijinja's own functions, such as `range`; `debug`, which writes all values down, is for nobody.
        names.retain(|name| name == "debug" || environment.globals().all(|(known, _)| known != name));
        Some(names)
    });
    let mut names: Vec<String> = names.into_iter().flatten().collect();
    names.sort();
    names
}

fn environment<'s>(undefined: Undefined) -> Result<Environment<'s>, Error> {
    let mut environment = Environment::new();
    environment.set_fuel(Some(MOST_STEPS));
    environment.set_undefined_behavior(match undefined {
        Undefined::Refused => UndefinedBehavior::Strict,
        Undefined::SomeText => UndefinedBehavior::Chainable,
    });
    // Tags stand on lines of their own, which vanish.
    environment
        .set_syntax(SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).keep_trailing_newline(true).build()?);
    environment.set_formatter(|out, _, value| {
        let quoted = quote(value)?;
        out.write_str(&quoted).map_err(Error::from)
    });
    environment.add_filter("url", url_parts);
    Ok(environment)
}

/// A value as a YAML flow node on one line; a dollar sign is doubled, as Compose wants it.
fn quote(value: &Value) -> Result<String, Error> {
    match value.kind() {
        // minijinja writes Python's `True`.
        ValueKind::Bool => Ok(value.is_true().to_string()),
        ValueKind::Number => Ok(value.to_string()),
        ValueKind::String => Ok(quote_text(value.as_str().unwrap_or_default())),
        ValueKind::Seq | ValueKind::Iterable => {
            let items: Result<Vec<String>, Error> = value.try_iter()?.map(|item| quote(&item)).collect();
            Ok(format!("[{}]", items?.join(", ")))
        }
        // Only where undefined names are no errors.
        ValueKind::Undefined => Ok(quote_text(SOME_TEXT)),
        ValueKind::None => {
            Err(Error::new(ErrorKind::InvalidOperation, "the value is not set; guard it with `{% if %}`"))
        }
        kind => Err(Error::new(ErrorKind::InvalidOperation, format!("a {kind} cannot be written here"))),
    }
}

/// <https://yaml.org/spec/1.2.2/#731-double-quoted-style>
fn quote_text(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for character in text.chars() {
        match character {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '$' => quoted.push_str("$$"),
            '\n' => quoted.push_str("\\n"),
            '\t' => quoted.push_str("\\t"),
            '\r' => quoted.push_str("\\r"),
            ' '..='~' => quoted.push(character),
            // Cannot fail: a String takes everything.
            other => drop(write!(quoted, "\\U{:08X}", u32::from(other))),
        }
    }
    quoted.push('"');
    quoted
}

/// `{{ (logger.drain | url).host }}`: the parts of an address; a host that is an IPv6 address is without its brackets.
fn url_parts(text: String) -> Result<Value, Error> {
    let url = url::Url::parse(&text)
        .map_err(|error| Error::new(ErrorKind::InvalidOperation, format!("`{text}` is not an address: {error}")))?;
    Ok(context! {
        scheme => url.scheme(),
        host => url.host_str().map(|host| host.trim_start_matches('[').trim_end_matches(']')),
        is_ipv6 => url.host_str().is_some_and(|host| host.starts_with('[')),
        port => url.port_or_known_default(),
        path => url.path(),
    })
}

fn explain(error: &Error) -> TemplateError {
    let message = match error.detail() {
        _ if error.kind() == ErrorKind::OutOfFuel => {
            format!("takes more than {MOST_STEPS} steps to render; make its loops shorter")
        }
        Some(detail) => format!("{}: {detail}", error.kind()),
        None => error.kind().to_string(),
    };
    TemplateError { message, line: error.line() }
}

/// Opens a mark; private use, so no text has it.
const MARK_START: char = '\u{E000}';
/// Closes a mark.
const MARK_END: char = '\u{E001}';

/// The template with its line's number at the start of each line that is not a tag's own.
fn mark(source: &str) -> Option<String> {
    if source.contains([MARK_START, MARK_END]) {
        return None;
    }
    let mut marked = String::new();
    for (index, line) in source.split_inclusive('\n').enumerate() {
        let tag = line.trim_start();
        if !tag.starts_with("{%") && !tag.starts_with("{#") {
            marked.push_str(&format!("{MARK_START}{}{MARK_END}", index + 1));
        }
        marked.push_str(line);
    }
    Some(marked)
}

/// The text without marks, and the first mark of each line.
fn unmark(marked: &str) -> (String, Vec<usize>) {
    let mut text = String::new();
    let mut lines = Vec::new();
    let mut last = 1;
    for line in marked.split_inclusive('\n') {
        let mut first = None;
        let mut rest = line;
        while let Some((before, tail)) = rest.split_once(MARK_START) {
            let (number, tail) = tail.split_once(MARK_END).unwrap_or((tail, ""));
            first = first.or_else(|| number.parse().ok());
            text.push_str(before);
            rest = tail;
        }
        text.push_str(rest);
        last = first.unwrap_or(last);
        lines.push(last);
    }
    (text, lines)
}

#[cfg(test)]
mod tests {
    use super::*;
    use diagnostics::yaml;

    #[test]
    fn no_value_leaves_its_scalar() {
        for value in [
            "plain",
            "a: b",
            "\"",
            "\\",
            "\\\"",
            "'",
            "}}",
            "{{ 1 }}",
            "{% raw %}",
            "#no comment",
            "- x",
            "line\nbreak: true\r\n\tend",
            "\u{85}\u{2028}\u{7f}\0\u{1b}",
            "ü € 😀 \u{feff}",
            "!!tag &anchor *alias",
            "",
        ] {
            let source = "a: {{ v }}\nb: {{ 'x' ~ v ~ 'y' }}\nc: |\n  t {{ v }}\nd: [{{ v }}, {{ [v, v] }}]\n";
            let rendered = render(source, &context! { v => value }, Undefined::Refused).unwrap();
            let document: yaml::Value = yaml::from_str(&rendered.text).unwrap();
            assert_eq!(document["a"].as_str(), Some(value), "{}", rendered.text);
            assert_eq!(document["b"].as_str(), Some(&*format!("x{value}y")));
            assert_eq!(document["d"][1][1].as_str(), Some(value));
            assert_eq!(document.as_mapping().unwrap().len(), 4, "{}", rendered.text);
        }
        let rendered = render("a: {{ v }}", &context! { v => "5$" }, Undefined::Refused).unwrap();
        assert_eq!(rendered.text, "a: \"5$$\"", "Compose reads `$$` as a dollar sign");
    }

    #[test]
    fn numbers_and_booleans_are_bare() {
        let rendered = render("{{ a }} {{ b }}", &context! { a => 5, b => true }, Undefined::Refused).unwrap();
        assert_eq!(rendered.text, "5 true");
    }

    #[test]
    fn what_is_not_there_is_an_error() {
        for (source, message) in [
            ("x\n{{ nothing }}", "undefined"),
            ("x\n{{ unset }}", "the value is not set; guard it with `{% if %}`"),
            ("x\n{{ a.b }}", "undefined"),
            ("x\n{% if %}", "syntax error"),
            (
                "x\n{% for i in range(10000) %}{% for j in range(10000) %}y{% endfor %}{% endfor %}",
                "takes more than 1000000 steps",
            ),
            ("x\n{{ a }}", "a map cannot be written here"),
            ("x\n{{ 'y' | url }}", "`y` is not an address"),
        ] {
            let error = render(source, &context! { unset => (), a => context! {} }, Undefined::Refused).unwrap_err();
            assert!(error.message.contains(message), "{source}: {}", error.message);
            assert_eq!(error.line, Some(2), "{source}");
        }
    }

    #[test]
    fn lines_of_the_template_are_known() {
        let source = "a: 1\n{% if off %}\nb: 2\n{% endif %}\nc: 3\n  {# note #}\n{% for x in list %}\n- {{ x }}\n{% endfor %}\nd: 4\n";
        let rendered = render(source, &context! { off => false, list => ["x", "y"] }, Undefined::Refused).unwrap();
        assert_eq!(rendered.text, "a: 1\nc: 3\n- \"x\"\n- \"y\"\nd: 4\n");
        assert_eq!(rendered.lines, [1, 5, 8, 8, 10]);
    }

    #[test]
    fn names_that_a_template_uses() {
        assert_eq!(
            names("{{ router.x }} {% if (logger.drain | url).host %}{{ bundle.name }}{% endif %}"),
            ["bundle.name", "logger.drain", "router.x"]
        );
        let functions =
            "{% for i in range(router.x) %}{{ dict(a=i).a }}{{ debug() }}{% endfor %}{% set n = namespace() %}";
        assert_eq!(names(functions), ["debug", "router.x"]);
    }
}
