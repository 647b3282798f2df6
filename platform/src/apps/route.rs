//! An app to the labels by which routers find it, and the name under which they find its tasks.

use std::collections::BTreeMap;

use routing::{LabelPrefix, Route, Upstream};

use super::App;

/// What the public service's tasks are called on the routers' network; those that are sent ahead as well.
pub(super) fn alias(app: &App) -> String {
    app.name.namespace()
}

/// Labels of the public service, which listens on `port`; none while no domain leads to the app.
pub(super) fn labels(app: &App, port: u16, prefix: &LabelPrefix) -> BTreeMap<String, String> {
    if app.domains.is_empty() {
        return BTreeMap::new();
    }
    let upstream = Upstream::tasks_of(&alias(app));
    Route { domains: app.domains.clone(), upstream, port, rules: app.rules.clone() }.labels(prefix)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_app_without_domains_asks_for_nothing() {
        let prefix = "platform.route".parse().unwrap();
        let mut app = App::new("hello".parse().unwrap(), String::new(), Vec::new());
        assert_eq!(labels(&app, 8000, &prefix), BTreeMap::new());
        app.domains = vec!["a.example.test".parse().unwrap()];
        assert_eq!(labels(&app, 8000, &prefix)["platform.route.upstream"], "tasks.app-hello");
    }
}
