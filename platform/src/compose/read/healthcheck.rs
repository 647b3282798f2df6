//! How Docker asks a container whether it is well.

use super::{extensions, service};
use crate::compose::{HealthTest, Healthcheck};
use diagnostics::yaml::{Node, Value};

/// `healthcheck:` of a service.
pub(super) fn healthcheck(node: &Node<'_>) -> Option<Healthcheck> {
    let fields = node.fields()?;
    let disabled = fields.take("disable").and_then(|node| node.boolean()).unwrap_or_default();
    let given = fields.take("test");
    let test = match given {
        Some(node) if disabled => {
            node.problem("`disable: true` and `test` exclude each other");
            None
        }
        Some(node) => test(&node),
        None if disabled => Some(HealthTest::Disabled),
        None => Some(HealthTest::OfImage),
    };
    let healthcheck = |test| Healthcheck {
        test,
        interval: service::duration(&fields, "interval"),
        timeout: service::duration(&fields, "timeout"),
        retries: service::count(&fields, "retries"),
        start_period: service::duration(&fields, "start_period"),
        start_interval: service::duration(&fields, "start_interval"),
    };
    let read = healthcheck(test.clone().unwrap_or(HealthTest::OfImage));
    extensions(&fields);
    fields.finish();
    test.map(|_| read)
}

/// A line for the shell, or a list that starts with `NONE`, `CMD` or `CMD-SHELL`.
fn test(node: &Node<'_>) -> Option<HealthTest> {
    if !matches!(node.value(), Value::Sequence(_)) {
        return node.string().map(HealthTest::Shell);
    }
    let words = node.scalars()?;
    match words.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["NONE"] => Some(HealthTest::Disabled),
        ["CMD", _, ..] => Some(HealthTest::Command(words[1..].to_vec())),
        ["CMD-SHELL", line] => Some(HealthTest::Shell((*line).to_owned())),
        ["CMD-SHELL", ..] => {
            node.problem("`CMD-SHELL` takes one line");
            None
        }
        _ => {
            node.problem("a list must start with `CMD`, `CMD-SHELL` or be `[NONE]`");
            None
        }
    }
}
