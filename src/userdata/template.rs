//! The text templates that are compiled into the program; an undefined name is an error, never an empty string.

use minijinja::syntax::SyntaxConfig;
use minijinja::{Environment, UndefinedBehavior, Value};

use super::UserDataError;

/// Name and text of every template.
const TEMPLATES: [(&str, &str); 6] = [
    ("chrony.sources", include_str!("../../templates/chrony.sources")),
    ("docker-requires-data-disk.conf", include_str!("../../templates/docker-requires-data-disk.conf")),
    ("environment", include_str!("../../templates/environment")),
    ("etcd-member.conf", include_str!("../../templates/etcd-member.conf")),
    ("ssh_config", include_str!("../../templates/ssh_config")),
    ("var-lib-docker.mount", include_str!("../../templates/var-lib-docker.mount")),
];

/// The text of template `name` with `context`'s values.
pub fn render(name: &'static str, context: impl Into<Value>) -> Result<String, UserDataError> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    let failed = |error: minijinja::Error| UserDataError::Template(name, format!("{error:#}"));
    // Tags stand on lines of their own, which vanish; every other line ends as it is written.
    let syntax = SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).keep_trailing_newline(true).build();
    environment.set_syntax(syntax.map_err(failed)?);
    let text = TEMPLATES.iter().find(|(known, _)| *known == name).map(|(_, text)| *text).unwrap_or_default();
    environment.render_named_str(name, text, context).map_err(failed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use minijinja::context;

    #[test]
    fn an_undefined_name_is_an_error() {
        let error = render("environment", context! {}).unwrap_err().to_string();
        assert!(error.contains("rendering `environment`"), "{error}");
    }

    #[test]
    fn every_server_gets_a_line() {
        let text = render("chrony.sources", context! { servers => ["a.test", "b.test"] }).unwrap();
        assert_eq!(text, "server a.test iburst\nserver b.test iburst\n");
    }
}
